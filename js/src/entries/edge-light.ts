/** Vercel's edge runtime: a compiled module, asked for with `?module`. */
import module from "../generated/core_bg.wasm?module";
import { core } from "../wasm/runtime.js";

core.provide(() => module);

export * from "../index.js";
export { Workflow, WorkflowBuilder } from "./workflow-edge-light.js";
