// The smoke program on Node, as an ES module.
import * as core from "highway-wasm";
import * as engine from "highway-wasm/engine";
import { smoke } from "./smoke.mjs";

console.log(JSON.stringify(await smoke(core, engine)));
