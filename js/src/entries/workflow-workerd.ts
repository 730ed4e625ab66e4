/**
 * Provides the workflow module in Cloudflare Workers. A separate file whose only effect this is, so that bundlers leave
 * the module out of pages that use neither `Workflow` nor `WorkflowBuilder`.
 */
import module from "../generated/workflow_bg.wasm";
import { WorkflowBuilder as Builder } from "../workflow/builder.js";
import { provided } from "../workflow/runtime.js";
import { Workflow as Definition } from "../workflow/workflow.js";

export const Workflow: typeof Definition = /* @__PURE__ */ provided(Definition, () => module);
export type Workflow = Definition;

export const WorkflowBuilder: typeof Builder = /* @__PURE__ */ provided(Builder, () => module);
export type WorkflowBuilder = Builder;
