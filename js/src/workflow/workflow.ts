/** A workflow definition. */

import { type Diagnostic, errorOf, isHighwayError } from "../shared/errors.js";
import { checkOptions } from "../shared/options.js";
import { documentText, plainText } from "../shared/plain.js";
import type { WorkflowDocument } from "./document.js";
import { type RetryPolicyOptions, policy } from "./operator-options.js";
import { clocks, moduleFor, type TextForm, workflows } from "./runtime.js";
import { parseJson } from "../shared/json.js";

/** What a drawing shows. */
export interface DrawingOptions {
  /** Whether the waits are shown that a driver writes for the option `delay` of a task; `false` by default. */
  delays?: boolean | undefined;
}

/** How a workflow is laid out. All lengths are in the unit of your drawing, such as pixels. */
export interface LayoutOptions extends DrawingOptions {
  /** Where the workflow runs to; `"down"` by default. */
  direction?: "down" | "right" | undefined;
  /** Size of a node that contains no others; 160 by 48 by default. */
  nodeWidth?: number | undefined;
  nodeHeight?: number | undefined;
  /** Distance between layers; 60 by default. */
  layerGap?: number | undefined;
  /** Distance between neighbours in a layer; 40 by default. */
  nodeGap?: number | undefined;
  /** Distance between a container and what is in it; 20 by default. */
  padding?: number | undefined;
  /** Height of the title of a container; 28 by default. */
  header?: number | undefined;
}

/** A node of a layout, with its place. */
export interface LayoutNode {
  /** JSON pointer to it in the definition. */
  readonly id: string;
  /** Id of the task, or name of the branch. */
  readonly name: string;
  /** Its description, or its name. */
  readonly label: string;
  /** Its operator type, or `"branch"`. */
  readonly kind: string;
  /** The `id` of the container it is in, where it is in one. */
  readonly parent: string | null;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An edge of a layout, with its route. */
export interface LayoutEdge {
  /** The `id` of the node it comes from. */
  readonly from: string;
  /** The `id` of the node it leads to. */
  readonly to: string;
  readonly kind: "dependency" | "true" | "false" | "case" | "default" | "success" | "failure";
  /** Text at the edge, such as the case of a switch; empty for dependencies. */
  readonly label: string;
  /** Points from border to border. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Places of the nodes and routes of the edges of a workflow. */
export interface WorkflowLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly LayoutNode[];
  readonly edges: readonly LayoutEdge[];
}

/**
 * A workflow definition: read from JSON or YAML, or built with a {@link WorkflowBuilder}; checked, drawn and written.
 *
 * @example
 * ```js
 * import { Workflow } from "highway-wasm";
 *
 * const workflow = Workflow.fromJSON({
 *   name: "nightly",
 *   tasks: {
 *     dump: { task_id: "dump", operator_type: "task", function: "tools.shell.run", args: ["pg_dump db"] },
 *     send: { task_id: "send", operator_type: "task", function: "tools.shell.run", dependencies: ["dmup"] },
 *   },
 * });
 * const [finding] = workflow.validate();
 * console.log(finding.code, finding.path, finding.help);
 * // DEPENDENCY_UNKNOWN /tasks/send/dependencies/0 did you mean `dump`?
 * ```
 */
export class Workflow {
  #text: string;
  #notes: readonly Diagnostic[];
  #source: Source | undefined;

  /**
   * @internal Text of a definition that was read without errors, what its builder has to say about it, and the text that a
   * person wrote.
   */
  constructor(text: string, notes: readonly Diagnostic[], source?: Source) {
    this.#text = text;
    this.#notes = notes;
    this.#source = source;
  }

  /**
   * Reads a definition in any of Highway's dialects, from text or plain data, which is left as it is. What may be left out
   * gets its default.
   *
   * @throws {ValidationError} `JSON_INVALID`, `KEY_DUPLICATE`, or all errors in the definition as `diagnostics`.
   */
  static fromJSON(document: string | object): Workflow {
    const source = sourceOf(document);
    workflows.call((api) => api.workflowRead(source.text, source.form));
    return new Workflow(source.text, [], source);
  }

  /**
   * Reads a definition from YAML 1.1 text. Needs `import "highway-wasm/engine"` once.
   *
   * @throws {ValidationError} `YAML_INVALID` with line and column, or all errors in the definition as `diagnostics`.
   * @throws {WasmError} `NOT_INITIALIZED` where the full module is not loaded.
   */
  static fromYAML(text: string): Workflow {
    if (typeof text !== "string") throw errorOf("YAML_INVALID", "the YAML document is not text");
    plainText(text);
    const document = moduleFor("yaml").call((api) => api.workflowWrite(text, "yaml", "document", "{}"));
    return new Workflow(document, [], { text, form: "yaml" });
  }

  /** @internal The text of a definition, in which numbers keep their digits. */
  static textOf(workflow: Workflow): string {
    return workflow.#text;
  }

  /**
   * Everything there is to say about text or data that should be a definition, whatever it is; never throws for it. Text is
   * JSON unless `form` says `"yaml"`, which needs `import "highway-wasm/engine"` once. Findings about text have its lines.
   */
  static check(document: unknown, form: "json" | "yaml" = "json"): Diagnostic[] {
    try {
      return findings(sourceOf(document, form));
    } catch (error) {
      if (!isHighwayError(error, "VALUE_NOT_JSON")) throw error;
      const { message, path = "", help } = error;
      return [{ code: "VALUE_NOT_JSON", severity: "error", message, path, ...(help ? { help } : {}) }];
    }
  }

  /**
   * Everything that is wrong with the definition, or worth knowing about it, at once: dependencies, routes, templates,
   * conditions, times, the schedule with its next firings, and what a builder wrote though it can hardly be meant. Findings have
   * the line and column where the definition was read from text and not changed since.
   */
  validate(): Diagnostic[] {
    return [...this.#notes, ...findings(this.#source ?? { text: this.#text, form: "data" })];
  }

  /**
   * The definition as plain data, every field written out; what `JSON.stringify` uses. An integer beyond ±(2^53 − 1) is a `bigint`, which
   * `JSON.stringify` refuses: use {@link toJSONString}.
   */
  toJSON(): WorkflowDocument {
    return parseJson(this.#write("document")) as WorkflowDocument;
  }

  /** The definition as JSON text, byte for byte as Highway's DSL writes it: indented by two blanks. */
  toJSONString(): string {
    return this.#write("json");
  }

  /**
   * The definition as YAML text, byte for byte as Highway's DSL writes it. Needs `import "highway-wasm/engine"` once.
   *
   * @throws {WasmError} `NOT_INITIALIZED` where the full module is not loaded.
   */
  toYAML(): string {
    return moduleFor("yaml").call((api) => api.workflowWrite(this.#text, "json", "yaml", "{}"));
  }

  /** A state diagram in Mermaid's language. */
  toMermaid(options: DrawingOptions = {}): string {
    return this.#write("mermaid", drawing(options));
  }

  /** A graph in Graphviz' language. */
  toDot(options: DrawingOptions = {}): string {
    return this.#write("dot", drawing(options));
  }

  /**
   * A picture as SVG text, which needs no other file and follows the reader's choice of light or dark. It runs down unless
   * `direction` is `"right"`.
   *
   * @throws {ConfigurationError} `OPTION_INVALID`.
   *
   * @example
   * ```js
   * import { WorkflowBuilder } from "highway-wasm";
   *
   * const workflow = new WorkflowBuilder("nightly").task("dump", "tools.shell.run", { args: ["pg_dump db"] }).build();
   * console.log(workflow.toSVG({ direction: "right" }).slice(0, 4)); // <svg
   * ```
   */
  toSVG(options: Pick<LayoutOptions, "direction"> = {}): string {
    checkOptions(options, ["direction"], "toSVG");
    return this.#write("svg", plainText(options));
  }

  /**
   * Places for nodes and routes for edges, layer by layer; bodies of loops and branches lie inside their containers. The
   * same definition always gives the same layout, and small changes leave the order of the rest alone.
   *
   * @throws {ConfigurationError} `OPTION_INVALID`.
   */
  layout(options: LayoutOptions = {}): WorkflowLayout {
    const text = plainText(options);
    return workflows.call((api) => api.workflowLayout(this.#text, text)) as WorkflowLayout;
  }

  /** Adds variables, the default values of run inputs; those of the same name are replaced. */
  setVariables(variables: Record<string, unknown>): this {
    return this.#set("set_variables", { variables });
  }

  /** Sets the operator to start with. Not checked here, but by {@link validate}. */
  setStartTask(taskId: string): this {
    return this.#set("set_start_task", { task_id: taskId });
  }

  /** Sets the schedule: cron text. */
  setSchedule(cron: string): this {
    return this.#set("set_schedule", { cron });
  }

  /** Sets the moment from which the schedule holds. */
  setStartDate(startDate: Date | string): this {
    return this.#set("set_start_date", { start_date: startDate });
  }

  /** Sets whether starts that were missed are made up for. */
  setCatchup(enabled: boolean): this {
    return this.#set("set_catchup", { enabled });
  }

  /** Sets whether the schedule rests. */
  setPaused(paused: boolean): this {
    return this.#set("set_paused", { paused });
  }

  /** Adds words to find the workflow by. */
  addTags(...tags: string[]): this {
    return this.#set("add_tags", { tags });
  }

  /** Sets how many runs may be active at once. */
  setMaxActiveRuns(count: number): this {
    return this.#set("set_max_active_runs", { count });
  }

  /** Sets the retry policy of operators that have none. */
  setDefaultRetryPolicy(retryPolicy: RetryPolicyOptions): this {
    return this.#set("set_default_retry_policy", { policy: policy(retryPolicy) });
  }

  #set(method: string, params: Record<string, unknown>): this {
    const [notes, text] = parted(
      workflows.call((api) => api.workflowSet(this.#text, method, documentText(params))),
    );
    this.#text = text;
    this.#source = undefined;
    this.#notes = [...this.#notes, ...notes];
    return this;
  }

  #write(to: string, options = "{}"): string {
    return workflows.call((api) => api.workflowWrite(this.#text, "json", to, options));
  }
}

function drawing(options: DrawingOptions): string {
  checkOptions(options, ["delays"], "a drawing");
  return plainText(options);
}

/** @internal The findings about a definition that is built, and its text. */
export function buildWorkflow(build: string): [notes: Diagnostic[], text: string] {
  return parted(workflows.call((api) => api.builderBuild(build)));
}

function parted(built: string): [notes: Diagnostic[], text: string] {
  const end = built.indexOf("\n");
  return [JSON.parse(built.slice(0, end)) as Diagnostic[], built.slice(end + 1)];
}

/** Text of a definition, and what it is. */
interface Source {
  readonly text: string;
  readonly form: TextForm;
}

function findings({ text, form }: Source): Diagnostic[] {
  const found = moduleFor(form).call((api) => api.workflowValidate(text, form, Date.now(), clocks));
  return JSON.parse(found) as Diagnostic[];
}

/** Text as it is, but for a byte order mark; data as text. */
function sourceOf(document: unknown, form: "json" | "yaml" = "json"): Source {
  if (typeof document === "string") {
    // On its way to the core half of a surrogate pair would become another character; as an escape it is refused there.
    const text = document.replace(/\p{Cs}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
    return { text: text.replace(/^\uFEFF/, ""), form };
  }
  return { text: documentText(document), form: "data" };
}
