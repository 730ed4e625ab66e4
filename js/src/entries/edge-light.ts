/** Default entry for Vercel's edge runtime, which compiles a module imported with `?module`. */
import module from "../generated/core_bg.wasm?module";
import { core } from "../wasm/runtime.js";

core.provide(() => module);

export * from "../index.js";
export { Workflow, WorkflowBuilder } from "./workflow-edge-light.js";
