/** Definitions: from text, or from a module that exports one. */

import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import "../entries/engine-inline.js";
import { Workflow } from "../entries/workflow-inline.js";
import type { Diagnostic } from "../errors.js";
import { isHighwayError } from "../errors.js";
import { isObject } from "../plain.js";
import { InputError } from "./exit-codes.js";
import { checkFile, readText, STDIN } from "./files.js";

/** A definition, whatever it came as. */
export interface Source {
  /** Everything there is to say about it. */
  findings(): readonly Diagnostic[];
  /** As it is submitted. @throws where it cannot be read. */
  document(): object;
  /** For drawings. @throws where it cannot be read. */
  workflow(): Drawable;
}

interface Drawable {
  toMermaid(): string;
  toDot(): string;
}

/** Reads the definition in a file: by its extension, standard input and others by what they look like. */
export async function readSource(file: string, signal: AbortSignal): Promise<Source> {
  const extension = file === STDIN ? "" : extname(file).toLowerCase();
  if ([".js", ".mjs", ".cjs"].includes(extension)) return fromExport(await exportOf(file), file);
  const text = await readText(file, signal);
  const isJson = extension === ".json" || (![".yaml", ".yml"].includes(extension) && /^\s*[{[]/.test(text));
  return isJson ? fromJson(text) : fromYaml(text);
}

function fromJson(document: string | object): Source {
  const workflow = (): Workflow => Workflow.fromJSON(document);
  return {
    findings: () => Workflow.check(document),
    // Plain data goes as it is: in the driver's dialect too, which every Highway reads.
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

async function exportOf(file: string): Promise<unknown> {
  checkFile(file);
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as typeof module;
  } catch (cause) {
    // What a definition says against itself is said best by itself.
    if (isHighwayError(cause)) throw cause;
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new InputError(`\`${file}\` could not be loaded: ${reason}`, undefined, cause);
  }
  return await module.default;
}

/**
 * What a module exports. Told by what it can do, not by its class: the module may have its own copy of this package, beside the one
 * that runs here.
 */
function fromExport(value: unknown, file: string): Source {
  const help = "export a Driver, a Workflow, a WorkflowBuilder or a definition: `export default driver`";
  if (!isObject(value)) throw new InputError(`\`${file}\` has no default export that is a definition`, help);
  if (isMethod(value, "build") && isMethod(value, "validate"))
    return fromDriver(value as unknown as DriverLike);
  const workflow: unknown = isMethod(value, "build") ? (value["build"] as () => unknown).call(value) : value;
  if (!isObject(workflow))
    throw new InputError(`\`build()\` of the default export of \`${file}\` gave no definition`, help);
  if (isMethod(workflow, "toMermaid") && isMethod(workflow, "validate"))
    return fromWorkflow(workflow as unknown as Workflow);
  return fromJson(workflow);
}

interface DriverLike {
  build(): object;
  validate(): Diagnostic[];
}

function fromDriver(driver: DriverLike): Source {
  return {
    findings: () => driver.validate(),
    document() {
      const definition = driver.build();
      // Uploading is done by the driver itself, to the server it was made for.
      if (needsArtifact(definition)) {
        throw new InputError(
          "a driver with durable functions cannot be run from here: they are uploaded by the driver itself",
          "call `driver.run()` in a program of your own",
        );
      }
      return definition;
    },
    workflow: () => Workflow.fromJSON(driver.build()),
  };
}

const needsArtifact = (definition: object): boolean => JSON.stringify(definition).includes("_artifact_id");

const fromWorkflow = (workflow: Workflow): Source => ({
  findings: () => workflow.validate(),
  document: () => workflow.toJSON(),
  workflow: () => workflow,
});

const isMethod = (value: Readonly<Record<string, unknown>>, name: string): boolean =>
  typeof value[name] === "function";
