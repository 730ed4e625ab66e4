/** The workflow module, which builds, reads, checks and draws definitions. */

import { offerAdvice } from "../driver/advice.js";
import { zoneOffset } from "../shared/zones.js";
import { type Diagnostic, errorOf } from "../shared/errors.js";
import * as workflowGlue from "../generated/workflow.js";
import { type InitSource, Runtime } from "../wasm/runtime.js";
import type { Clocks, WasmSource, WorkflowApi } from "../wasm/wasm-api.js";

/** @internal */
export const workflows: Runtime<WorkflowApi> = new Runtime<WorkflowApi>(workflowGlue, "initWorkflow");

/** @internal Sets the source of the module, and returns the class that needs it. */
export function provided<Class>(type: Class, source: () => WasmSource): Class {
  workflows.provide(source);
  offerAdvice(driverFindings);
  return type;
}

/** @internal The time zones of the runtime, in the form that the modules ask for. */
export const clocks: Clocks = { zoneOffset };

function driverFindings(tasks: string): Diagnostic[] {
  return workflows.call((api) => api.driverValidate(tasks, Date.now(), clocks));
}

let full: Runtime<WorkflowApi> | undefined;

/** @internal Sets the full module, which reads and writes YAML. */
export function offerYaml(runtime: Runtime<WorkflowApi>): void {
  full ??= runtime;
}

/** @internal Advice that names the candidate which a misspelt name most likely means; `write` writes that out. */
export function didYouMean(
  name: string,
  candidates: readonly string[],
  write = (found: string): string => found,
): string | undefined {
  const found = (full ?? workflows).call((api) => api.nearestName(name, candidates));
  return found && `did you mean \`${write(found)}\`?`;
}

/** @internal The module that reads and writes a text form. */
export function moduleFor(form: TextForm): Runtime<WorkflowApi> {
  if (form !== "yaml") return workflows;
  if (full) return full;
  throw errorOf("NOT_INITIALIZED", "YAML is part of the full module, which is not loaded", {
    help: 'import "highway-wasm/engine" once; JSON needs nothing more',
  });
}

/**
 * @internal The form of a definition's text. `data` is JSON that the facade wrote, so findings have no line numbers.
 */
export type TextForm = "json" | "yaml" | "data";

/**
 * Loads the WebAssembly module behind `Workflow` and `WorkflowBuilder`. Required with `highway-wasm/web` and
 * `highway-wasm/slim`. With all other entries the module loads at first use.
 *
 * @param source Where to load the module from; default: the entry's own source. Ignored once the module is loaded.
 * @throws {WasmError} `NOT_INITIALIZED` without a source, `WASM_LOAD_FAILED`.
 */
export async function initWorkflow(source?: InitSource | Promise<InitSource>): Promise<void> {
  await workflows.init(source);
  offerAdvice(driverFindings);
}
