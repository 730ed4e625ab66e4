/** A workflow definition that is read, checked, drawn and written. */

import { type Diagnostic, errorOf, isHighwayError } from "../shared/errors.js";
import { checkOptions } from "../shared/options.js";
import { documentText, plainText } from "../shared/plain.js";
import type { WorkflowDocument } from "./document.js";
import { type RetryPolicyOptions, policy } from "./operator-options.js";
import { clocks, moduleFor, type TextForm, workflows } from "./runtime.js";
import { parseJson } from "../shared/json.js";

/** Options of a drawing. */
export interface DrawingOptions {
  /** Whether to show the waits that a driver writes for the option `delay` of a task; default: false. */
  delays?: boolean | undefined;
}

/** Options of a layout. All lengths are in the unit of your drawing, such as pixels. */
export interface LayoutOptions extends DrawingOptions {
  /** The direction from the first to the last task; default: `"down"`. */
  direction?: "down" | "right" | undefined;
  /** Width of a node that is no container; default: 160. */
  nodeWidth?: number | undefined;
  /** Height of a node that is no container; default: 48. */
  nodeHeight?: number | undefined;
  /** Distance between layers; default: 60. */
  layerGap?: number | undefined;
  /** Distance between neighbours in a layer; default: 40. */
  nodeGap?: number | undefined;
  /** Distance between the border of a container and its content; default: 20. */
  padding?: number | undefined;
  /** Height of a container's title; default: 28. */
  header?: number | undefined;
}

/** A node of a layout, with its position. */
export interface LayoutNode {
  /** JSON pointer to the node in the definition. */
  readonly id: string;
  /** Id of the task, or name of the branch. */
  readonly name: string;
  /** Description of the task, or its name if it has none. */
  readonly label: string;
  /** Type of the operator, or `"branch"`. */
  readonly kind: string;
  /** The `id` of the container around the node; null if there is none. */
  readonly parent: string | null;
  /** Left edge of the node. */
  readonly x: number;
  /** Top edge of the node. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An edge of a layout, with its route. */
export interface LayoutEdge {
  /** The `id` of the node where the edge begins. */
  readonly from: string;
  /** The `id` of the node where the edge ends. */
  readonly to: string;
  /** What the edge stands for. */
  readonly kind: "dependency" | "true" | "false" | "case" | "default" | "success" | "failure";
  /** Text at the edge, such as the case of a switch; empty for a dependency. */
  readonly label: string;
  /** Points of the edge, from the border of one node to that of the other. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** The positions of a workflow's nodes and the routes of its edges. */
export interface WorkflowLayout {
  /** Width of the whole drawing. */
  readonly width: number;
  /** Height of the whole drawing. */
  readonly height: number;
  /** All nodes, including containers. */
  readonly nodes: readonly LayoutNode[];
  readonly edges: readonly LayoutEdge[];
}

/**
 * A workflow definition: read from JSON or YAML or built with a {@link WorkflowBuilder}, to be checked, drawn and
 * written.
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
   * @internal `text` is a definition that was read without errors, `notes` are its builder's findings, `source` is the
   * text that a person wrote.
   */
  constructor(text: string, notes: readonly Diagnostic[], source?: Source) {
    this.#text = text;
    this.#notes = notes;
    this.#source = source;
  }

  /**
   * Reads a definition in any of Highway's dialects, from JSON text or plain data. The data is not changed. Fields that
   * may be omitted get their defaults.
   *
   * @throws {ValidationError} `JSON_INVALID`, `KEY_DUPLICATE`, or an error with all errors of the definition in
   *   `diagnostics`.
   */
  static fromJSON(document: string | object): Workflow {
    const source = sourceOf(document);
    workflows.call((api) => api.workflowRead(source.text, source.form));
    return new Workflow(source.text, [], source);
  }

  /**
   * Reads a definition from YAML 1.1 text. Requires `import "highway-wasm/engine"` once.
   *
   * @throws {ValidationError} `YAML_INVALID` with line and column, or an error with all errors of the definition in
   *   `diagnostics`.
   * @throws {WasmError} `NOT_INITIALIZED` if the full module is not loaded.
   */
  static fromYAML(text: string): Workflow {
    if (typeof text !== "string") throw errorOf("YAML_INVALID", "the YAML document is not text");
    plainText(text);
    const document = moduleFor("yaml").call((api) => api.workflowWrite(text, "yaml", "document", "{}"));
    return new Workflow(document, [], { text, form: "yaml" });
  }

  /** @internal The JSON text of a definition, in which numbers keep their digits. */
  static textOf(workflow: Workflow): string {
    return workflow.#text;
  }

  /**
   * All findings about a definition, given as text or data. Never throws for a wrong definition. Text is read as JSON
   * unless `form` is `"yaml"`, which requires `import "highway-wasm/engine"` once. Findings about text have line and
   * column.
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
   * All findings about the definition: dependencies, routes, templates, conditions, durations, the schedule with its
   * next starts, and probable mistakes in the use of a builder. Findings have line and column if the definition was
   * read from text and not changed since.
   */
  validate(): Diagnostic[] {
    return [...this.#notes, ...findings(this.#source ?? { text: this.#text, form: "data" })];
  }

  /**
   * The definition as plain data with every field, as `JSON.stringify` uses it. An integer beyond ±(2^53 − 1) is a
   * `bigint`, which `JSON.stringify` refuses; then use {@link toJSONString}.
   */
  toJSON(): WorkflowDocument {
    return parseJson(this.#write("document")) as WorkflowDocument;
  }

  /** The definition as JSON text with an indentation of two spaces, byte for byte as Highway's DSL writes it. */
  toJSONString(): string {
    return this.#write("json");
  }

  /**
   * The definition as YAML text, byte for byte as Highway's DSL writes it. Requires `import "highway-wasm/engine"`
   * once.
   *
   * @throws {WasmError} `NOT_INITIALIZED` if the full module is not loaded.
   */
  toYAML(): string {
    return moduleFor("yaml").call((api) => api.workflowWrite(this.#text, "json", "yaml", "{}"));
  }

  /** A Mermaid state diagram of the workflow. */
  toMermaid(options: DrawingOptions = {}): string {
    return this.#write("mermaid", drawing(options));
  }

  /** A Graphviz graph of the workflow. */
  toDot(options: DrawingOptions = {}): string {
    return this.#write("dot", drawing(options));
  }

  /**
   * A drawing of the workflow as SVG text. It needs no other file, and adapts to the reader's light or dark colour
   * scheme. Default of `direction`: `"down"`.
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
   * Positions of the nodes and routes of the edges, layer by layer. Bodies of loops, and branches, lie inside their
   * containers. The same definition always gives the same layout, and a small change keeps the order of everything
   * else.
   *
   * @throws {ConfigurationError} `OPTION_INVALID`.
   */
  layout(options: LayoutOptions = {}): WorkflowLayout {
    const text = plainText(options);
    return workflows.call((api) => api.workflowLayout(this.#text, text)) as WorkflowLayout;
  }

  /** Adds variables, which are the defaults of run inputs. Replaces variables of the same name. */
  setVariables(variables: Record<string, unknown>): this {
    return this.#set("set_variables", { variables });
  }

  /** Sets the operator to start with. {@link validate} checks that it exists. */
  setStartTask(taskId: string): this {
    return this.#set("set_start_task", { task_id: taskId });
  }

  /** Sets the schedule, a cron expression. */
  setSchedule(cron: string): this {
    return this.#set("set_schedule", { cron });
  }

  /** Sets the moment from which the schedule is active. */
  setStartDate(startDate: Date | string): this {
    return this.#set("set_start_date", { start_date: startDate });
  }

  /** Sets whether missed starts of the schedule are run later. */
  setCatchup(enabled: boolean): this {
    return this.#set("set_catchup", { enabled });
  }

  /** Sets whether the schedule is paused. */
  setPaused(paused: boolean): this {
    return this.#set("set_paused", { paused });
  }

  /** Adds tags, which help to find the workflow. */
  addTags(...tags: string[]): this {
    return this.#set("add_tags", { tags });
  }

  /** Sets how many runs may be active at the same time. */
  setMaxActiveRuns(count: number): this {
    return this.#set("set_max_active_runs", { count });
  }

  /** Sets the retry policy of operators without their own. */
  setDefaultRetryPolicy(retryPolicy: RetryPolicyOptions): this {
    return this.#set("set_default_retry_policy", { policy: policy(retryPolicy) });
  }

  #set(method: string, params: Record<string, unknown>): this {
    const { notes, text } = workflows.call((api) =>
      api.workflowSet(this.#text, method, documentText(params)),
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

/** The text of a definition and its form. */
interface Source {
  readonly text: string;
  readonly form: TextForm;
}

function findings({ text, form }: Source): Diagnostic[] {
  return moduleFor(form).call((api) => api.workflowValidate(text, form, Date.now(), clocks));
}

/** Text without its byte order mark, or data as JSON text. */
function sourceOf(document: unknown, form: "json" | "yaml" = "json"): Source {
  if (typeof document === "string") {
    // An unpaired surrogate would become another character on its way to the core. As an escape, the core refuses it.
    const text = document.replace(/\p{Cs}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
    return { text: text.replace(/^\uFEFF/, ""), form };
  }
  return { text: documentText(document), form: "data" };
}
