// What the package promises: its list of errors, its names, its declarations, and what it does not contain.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";
import * as index from "highway-wasm";
import * as engine from "highway-wasm/engine";
import * as node from "highway-wasm/node";
import * as proxy from "highway-wasm/proxy";

const require = createRequire(import.meta.url);
const dist = dirname(require.resolve("highway-wasm/package.json"));
const esm = join(dist, "esm");
const read = (...parts) => readFileSync(join(...parts), "utf8");

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** The glue of a module, with the module loaded. */
async function glueOf(name) {
  const glue = await import(join(esm, "generated", `${name}.js`));
  glue.initSync({ module: readFileSync(join(esm, "generated", `${name}_bg.wasm`)) });
  return glue;
}

/** The names that a declaration file exports, including types, followed through the files that it re-exports. */
function exportsOf(file) {
  const names = [];
  for (const [, areTypes, list, from] of read(esm, file).matchAll(
    /export (type )?\{([^}]*)\} from "\.\/([^"]+)\.js"/g,
  )) {
    for (const item of list.split(",")) {
      const name = item.replace(/\btype\b/, "").trim();
      const isType = areTypes !== undefined || /\btype\b/.test(item);
      if (name !== "") names.push({ name, isType, file: `${join(dirname(file), from)}.d.ts` });
    }
  }
  return names;
}

/** The comment above a declaration; undefined if there is none. */
function commentOf(text, name) {
  const declaration = `export declare (?:abstract )?(?:class|function|const) ${name}\\b|export (?:interface|type) ${name}\\b`;
  const at = text.search(new RegExp(`^(?:${declaration})`, "m"));
  assert.notEqual(at, -1, `${name} is not declared`);
  const before = text.slice(0, at).trimEnd();
  return before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : undefined;
}

/** The codes that TypeScript declares, each with its class. */
function errorClasses() {
  const [, declared] = /interface ErrorClasses \{([^}]*)\}/.exec(read(esm, "shared/errors.d.ts"));
  return [...declared.matchAll(/(\w+): "(\w+)";/g)].map(([, code, name]) => [code, name]);
}

test("the list of error codes and classes is the same in Rust and TypeScript", async () => {
  for (const name of ["core", "full"]) {
    const { errorCodes, version } = await glueOf(name);
    const rust = errorCodes()
      .split(",")
      .map((pair) => pair.split(":"));
    assert.deepEqual(errorClasses(), rust);
    assert.equal(version(), JSON.parse(read(dist, "package.json")).version);
  }
});

test("glue and module belong together, and the embedded module equals the separate file", async () => {
  for (const name of ["core", "full"]) {
    const bytes = readFileSync(join(esm, "generated", `${name}_bg.wasm`));
    const offered = new Set(
      WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map((item) => item.name),
    );
    for (const folder of ["esm", "cjs"]) {
      const glue = read(dist, folder, "generated", `${name}.js`);
      const wanted = new Set([...glue.matchAll(/\bwasm\.(\w+)/g)].map(([, used]) => used));
      assert.ok(wanted.size > 10);
      assert.deepEqual(
        [...wanted].filter((used) => !offered.has(used)),
        [],
        `${folder}, ${name}`,
      );
    }
    const { deflated, size } = await import(join(esm, "generated", `${name}_bytes.js`));
    assert.equal(size, bytes.length);
    assert.deepEqual(inflateRawSync(Buffer.from(deflated, "base64")), bytes);
  }
});

test("each public class has its name, in ES modules and in CommonJS", () => {
  const classes = { ...index, ...engine };
  for (const copy of [classes, { ...require("highway-wasm"), ...require("highway-wasm/engine") }]) {
    for (const [name, value] of Object.entries(copy)) {
      if (typeof value === "function") assert.equal(value.name, name);
    }
  }
});

const exported = { ...index };

test("each error class has its name, and its errors too", async () => {
  for (const name of new Set([...errorClasses().map(([, name]) => name), "SubmissionError"])) {
    const Class = exported[name];
    assert.equal(typeof Class, "function", `${name} is not exported`);
    const error = new Class({ code: "X", message: "m" });
    assert.deepEqual([error.name, `${error}`], [name, `${name}: m`]);
    assert.ok(error instanceof index.HighwayError && error instanceof Error && index.isHighwayError(error));
    assert.deepEqual(JSON.parse(JSON.stringify(error)), { name, code: "X", message: "m" });
    assert.ok(error.stack.includes("contract.test.mjs"));
  }
  assert.ok(new index.SubmissionError({ code: "X", message: "" }) instanceof index.ApiError);
});

test("every declared name of a value exists at run time, and the reverse", () => {
  for (const [file, module] of [
    ["index.d.ts", index],
    ["engine.d.ts", engine],
    ["node.d.ts", node],
    ["proxy.d.ts", proxy],
  ]) {
    const values = exportsOf(file)
      .filter(({ isType }) => !isType)
      .map(({ name }) => name);
    assert.deepEqual(values.sort(), Object.keys(module).sort(), file);
  }
});

test("every export has a comment that says what it is", () => {
  for (const file of ["index.d.ts", "engine.d.ts", "node.d.ts", "proxy.d.ts"]) {
    assert.match(read(esm, file), /^\/\*\*[\s\S]*@packageDocumentation/);
    const names = exportsOf(file);
    assert.ok(names.length >= 1);
    for (const { name, file: from } of names) {
      const comment = commentOf(read(esm, from), name);
      assert.ok(comment, `${name} of ${from} has no comment`);
      assert.match(comment, /\/\*\*\s+\*?\s*\S/);
      assert.doesNotMatch(comment, /@internal/, `${name} of ${from} is internal`);
    }
  }
});

test("every public method and property of a class has a comment", () => {
  const bare = [];
  for (const { name, file } of exportsOf("index.d.ts")) {
    const text = read(esm, file);
    const body =
      text.match(new RegExp(`^export declare class ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, "m"))?.[1] ?? "";
    const members = body.split("\n");
    for (const [at, line] of members.entries()) {
      const member = line.match(/^ {4}(?:readonly |get |static )*(\w+)[(:?]/)?.[1];
      if (member && member !== "constructor" && !members[at - 1].trim().endsWith("*/"))
        bare.push(`${name}.${member}`);
    }
  }
  assert.deepEqual(bare, []);
});

test("declarations refer to no generated and no missing file", () => {
  for (const file of files.filter(
    (name) => /\.d\.[mc]?ts$/.test(name) && !name.includes(`${sep}generated${sep}`),
  )) {
    const text = readFileSync(file, "utf8");
    assert.doesNotMatch(text, /generated/, file);
    for (const [, path] of text.matchAll(/from "(\.[^"]+)\.js"|import\("(\.[^"]+)\.js"\)/g)) {
      if (path !== undefined)
        assert.ok(files.includes(join(dirname(file), `${path}.d.ts`)), `${file}: ${path}`);
    }
  }
});

test("nothing internal is declared", () => {
  for (const file of files.filter((name) => name.endsWith(".d.ts") && !name.includes("generated"))) {
    assert.doesNotMatch(readFileSync(file, "utf8"), /@internal/, file);
  }
});

test("every export of package.json leads to a file", () => {
  const { exports } = JSON.parse(read(dist, "package.json"));
  const paths = [];
  const walk = (value) =>
    typeof value === "string" ? paths.push(value) : Object.values(value).forEach(walk);
  walk(exports);
  assert.ok(paths.length > 20);
  for (const path of new Set(paths)) assert.ok(files.includes(join(dist, path)), path);
});

test("no path of this machine is in the package", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
  const forbidden = new Set([homedir(), process.env.HOME, "/root", root, process.cwd(), "/.cargo/", "/tmp/"]);
  for (const file of files) {
    const content = readFileSync(file, "latin1");
    for (const path of forbidden) {
      if (!path || path === "/") continue;
      const at = content.indexOf(path);
      assert.equal(at, -1, `${path} in ${file}: …${content.slice(Math.max(0, at - 40), at + 80)}…`);
    }
  }
});

test("the package has no dependency and no script", () => {
  const manifest = JSON.parse(read(dist, "package.json"));
  for (const key of [
    "dependencies",
    "peerDependencies",
    "optionalDependencies",
    "scripts",
    "devDependencies",
  ]) {
    assert.equal(manifest[key], undefined, key);
  }
});
