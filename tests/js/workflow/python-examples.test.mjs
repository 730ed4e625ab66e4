// The Python and JavaScript blocks of docs/python-to-javascript.md build the same definitions.
// scripts/python-examples.mjs recorded what the Python blocks build, so this test needs no Python.
// `package/docs.test.mjs` tests what the JavaScript blocks print.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { Driver, Workflow } from "highway-wasm";
import { inRoot, readJson } from "../../../scripts/lib/paths.mjs";
import { fixture, hashOf, sections } from "../../../scripts/python-examples.mjs";

const folder = inRoot("target", `python-examples-${process.pid}`);
const records = readJson(fixture);
const all = sections();
const pairs = all.filter(({ python, js }) => python && js);
/** Sections without a definition: a driver without tasks, or one that Python cannot build. */
const WITHOUT_DEFINITION = ["Key and address", "Branches side by side", "What is registered"];

/** Mermaid's text without colours: ours lacks a line of Python's on which Mermaid fails. */
const withoutColours = (text) => text?.replaceAll(/^ *classDef .*\n/gm, "");

/** The latest document that each driver submitted or built. */
const submitted = new WeakMap();
const { build, run, start } = Driver.prototype;
Driver.prototype.build = function remember(options) {
  const definition = build.call(this, options);
  submitted.set(this, definition);
  return definition;
};
// They submit what they build with the same options.
for (const method of [run, start]) {
  Driver.prototype[method.name] = function remember(options = {}) {
    this.build({ inputs: options.inputs, timeout: options.timeout });
    return method.call(this, options);
  };
}

mkdirSync(folder, { recursive: true });
after(() => {
  Object.assign(Driver.prototype, { build, run, start });
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a block. Returns its values under the names that are compared. */
async function execute(code, index) {
  const names = ["driver", "workflow", "text"];
  const exported = names.map((name) => `${name}: typeof ${name} === "undefined" ? undefined : ${name}`);
  const file = join(folder, `${index}.mjs`);
  writeFileSync(
    file,
    `const console = { log() {} };\n${code}\nexport const $built = { ${exported.join(", ")} };\n`,
  );
  return (await import(pathToFileURL(file).href)).$built;
}

/** The document of a block, if there is one. */
function documentOf({ driver, workflow }) {
  if (workflow instanceof Workflow) return workflow.toJSON();
  if (!(driver instanceof Driver) || Object.keys(driver.tasks).length === 0) return undefined;
  return submitted.get(driver) ?? driver.build();
}

describe("Python and JavaScript side by side", () => {
  it("has sections with one name each, and Python beside all JavaScript but the layout", () => {
    const titles = all.map(({ title }) => title);
    assert.deepEqual(titles, [...new Set(titles)]);
    assert.deepEqual(
      all.filter(({ python, js }) => !(python && js)).map(({ title }) => title),
      ["layout"],
    );
  });

  it("has short examples", () => {
    const long = pairs.flatMap(({ title, python, js }) =>
      [python, js].filter((block) => block.trim().split("\n").length > 15).map(() => title),
    );
    assert.deepEqual(long, []);
  });

  it("has Python blocks that were run as they are", () => {
    const now = pairs.filter(({ reason }) => !reason).map(({ title, python }) => [title, hashOf(python)]);
    const then = Object.entries(records).map(([title, { python }]) => [title, python]);
    assert.deepEqual(
      now,
      then,
      "run `node scripts/python-examples.mjs`: a Python block is not the one that was run",
    );
  });

  for (const [index, { title, line, js }] of pairs.entries()) {
    it(`${title} (line ${line})`, async () => {
      const { document, text } = records[title] ?? {};
      const built = await execute(js, index);
      if (WITHOUT_DEFINITION.includes(title)) return assert.equal(document, undefined);
      assert.notEqual(document, undefined, "the Python block builds no definition");
      assert.deepEqual(documentOf(built), document);
      assert.equal(withoutColours(built.text), withoutColours(text));
    });
  }
});
