// Builds the npm package into dist/, doing only what changed: Rust → wasm → glue and embedded bytes → facade → package.
// `node scripts/build.mjs` builds everything; `node scripts/build.mjs wasm` stops after js/src/generated.
import { mkdirSync } from "node:fs";
import { buildJavaScript } from "./build/javascript.mjs";
import { assemble } from "./build/package.mjs";
import { checkSize } from "./build/size.mjs";
import { buildWasm } from "./build/wasm.mjs";
import { inRoot } from "./lib/paths.mjs";
import { Failure, isMain, main, seconds } from "./lib/step.mjs";
import { setup } from "./setup.mjs";

/** Brings dist/ up to date; `tools` is what setup() resolved with. */
export async function build(tools) {
  const start = performance.now();
  mkdirSync(inRoot("dist"), { recursive: true });
  await buildWasm(tools);
  await buildJavaScript();
  await assemble();
  console.log(`build is up to date (${seconds(start)})`);
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const [what] = process.argv.slice(2);
    if (what !== undefined && what !== "wasm") throw new Failure(`Unknown part "${what}"; known: wasm.`);
    const tools = await setup();
    if (what === "wasm") return buildWasm(tools);
    await build(tools);
    await checkSize();
  });
}
