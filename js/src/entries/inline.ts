/** Default entry with the module inside, instantiated synchronously at first use. */
import { embedded } from "../wasm/embedded.js";
import { deflated, size } from "../generated/core_bytes.js";
import { core } from "../wasm/runtime.js";

core.provide(() => embedded(deflated, size));

export * from "../index.js";
export { Workflow, WorkflowBuilder } from "./workflow-inline.js";
