// The content of the packed tarball, and the findings of package linters about it.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative, sep } from "node:path";
import { describe, it } from "node:test";
import { inRoot, root as repository } from "../../scripts/lib/paths.mjs";
import { filesIn } from "../../scripts/lib/stamp.mjs";
import { installed, npm, tarball, temporaryFolder } from "./support/package.mjs";
import { answerOf } from "./support/programs.mjs";

const { root, manifest } = await installed("tarball");

const below = (folder) => filesIn([folder]).map((file) => relative(folder, file).split(sep).join("/"));

/** The files that are compiled from js/src: `driver.ts` → `driver.js`, `driver.d.ts`. */
function compiled() {
  const sources = below(inRoot("js", "src")).filter((file) => !file.startsWith("generated/"));
  return sources.flatMap((file) => [file.replace(/\.ts$/, ".js"), file.replace(/\.ts$/, ".d.ts")]);
}

const modules = ["core", "full", "workflow"];
const generated = modules.flatMap((name) => [`generated/${name}.js`, `generated/${name}_bytes.js`]);
for (const library of ["context", "events", "inflate", "zip"]) generated.push(`generated/${library}.js`);
const wasm = modules.map((name) => `generated/${name}_bg.wasm`);
const esm = [...compiled(), ...generated, ...wasm];
const onlyEsm = /^entries\/(?!(engine-|testing-|workflow-)?inline\.)|^cli\/|\.wasm$/;
const cjs = [...esm.filter((file) => !onlyEsm.test(file)), "package.json"];
const top = ["LICENSE", "README.md", "THIRD-PARTY-LICENSES.txt", "package.json", "wasm.d.ts"];

describe("the tarball", () => {
  it("has exactly the expected files", () => {
    const guides = below(inRoot("docs")).filter((file) => file !== "style.md");
    const docs = guides.map((file) => `docs/${file}`);
    const expected = [
      ...top,
      ...docs,
      ...esm.map((file) => `esm/${file}`),
      ...cjs.map((file) => `cjs/${file}`),
    ];
    assert.deepEqual(below(root).sort(), expected.sort());
  });

  it("refers to no missing file: sources, source maps", () => {
    for (const file of below(root)) {
      const text = readFileSync(join(root, file), "latin1");
      assert.doesNotMatch(text, /\/[/*]# sourceMappingURL/, file);
      if (!/\.(d\.ts|js)$/.test(file)) continue;
      for (const [, specifier] of text.matchAll(/(?:from|import|require)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)) {
        const target = join(root, file, "..", specifier.replace(/\?module$/, ""));
        const types = target.replace(/\.js$/, ".d.ts");
        const wanted = file.endsWith(".d.ts") ? types : target;
        assert.ok(existsSync(wanted) && statSync(wanted).isFile(), `${file} refers to ${specifier}`);
      }
    }
  });

  it("has all files that its documentation links to", () => {
    const links = /\]\((?!https?:)([^)#\s]+)/g;
    for (const file of below(root).filter((name) => name.endsWith(".md"))) {
      for (const [, target] of readFileSync(join(root, file), "utf8").matchAll(links)) {
        assert.ok(existsSync(join(root, file, "..", target)), `${file} links to ${target}`);
      }
    }
  });

  it("reveals nothing about the machine that built it", () => {
    for (const file of below(root)) {
      const text = readFileSync(join(root, file), "latin1");
      for (const path of [`${homedir()}/`, repository, ".cargo/"]) {
        assert.ok(!text.includes(path), `${file} contains ${path}`);
      }
    }
  });

  it("has licences, for itself and for what it contains", () => {
    const read = (file) => readFileSync(join(root, file), "utf8");
    assert.match(read("LICENSE"), /Apache License\s+Version 2\.0/);
    assert.match(
      read("THIRD-PARTY-LICENSES.txt"),
      /fflate[\s\S]*MIT License[\s\S]*Permission is hereby granted/,
    );
    for (const library of ["inflate", "zip"])
      assert.match(read(`esm/generated/${library}.js`), /fflate.*MIT/);
    assert.match(read("esm/generated/events.js"), /eventsource-parser.*MIT/);
    assert.match(read("README.md"), /highway-wasm/);
  });

  it("runs nothing at installation and depends on nothing", () => {
    assert.equal(manifest.scripts, undefined);
    for (const kind of ["dependencies", "peerDependencies", "optionalDependencies", "devDependencies"]) {
      assert.equal(manifest[kind], undefined, kind);
    }
    const [, version] = readFileSync(inRoot("Cargo.toml"), "utf8").match(/^version = "(.*)"$/m);
    assert.equal(manifest.version, version);
    assert.equal(manifest.private, undefined);
  });

  it("names as side effects the modules that provide the wasm, and only those", () => {
    const patterns = manifest.sideEffects.map(
      (pattern) => new RegExp(`^${pattern.replaceAll(".", "\\.").replace("*", ".*")}$`),
    );
    for (const file of below(root).filter((name) => /^(esm|cjs)\/.*\.js$/.test(name))) {
      const isListed = patterns.some((pattern) => pattern.test(`./${file}`));
      // The workflow module is provided to the classes that need it, and omitted from pages that use none of them.
      assert.equal(isListed, /^\w+\/entries\/(?!workflow-)/.test(file), file);
      if (isListed) assert.match(readFileSync(join(root, file), "utf8"), /\.provide(Asset)?\)?\(/, file);
    }
  });

  it("has the address of the web entry in the form that bundlers look for", () => {
    const web = readFileSync(join(root, "esm/entries/web.js"), "utf8");
    const [, address] = /new URL\("([^"]+)", import\.meta\.url\)/.exec(web);
    assert.ok(existsSync(join(root, "esm/entries", address)));
    // No other module mentions an asset, which bundlers would emit for every page.
    for (const file of esm.filter((name) => name.endsWith(".js") && name !== "entries/web.js")) {
      assert.doesNotMatch(readFileSync(join(root, "esm", file), "utf8"), /import\.meta/, file);
    }
  });

  it("is installed by npm without a network", async () => {
    const dir = temporaryFolder("npm");
    writeFileSync(
      join(dir, "package.json"),
      JSON.stringify({ name: "a-user", private: true, type: "module" }),
    );
    npm(["install", await tarball()], dir);
    const found = await answerOf(
      dir,
      `import { Driver } from "highway-wasm"; console.log(JSON.stringify(new Driver().shell("hello", "echo").name));`,
      { type: "js" },
    );
    assert.equal(found, "hello");
  });
});

const bin = (name, ...path) => inRoot("node_modules", name, ...path);

describe("package linters", { concurrency: 2 }, () => {
  it("publint finds nothing", async () => {
    const cli = bin("publint", "src", "cli.js");
    const output = execFileSync(process.execPath, [cli, await tarball(), "--strict"], { encoding: "utf8" });
    assert.match(output, /All good!/);
  });

  it("attw finds only what is intended", async () => {
    const cli = bin("@arethetypeswrong/cli", "dist", "index.js");
    // The old resolution (`node10`) ignores the exports map.
    const args = [cli, await tarball(), "--profile", "node16", "--format", "json"];
    // Into a file, because the program ends before a pipe has taken all its output.
    const file = join(temporaryFolder("attw"), "answer.json");
    const output = openSync(file, "w");
    const stdio = ["ignore", output, "pipe"];
    const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 26, stdio });
    closeSync(output);
    const stdout = readFileSync(file, "utf8");
    const { analysis } = JSON.parse(stdout || `{ "stderr": ${JSON.stringify(stderr)} }`);
    const found = analysis.problems
      .filter(({ resolutionKind }) => resolutionKind !== "node10")
      .map(({ kind, entrypoint, resolutionKind }) => `${entrypoint} ${resolutionKind} ${kind}`);
    // `slim` and `web` are ES modules only, which Node can require since 20.19. A .wasm file cannot be required.
    const meant = ["./core.wasm", "./slim", "./web", "./workflow.wasm"].map(
      (name) => `${name} node16-cjs CJSResolvesToESM`,
    );
    assert.deepEqual(found.sort(), meant);
    assert.deepEqual(
      Object.keys(analysis.entrypoints).sort(),
      [
        ".",
        ...meant.map((name) => name.split(" ")[0]),
        "./engine",
        "./node",
        "./package.json",
        "./proxy",
        "./testing",
      ].sort(),
    );
  });
});
