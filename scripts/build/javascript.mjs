// js/src → dist/esm (tsc, with declarations) and dist/cjs (esbuild, file by file). File by file, so that all CommonJS
// entries share modules as the ES modules do: one wasm instance and one set of classes.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { withEsbuild } from "../lib/esbuild.mjs";
import { inRoot } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { filesIn, ifChanged } from "../lib/stamp.mjs";
import { step } from "../lib/step.mjs";
import { vendored } from "./vendor.mjs";
import { generated } from "./wasm.mjs";

const esm = inRoot("dist", "esm");
const cjs = inRoot("dist", "cjs");

// The files of js/src/generated that are published. Their types are not, because our own declarations do not use them.
const shipped = [
  "core.js",
  "core_bg.wasm",
  "core_bytes.js",
  "full.js",
  "full_bg.wasm",
  "full_bytes.js",
  "workflow.js",
  "workflow_bg.wasm",
  "workflow_bytes.js",
  "context.js",
  ...vendored.map((name) => `${name}.js`),
];

export const tsc = inRoot("node_modules", "typescript", "bin", "tsc");

async function buildEsm() {
  rmSync(esm, { recursive: true, force: true });
  await run(process.execPath, [tsc, "-p", inRoot("js", "tsconfig.build.json")]);
  mkdirSync(join(esm, "generated"), { recursive: true });
  for (const file of shipped) copyFileSync(join(generated, file), join(esm, "generated", file));
  // The program can be started without installing the package.
  chmodSync(join(esm, "cli", "main.js"), 0o755);
}

/**
 * Whether a file has a CommonJS twin. Entries for bundlers and runtimes that only know ES modules have none, nor does
 * the program, which nobody requires.
 */
const hasTwin = (file) =>
  !file.startsWith("cli/") && (dirname(file) !== "entries" || /inline\.(js|d\.ts)$/.test(file));

async function buildCjs({ transform }) {
  rmSync(cjs, { recursive: true, force: true });
  mkdirSync(cjs, { recursive: true });
  writeFileSync(join(cjs, "package.json"), '{ "type": "commonjs" }\n');
  for (const source of filesIn([esm])) {
    const file = relative(esm, source).split(sep).join("/");
    if (!hasTwin(file) || file.endsWith(".wasm")) continue;
    const target = join(cjs, file);
    mkdirSync(dirname(target), { recursive: true });
    if (file.endsWith(".js")) {
      const options = { format: "cjs", platform: "node", target: "node20", sourcefile: file };
      const { code } = await transform(readFileSync(source, "utf8"), options);
      writeFileSync(target, code);
    } else {
      cpSync(source, target);
    }
  }
}

/** Brings dist/esm and dist/cjs up to date. */
export async function buildJavaScript() {
  const inputs = ["js/src", "js/tsconfig.json", "js/tsconfig.build.json", "package-lock.json"].map((path) =>
    inRoot(path),
  );
  inputs.push(inRoot("scripts", "build", "javascript.mjs"));
  await ifChanged("javascript", { inputs, outputs: [esm, cjs] }, () =>
    step("compile the facade: dist/esm, dist/cjs", async () => {
      await buildEsm();
      await withEsbuild(buildCjs);
    }),
  );
}
