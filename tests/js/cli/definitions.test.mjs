// `highway-wasm validate` and `graph`: definitions as text, and modules that export one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Workflow } from "highway-wasm";
import "highway-wasm/engine";
import { folder, highway, modules, shellWorkflow } from "../support/cli.mjs";

const good = shellWorkflow("good", { first: "echo 1", second: "echo 2" });
const bad = structuredClone(good);
bad.tasks.second.dependencies = ["frist"];
bad.tasks.first.operator_type = "tsak";
const yaml = (definition) => Workflow.fromJSON(definition).toYAML();
const badYaml = yaml(good)
  .replace("- first", "- frist")
  .replace("operator_type: task", "operator_type: tsak");

const DRIVER = `import { Driver } from "highway-wasm";
const driver = new Driver({ name: "made" });
const one = driver.shell("one", "echo {{inputs.who}}");
driver.shell("two", \`echo "\${one.result.stdout}"\`, { depends: [one] });
export default driver;`;
const BUILDER = `import { WorkflowBuilder } from "highway-wasm";
const builder = new WorkflowBuilder("made").task("one", "tools.shell.run", { args: ["echo 1"] });`;

const files = {
  "good.json": good,
  "good.yaml": yaml(good),
  "good.yml": yaml(good),
  good: good,
  "good-yaml": yaml(good),
  "bad.json": bad,
  "bad.yaml": badYaml,
  "broken.json": '{"name": ',
  "broken.yaml": "name: [",
  "empty.yaml": "# nothing yet\n",
  "mark.json": "\ufeff",
  "text.json": '"text"',
  "empty.json": "",
  "warns.json": { ...good, surprise: 1 },
};

describe("validate", { concurrency: 3 }, () => {
  for (const name of ["good.json", "good.yaml", "good.yml", "good", "good-yaml"]) {
    test(`finds nothing in ${name}`, async (t) => {
      const cwd = folder(t, files);
      const { code, stdout, stderr } = await highway(t, ["validate", name], { cwd });
      assert.deepEqual([code, stdout, stderr], [0, "valid: 0 errors, 0 warnings\n", ""]);
    });
  }

  for (const name of ["bad.json", "bad.yaml"]) {
    test(`lists all findings in ${name}, with code, path, message and help`, async (t) => {
      const cwd = folder(t, files);
      const { code, stdout } = await highway(t, ["validate", name], { cwd });
      assert.equal(code, 2);
      assert.match(
        stdout,
        /^bad\.(?:json|yaml)[:\d]*: error OPERATOR_UNKNOWN \/tasks\/first\/operator_type\n {2}.*`tsak`.*\n {2}help: .*`task`/m,
      );
      assert.match(
        stdout,
        /^bad\.(?:json|yaml)[:\d]*: error DEPENDENCY_UNKNOWN \/tasks\/second\/dependencies\/0\n {2}.*\n {2}help: .*`first`/m,
      );
      assert.match(stdout, /^not valid: 2 errors, 0 warnings$/m);
    });
  }

  for (const [name, code, path = "the whole document"] of [
    ["broken.json", "JSON_INVALID", "/name"],
    ["broken.yaml", "YAML_INVALID", "/name"],
    ["empty.yaml", "YAML_INVALID"],
    ["mark.json", "JSON_INVALID"],
    ["text.json", "FIELD_TYPE_INVALID"],
    ["empty.json", "JSON_INVALID"],
  ]) {
    test(`reports ${code} for ${name}`, async (t) => {
      const cwd = folder(t, files);
      const { code: exit, stdout, stderr } = await highway(t, ["validate", name], { cwd });
      assert.deepEqual([exit, stderr], [2, ""]);
      assert.match(stdout, new RegExp(`^${name}[:\\d]*: error ${code} ${path}\n {2}.+\n`));
    });
  }

  test("does not fail for warnings", async (t) => {
    const { code, stdout } = await highway(t, ["validate", "warns.json"], { cwd: folder(t, files) });
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^warns\.json[:\d]*: warning FIELD_UNKNOWN \/surprise\n.*^valid: 0 errors, 1 warning$/ms,
    );
  });

  test("reads standard input, JSON and YAML", async (t) => {
    for (const input of [JSON.stringify(good), yaml(good)]) {
      assert.equal((await highway(t, ["validate", "-"], { input })).code, 0);
    }
    for (const input of [JSON.stringify(bad), badYaml]) {
      const { code, stdout } = await highway(t, ["validate", "-"], { input });
      assert.equal(code, 2);
      assert.match(stdout, /DEPENDENCY_UNKNOWN/);
    }
  });

  test("prints one JSON object", async (t) => {
    const cwd = folder(t, files);
    const found = await highway(t, ["validate", "bad.json", "--json"], { cwd });
    assert.equal(found.code, 2);
    assert.equal(found.stdout.trimEnd().split("\n").length, 1);
    const { valid, files: named, findings } = JSON.parse(found.stdout);
    assert.deepEqual([valid, named], [false, ["bad.json"]]);
    assert.deepEqual(
      findings.map(({ file, code, path }) => [file, code, path]),
      Workflow.check(bad).map(({ code, path }) => ["bad.json", code, path]),
    );
    const { code, stdout } = await highway(t, ["validate", "good.json", "--json"], { cwd });
    assert.deepEqual([code, JSON.parse(stdout)], [0, { valid: true, files: ["good.json"], findings: [] }]);
  });

  test("takes several files, and continues after one that cannot be read", async (t) => {
    const cwd = folder(t, files);
    const names = ["good.json", "nowhere.yaml", "bad.yaml", "warns.json"];
    const { code, stdout, stderr } = await highway(t, ["validate", ...names], { cwd });
    assert.equal(code, 2);
    assert.match(stdout, /^bad\.yaml[:\d]*: error OPERATOR_UNKNOWN/m);
    assert.match(stdout, /^warns\.json[:\d]*: warning FIELD_UNKNOWN/m);
    assert.match(stdout, /^not valid: 3 errors, 1 warning in 4 files$/m);
    assert.match(stderr, /^error: there is no file `nowhere.yaml`\n {2}help: [^\n]+\n$/);
    const json = JSON.parse((await highway(t, ["validate", ...names, "--json"], { cwd })).stdout);
    assert.deepEqual([json.valid, json.files], [false, names]);
    assert.deepEqual(json.findings[0], {
      file: "nowhere.yaml",
      code: "FILE_UNREADABLE",
      severity: "error",
      message: "there is no file `nowhere.yaml`",
      path: "",
      help: json.findings[0].help,
    });
    const fine = await highway(t, ["validate", "good.json", "good.yaml"], { cwd });
    assert.deepEqual([fine.code, fine.stdout], [0, "valid: 0 errors, 0 warnings in 2 files\n"]);
  });
});

describe("a module", { concurrency: 3 }, () => {
  const sources = {
    "driver.mjs": DRIVER,
    "promise.mjs": DRIVER.replace("default driver", "default Promise.resolve(driver)"),
    "driver.js": DRIVER,
    "package.json": '{"type": "module"}',
    "driver.cjs":
      'const { Driver } = require("highway-wasm");\nmodule.exports = new Driver({ name: "made" });\nmodule.exports.shell("one", "echo 1");',
    "builder.mjs": `${BUILDER}\nexport default builder;`,
    "workflow.mjs": `${BUILDER}\nexport default builder.build();`,
    "plain.mjs": `export default ${JSON.stringify(shellWorkflow("made", { one: "echo 1" }))};`,
  };
  for (const name of Object.keys(sources).filter((file) => file !== "package.json")) {
    test(`may export a definition in the way of ${name}`, async (t) => {
      const cwd = modules(t, sources);
      const { code, stdout, stderr } = await highway(t, ["validate", name], { cwd });
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /^valid: 0 errors/m);
      const drawn = await highway(t, ["graph", name], { cwd });
      assert.equal(drawn.code, 0, drawn.stderr);
      assert.match(drawn.stdout, /^stateDiagram-v2\n.*\[\*\] --> one$/ms);
    });
  }

  test("may use its own copy of the package", async (t) => {
    const cwd = modules(t, sources, { isCopy: true });
    for (const name of ["driver.mjs", "builder.mjs", "workflow.mjs"]) {
      assert.equal((await highway(t, ["validate", name], { cwd })).code, 0);
    }
  });

  for (const [what, source, message] of [
    [
      "exports nothing",
      "export const a = 1;",
      /has no default export that is a definition\n {2}help: export a Driver/,
    ],
    ["exports a number", "export default 1;", /has no default export that is a definition/],
    ["throws", "throw new Error('no luck');", /could not be loaded: Error: no luck\n {2}at: it.mjs:1:7\n/],
    [
      "is no JavaScript",
      "export default {\n  a: 1\n  b: 2\n};",
      /could not be loaded: SyntaxError: .*\n {2}at: it.mjs:3:3\n {6}b: 2\n {6}\^\n/,
    ],
    [
      "imports what is no JavaScript",
      'import "./slip.mjs";\nexport default {};',
      /could not be loaded: SyntaxError: .*\n {2}at: slip.mjs:2:11\n {4}const a = ;\n {14}\^\n/,
    ],
    [
      "imports a name that is not there",
      'import { b } from "./names.mjs";\nexport default b;',
      /could not be loaded: SyntaxError: .*\n {2}at: it.mjs:1:10\n/,
    ],
    [
      "needs what is not there",
      'import "not-there-at-all";',
      /could not be loaded: Error: Cannot find package .*\n {2}help: install it: `npm install not-there-at-all`\n/,
    ],
    [
      "says something against itself",
      'import { Driver } from "highway-wasm";\nnew Driver().task("a", {});',
      /^error: task `a`: the task has no type\n {2}at: it.mjs:2:14\n/,
    ],
    [
      "builds nothing",
      "export default { build: () => 1 };",
      /`build\(\)` of the default export of `it.mjs` did not return a definition/,
    ],
  ]) {
    test(`is refused with exit code 2 if it ${what}`, async (t) => {
      const cwd = modules(t, {
        "it.mjs": source,
        "slip.mjs": "export {};\nconst a = ;",
        "names.mjs": "export const a = 1;",
      });
      const { code, stdout, stderr } = await highway(t, ["validate", "it.mjs"], { cwd });
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  }

  test("without the package gets advice how to install it, for each kind of module", async (t) => {
    const cwd = folder(t, {
      "it.cjs": 'require("highway-wasm");',
      "it.mjs": 'import "highway-wasm";',
    });
    for (const file of ["it.cjs", "it.mjs"]) {
      const { code, stderr } = await highway(t, ["validate", file], { cwd });
      assert.equal(code, 2);
      assert.match(stderr, /\n {2}help: install it: `npm install highway-wasm`\n/);
      assert.doesNotMatch(stderr, /Require stack/);
    }
  });

  for (const [when, source] of [
    ["while it builds", 'export default { build() { throw new Error("no luck"); }, validate: () => [] };'],
    ["in a promise", 'export default Promise.reject(new Error("no luck"));'],
    [
      "in a timer",
      'setTimeout(() => { throw new Error("no luck"); }); await new Promise(() => setInterval(() => {}, 1000));',
    ],
    [
      "in a promise that nobody waits for",
      'Promise.reject(new Error("no luck")); await new Promise(() => setInterval(() => {}, 1000));',
    ],
  ]) {
    test(`that throws ${when} ends with its message, and with --debug its stack`, async (t) => {
      const cwd = modules(t, { "it.mjs": source });
      const { code, stdout, stderr } = await highway(t, ["graph", "it.mjs"], { cwd });
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^error: no luck\n {2}at: it\.mjs:1:\d+\n$/);
      const json = await highway(t, ["graph", "it.mjs", "--json"], { cwd });
      assert.equal(JSON.parse(json.stdout).error.code, "UNEXPECTED");
      const debug = await highway(t, ["graph", "it.mjs", "--debug"], { cwd });
      assert.match(debug.stderr, /\n {4}at .*it\.mjs/);
    });
  }

  test("with a driver that has mistakes gets all of them listed", async (t) => {
    const cwd = modules(t, { "it.mjs": DRIVER.replace("depends: [one]", 'depends: ["oen"]') });
    const { code, stdout } = await highway(t, ["validate", "it.mjs"], { cwd });
    assert.equal(code, 2);
    assert.match(stdout, /DEPENDENCY_UNKNOWN.*did you mean `one`/s);
  });

  test("that keeps a timer does not keep the program alive", async (t) => {
    const cwd = modules(t, { "it.mjs": `setInterval(() => {}, 1000);\n${DRIVER}` });
    assert.equal((await highway(t, ["validate", "it.mjs"], { cwd })).code, 0);
  });
});

describe("graph", { concurrency: 3 }, () => {
  for (const [args, method, options] of [
    [[], "toMermaid"],
    [["--format", "mermaid"], "toMermaid"],
    [["-f", "dot"], "toDot"],
    [["-f", "svg"], "toSVG"],
    [["-f", "svg", "--direction", "right"], "toSVG", { direction: "right" }],
  ]) {
    test(`${args.join(" ")} prints the drawing of ${method}`, async (t) => {
      const cwd = folder(t, files);
      for (const name of ["good.json", "good.yaml"]) {
        const { code, stdout } = await highway(t, ["graph", name, ...args], { cwd });
        assert.deepEqual([code, stdout.trimEnd()], [0, Workflow.fromJSON(good)[method](options).trimEnd()]);
      }
    });
  }

  for (const args of [["-f", "json"], ["--json"], ["-f", "json", "--json"]]) {
    test(`${args.join(" ")} prints positions of nodes and edges`, async (t) => {
      const { code, stdout } = await highway(t, ["graph", "good.json", ...args], { cwd: folder(t, files) });
      assert.deepEqual([code, JSON.parse(stdout)], [0, Workflow.fromJSON(good).layout()]);
    });
  }

  test("refuses an invalid definition, and says why", async (t) => {
    const cwd = folder(t, files);
    for (const name of ["bad.json", "bad.yaml", "broken.json"]) {
      const { code, stdout, stderr } = await highway(t, ["graph", name, "--format", "svg"], { cwd });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, new RegExp(`^${name}[:\\d]*: error [A-Z_]+ `, "m"));
      assert.match(stderr, /^error: the definition is invalid$/m);
    }
    const { code, stdout } = await highway(t, ["graph", "bad.json", "--json"], { cwd });
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error.code, error.diagnostics.length], [2, "VALIDATION_FAILED", 2]);
  });

  test("draws a suspicious definition, with warnings", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["graph", "warns.json"], { cwd: folder(t, files) });
    assert.equal(code, 0);
    assert.match(stdout, /^stateDiagram-v2\n/);
    assert.match(stderr, /^warns\.json[:\d]*: warning FIELD_UNKNOWN/);
  });
});
