// Prints the size table of every build and checks the budget: the first load of a page that imports the package's
// default entry, JavaScript and wasm together, minified and gzipped.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { withEsbuild } from "../lib/esbuild.mjs";
import { inRoot, readJson } from "../lib/paths.mjs";
import { ifChanged } from "../lib/stamp.mjs";
import { Failure } from "../lib/step.mjs";

const dist = inRoot("dist");
const report = inRoot("target", "sizes.json");

/** Names from a separate module, which bundlers omit from pages that use none of them. */
const workflowNames = ["Workflow", "WorkflowBuilder", "initWorkflow"];

const measure = (bytes) => ({
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
});

/** The bundle of a page that uses `names` of an entry. The package resolves itself through its exports map. */
async function bundle({ build }, specifier, names) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names.join(", ")} } from "${specifier}";`, resolveDir: dist },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
    // Modules that are loaded on use are not part of the first load.
    splitting: true,
    outdir: "/out",
    metafile: true,
  });
  const first = new Set();
  const load = (name) => {
    if (first.has(name)) return;
    first.add(name);
    for (const { path, kind } of metafile.outputs[name].imports) if (kind === "import-statement") load(path);
  };
  load(Object.keys(metafile.outputs).find((name) => metafile.outputs[name].entryPoint));
  const files = outputFiles.filter(({ path }) => [...first].some((name) => path.endsWith(basename(name))));
  return Buffer.concat(files.map(({ contents }) => contents));
}

async function measureAll(esbuild) {
  const all = Object.keys(await import(`${dist}/esm/entries/inline.js`));
  const core = all.filter((name) => !workflowNames.includes(name));
  const engine = Object.keys(await import(`${dist}/esm/entries/engine-inline.js`));
  const rows = {};
  for (const name of ["core", "workflow", "full"]) {
    rows[`${name} wasm`] = measure(readFileSync(`${dist}/esm/generated/${name}_bg.wasm`));
  }
  for (const [what, specifier, names] of [
    ["core", "highway-wasm", core],
    ["workflow", "highway-wasm", workflowNames],
    ["both", "highway-wasm", all],
    ["engine", "highway-wasm/engine", engine],
  ]) {
    rows[`${what}, first load (JS + wasm)`] = measure(await bundle(esbuild, specifier, names));
  }
  mkdirSync(inRoot("target"), { recursive: true });
  writeFileSync(report, JSON.stringify(rows));
}

const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10);

/**
 * Prints the table. Fails above the limit in package.json ("budgets"). The limit is for the published build, which has
 * the lean standard library. `tools` is the result of setup().
 */
export async function checkSize({ route }) {
  const inputs = [dist, inRoot("scripts", "build", "size.mjs"), inRoot("package-lock.json")];
  await ifChanged("sizes", { inputs, outputs: [report] }, () => withEsbuild(measureAll));
  const rows = readJson(report);
  console.log(`\n${"size".padEnd(32)}${"raw".padStart(10)}${"gzip".padStart(10)}${"brotli".padStart(10)}`);
  for (const [name, { raw, gzip, brotli }] of Object.entries(rows)) {
    console.log(name.padEnd(32) + kb(raw) + kb(gzip) + kb(brotli));
  }
  const { goal, limit } = readJson(inRoot("package.json")).budgets.coreFirstLoadGzip;
  const { gzip } = rows["core, first load (JS + wasm)"];
  const verdict = gzip <= goal ? "within the goal" : "above the goal";
  console.log(
    `core, first load: ${kb(gzip).trim()} gzip, ${verdict} of ${kb(goal).trim()} (limit ${kb(limit).trim()})\n`,
  );
  if (!route.lean)
    return console.log(`Not held against the limit: ${route.name} has no lean standard library.\n`);
  if (gzip > limit) throw new Failure(`The core's first load is ${gzip} bytes gzip; the limit is ${limit}.`);
}
