/**
 * Provides the workflow module, with its bytes inside. A separate file whose only effect this is, so that bundlers
 * leave the module out of pages that use neither `Workflow` nor `WorkflowBuilder`.
 */
import { embedded } from "../wasm/embedded.js";
import { deflated, size } from "../generated/workflow_bytes.js";
import { WorkflowBuilder as Builder } from "../workflow/builder.js";
import { provided } from "../workflow/runtime.js";
import { Workflow as Definition } from "../workflow/workflow.js";

export const Workflow: typeof Definition = /* @__PURE__ */ provided(Definition, () =>
  embedded(deflated, size),
);
export type Workflow = Definition;

export const WorkflowBuilder: typeof Builder = /* @__PURE__ */ provided(Builder, () =>
  embedded(deflated, size),
);
export type WorkflowBuilder = Builder;
