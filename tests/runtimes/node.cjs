// The smoke program on Node, as a CommonJS module.
const core = require("highway-wasm");
const engine = require("highway-wasm/engine");

async function main() {
  const { smoke } = await import("./smoke.mjs");
  console.log(JSON.stringify(await smoke(core, engine)));
}

main();
