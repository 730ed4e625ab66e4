/** Default entry for Cloudflare Workers, which refuse to compile bytes: the bundler passes a compiled module. */
import module from "../generated/core_bg.wasm";
import { core } from "../wasm/runtime.js";

core.provide(() => module);

export * from "../index.js";
export { Workflow, WorkflowBuilder } from "./workflow-workerd.js";
