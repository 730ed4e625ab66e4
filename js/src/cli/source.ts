/** Reads definitions: from text, or from a module that exports one. */

import { extname } from "node:path";
import "../entries/engine-inline.js";
import { Workflow } from "../entries/workflow-inline.js";
import type { StartOptions } from "../driver/driver.js";
import type { Diagnostic } from "../shared/errors.js";
import type { EngineLike } from "../client/options.js";
import { isObject } from "../shared/plain.js";
import type { RunHandle } from "../client/run-handle.js";
import type { WorkflowLayout } from "../workflow/workflow.js";
import { builtToRun } from "../driver/run-timeout.js";
import { InputError } from "./exit-codes.js";
import { readText, STDIN } from "./files.js";
import { isModule, loadModule } from "./modules.js";

/** A definition, wherever it comes from. */
export interface Source {
  /** All findings about the definition. */
  findings(): readonly Diagnostic[];
  /**
   * The definition in the form for a submission.
   *
   * @throws if it cannot be read.
   */
  document(): object;
  /**
   * The definition in the form for drawings.
   *
   * @throws if it cannot be read.
   */
  workflow(): Drawable;
  /** The exported driver, if it has an engine of its own. */
  readonly driver?: EngineDriver | undefined;
  /** Closes the engine of that driver. */
  close?(): Promise<void>;
}

/** An object that can be drawn. */
export interface Drawable {
  toMermaid(): string;
  toDot(): string;
  toSVG(options: { direction: Direction }): string;
  layout(options: { direction: Direction }): WorkflowLayout;
}

/** The direction of a drawing. */
export type Direction = "down" | "right";

/** A driver with an engine of its own. */
export interface EngineDriver {
  readonly engine: EngineLike;
  start(options: StartOptions): Promise<RunHandle>;
}

/** Reads the definition in a file. Its extension decides the form; without a known one, its content does. */
export async function readSource(file: string, signal: AbortSignal): Promise<Source> {
  const extension = file === STDIN ? "" : extname(file).toLowerCase();
  if (isModule(file)) return fromExport(await (await loadModule(file)).default, file);
  const text = await readText(file, signal);
  const isJson = extension === ".json" || (![".yaml", ".yml"].includes(extension) && /^\s*[{[]/.test(text));
  return isJson ? fromJson(text) : fromYaml(text);
}

function fromJson(document: string | object): Source {
  const workflow = (): Workflow => Workflow.fromJSON(document);
  return {
    findings: () => Workflow.check(document),
    // Plain data stays unchanged, also in the driver's dialect, which every Highway reads.
    document: () => (typeof document === "string" ? workflow().toJSON() : document),
    workflow,
  };
}

function fromYaml(text: string): Source {
  const workflow = (): Workflow => Workflow.fromYAML(text);
  return {
    findings: () => Workflow.check(text, "yaml"),
    document: () => workflow().toJSON(),
    workflow,
  };
}

/**
 * The definition that a module exports. Recognized by its methods instead of its class, because the module may use
 * another copy of this package.
 */
function fromExport(value: unknown, file: string): Source {
  const help = "export a Driver, a Workflow, a WorkflowBuilder or a definition: `export default driver`";
  if (!isObject(value)) throw new InputError(`\`${file}\` has no default export that is a definition`, help);
  if (isMethod(value, "build") && isMethod(value, "validate"))
    return fromDriver(value as unknown as DriverLike);
  const workflow: unknown = isMethod(value, "build") ? (value["build"] as () => unknown).call(value) : value;
  if (!isObject(workflow))
    throw new InputError(
      `\`build()\` of the default export of \`${file}\` did not return a definition`,
      help,
    );
  if (isMethod(workflow, "toMermaid") && isMethod(workflow, "validate"))
    return fromWorkflow(workflow as unknown as Workflow);
  return fromJson(workflow);
}

interface DriverLike extends EngineDriver {
  build(): object;
  validate(): Diagnostic[];
}

function fromDriver(driver: DriverLike): Source {
  return {
    findings: () => driver.validate(),
    document: () => builtToRun(driver) as object,
    workflow: () => Workflow.fromJSON(driver.build()),
    driver: isObject(driver.engine) ? driver : undefined,
    close: async () => await (driver.engine as { close?(): Promise<void> } | undefined)?.close?.(),
  };
}

const fromWorkflow = (workflow: Workflow): Source => ({
  findings: () => workflow.validate(),
  document: () => workflow.toJSON(),
  workflow: () => workflow,
});

const isMethod = (value: Readonly<Record<string, unknown>>, name: string): boolean =>
  typeof value[name] === "function";
