/** The workflow module: building, reading, checking and drawing of definitions. */

import { offerAdvice } from "../driver/advice.js";
import { zoneOffset } from "../shared/zones.js";
import { type Diagnostic, errorOf } from "../shared/errors.js";
import * as workflowGlue from "../generated/workflow.js";
import { type InitSource, Runtime } from "../wasm/runtime.js";
import type { Clocks, WasmSource, WorkflowApi } from "../wasm/wasm-api.js";

/** @internal */
export const workflows: Runtime<WorkflowApi> = new Runtime<WorkflowApi>(workflowGlue, "initWorkflow");

/** @internal The class, once the module behind it has a source. */
export function provided<Class>(type: Class, source: () => WasmSource): Class {
  workflows.provide(source);
  offerAdvice(driverFindings);
  return type;
}

/** @internal Clocks, as the modules ask for them. */
export const clocks: Clocks = { zoneOffset };

function driverFindings(tasks: string): Diagnostic[] {
  return JSON.parse(workflows.call((api) => api.driverValidate(tasks, Date.now(), clocks))) as Diagnostic[];
}

let full: Runtime<WorkflowApi> | undefined;

/** @internal Called where the full module, which knows YAML too, is loaded. */
export function offerYaml(runtime: Runtime<WorkflowApi>): void {
  full ??= runtime;
}

/** @internal The module that knows a text form. */
export function moduleFor(form: TextForm): Runtime<WorkflowApi> {
  if (form !== "yaml") return workflows;
  if (full) return full;
  throw errorOf("NOT_INITIALIZED", "YAML is part of the full module, which is not loaded", {
    help: 'import "highway-wasm/engine" once; JSON needs nothing more',
  });
}

/** @internal `data` is JSON text that no person wrote: findings name no line of it. */
export type TextForm = "json" | "yaml" | "data";

/**
 * Loads the WebAssembly module behind `Workflow` and `WorkflowBuilder`. Only needed with `highway-wasm/web` and
 * `highway-wasm/slim`; everywhere else it is loaded at first use.
 *
 * @param source Where the module is; the entry's own by default. Ignored once the module is loaded.
 * @throws {WasmError} `NOT_INITIALIZED` (no source), `WASM_LOAD_FAILED`.
 */
export async function initWorkflow(source?: InitSource | Promise<InitSource>): Promise<void> {
  await workflows.init(source);
  offerAdvice(driverFindings);
}
