// Builds the npm package into dist/. Only changed parts are built: Rust → wasm → glue and embedded bytes → facade →
// package. `node scripts/build.mjs` builds everything; `node scripts/build.mjs wasm` stops after js/src/generated. With
// `--debug`, a panic in a module prints its message and place on the console; otherwise it is a trap.
import { mkdirSync } from "node:fs";
import { buildJavaScript } from "./build/javascript.mjs";
import { assemble } from "./build/package.mjs";
import { checkSize } from "./build/size.mjs";
import { buildWasm } from "./build/wasm.mjs";
import { inRoot } from "./lib/paths.mjs";
import { Failure, isMain, main, seconds } from "./lib/step.mjs";
import { setup } from "./setup.mjs";

/** Brings dist/ up to date. `tools` is the result of setup(). */
export async function build(tools, options = {}) {
  const start = performance.now();
  mkdirSync(inRoot("dist"), { recursive: true });
  await buildWasm(tools, options);
  await buildJavaScript();
  await assemble();
  console.log(`build is up to date (${seconds(start)})`);
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const words = process.argv.slice(2);
    const unknown = words.find((word) => word !== "wasm" && word !== "--debug");
    if (unknown !== undefined) throw new Failure(`Unknown word "${unknown}"; known: wasm, --debug.`);
    const options = { debug: words.includes("--debug") };
    const tools = await setup();
    if (words.includes("wasm")) return buildWasm(tools, options);
    await build(tools, options);
    if (!options.debug) await checkSize(tools);
  });
}
