/** Submits workflows, and reads and ends runs. */

import { uuid } from "../../shared/environment.js";
import type { CallOptions } from "../options.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { isObject, plainText } from "../../shared/plain.js";
import type { RunStatus } from "../run.js";
import { RunHandle } from "../run-handle.js";
import { type List, type ListRunsOptions, runList } from "./list.js";
import { Resource } from "./resource.js";
import type {
  ApiObject,
  Checkpoint,
  LockHistory,
  RunMetrics,
  SagaHistory,
  Simulation,
  Submission,
  WorkflowEvent,
  WorkflowStats,
} from "./types.js";

/** A workflow to submit: a definition or Python source. */
export type WorkflowSource =
  /** A `Workflow`, the definition of `driver.build()`, or a definition as plain data. */
  | { workflow: object; pythonDsl?: undefined }
  /** Python source that defines `get_workflow()` with `highway_dsl`. The server runs it. */
  | { pythonDsl: string; workflow?: undefined };

/** Options of a submission. */
export type SubmitOptions = WorkflowSource &
  CallOptions & {
    /** Inputs of the run. */
    inputs?: Record<string, unknown> | undefined;
    /**
     * An id of your own. Submitting the same content with the same id returns the same run. Default: a random id, so
     * that a repetition after a network error never starts a second run.
     */
    idempotencyKey?: string | undefined;
  };

/** Workflows and their runs, as `highway.workflows`. */
export class Workflows extends Resource {
  /**
   * Submits a workflow and starts a run. Permission: `submit_workflows`.
   *
   * @returns A handle to the run. Its `submission` is the server's answer.
   * @throws {SubmissionError} if the server refuses the workflow or cannot be reached. `API_CONFLICT`: the same key
   *   started the run `existingRunId` with other content.
   *
   * @example
   * ```js
   * import { Highway } from "highway-wasm";
   * import { LocalEngine } from "highway-wasm/engine";
   *
   * const engine = new LocalEngine({ tools: { "mail.send": ({ kwargs }) => `sent to ${kwargs.to}` } });
   * const highway = new Highway({ engine });
   * const workflow = {
   *   name: "greeting",
   *   tasks: { send: { task_id: "send", operator_type: "task", function: "mail.send", kwargs: { to: "{{inputs.to}}" } } },
   * };
   * const handle = await highway.workflows.submit({ workflow, inputs: { to: "Ada" }, idempotencyKey: "greet-ada" });
   * const { state, tasks } = await handle.result();
   * console.log(state, tasks.send.result); // completed sent to Ada
   * await engine.close();
   * ```
   */
  async submit(options: SubmitOptions): Promise<RunHandle> {
    checkOptions(
      options,
      ["workflow", "pythonDsl", "inputs", "idempotencyKey", "signal", "timeout"],
      "submit",
    );
    const { inputs = {}, idempotencyKey = uuid(), signal, timeout } = options;
    if (typeof idempotencyKey !== "string" || idempotencyKey.trim() === "") {
      throw invalid("`idempotencyKey` is empty or not text", "/idempotencyKey");
    }
    if (!isObject(inputs)) throw invalid("`inputs` is not an object", "/inputs");
    const bodyText = `{${source(options)},"inputs":${plainText(inputs, "/inputs")}}`;
    const args = { key: idempotencyKey };
    const call = { signal, timeout, bodyText };
    const { runId, data } = await this.client.call<{ runId: string; data: Submission }>("submit", args, call);
    return new RunHandle(this.client, runId, options.idempotencyKey ?? null, data);
  }

  /**
   * Registers a definition on the server without starting a run. Permission: `submit_workflows`.
   *
   * The server keeps the same content once, so registering it again is safe.
   */
  async register(options: WorkflowSource & CallOptions): Promise<Submission> {
    checkOptions(options, ["workflow", "pythonDsl", "signal", "timeout"], "register");
    const { signal, timeout } = options;
    const args = { method: "POST", path: "workflows", key: uuid() };
    const bodyText = `{${source(options)},"execute":false}`;
    return await this.client.call<Submission>("request", args, { signal, timeout, bodyText });
  }

  /** Runs, newest first. Permission: `view_workflows`. */
  list(options: ListRunsOptions = {}): List<RunStatus> {
    return runList(this.client, options);
  }

  /** A handle to an existing run. Sends no request. */
  handle(runId: string): RunHandle {
    return new RunHandle(this.client, runId);
  }

  /**
   * The present status of a run. Permission: `view_workflows`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  async get(runId: string, options?: CallOptions): Promise<RunStatus> {
    return await this.handle(runId).status(options);
  }

  /** Cancels a run. Gives `false` if it had already ended. Permission: `cancel_workflows`. */
  async cancel(runId: string, reason?: string, options?: CallOptions): Promise<boolean> {
    return await this.handle(runId).cancel(reason, options);
  }

  /**
   * Starts a new run with the workflow and the inputs of a failed run. Permission: `retry_workflows`.
   *
   * Not repeated after a failure, because a repetition could start two runs.
   *
   * @throws {ApiError} `API_BAD_REQUEST` if the run has not failed.
   */
  async retry(runId: string, options?: CallOptions): Promise<RunHandle> {
    const data = await this.write<Submission>("POST", "workflows/{runId}/retry", { runId }, options);
    const id = data?.["new_workflow_run_id"] ?? data?.workflow_run_id;
    if (typeof id === "string" && id !== "") return new RunHandle(this.client, id, null, data);
    throw this.client.unexpected("the server retried the run but named no new one", data);
  }

  /** The events of a run, oldest first, at most `limit`; default: 100, at most 1,000. Permission: `view_workflows`. */
  events(runId: string, options: CallOptions & { limit?: number } = {}): Promise<WorkflowEvent[]> {
    return this.readAll("workflows/{runId}/events", { runId }, options, ["limit"], ["events", "items"]);
  }

  /** The definition of a run as Mermaid text. Permission: `view_workflows`. */
  async graph(runId: string, options?: CallOptions): Promise<string> {
    return await this.#drawing(runId, "graph", ["mermaid", "graph", "diagram"], options);
  }

  /** A run as Graphviz text, including its executed steps. Permission: `view_workflows`. */
  async dot(runId: string, options?: CallOptions): Promise<string> {
    return await this.#drawing(runId, "graph/dot", ["dot", "graph", "diagram"], options);
  }

  /** The checkpoints of a run. Permission: `view_workflows`. */
  checkpoints(runId: string, options: CallOptions = {}): Promise<Checkpoint[]> {
    return this.readAll("workflows/{runId}/checkpoints", { runId }, options, [], ["checkpoints", "items"]);
  }

  /** The lock history of a run. Permission: `view_workflows`. */
  locks(runId: string, options?: CallOptions): Promise<LockHistory> {
    return this.read("workflows/{runId}/locks", { runId }, options);
  }

  /** The saga history of a run. Permission: `view_workflows`. */
  sagas(runId: string, options?: CallOptions): Promise<SagaHistory> {
    return this.read("workflows/{runId}/sagas", { runId }, options);
  }

  /** The variables of a run: the named one, or all. */
  query(
    runId: string,
    options: CallOptions & { variable?: string; all?: boolean; includeVersion?: boolean } = {},
  ): Promise<ApiObject> {
    return this.read("workflows/{runId}/query", { runId }, options, ["variable", "all", "includeVersion"]);
  }

  /**
   * Statistics about runs. `since` and `until` are moments; `hours` counts back from now.
   *
   * @throws {ApiError} `API_NOT_FOUND` if there are no such runs.
   */
  stats(
    options: CallOptions & {
      workflowName?: string;
      since?: Date | string;
      until?: Date | string;
      hours?: number;
    } = {},
  ): Promise<WorkflowStats> {
    return this.read("workflows/stats", {}, options, ["workflowName", "since", "until", "hours"]);
  }

  /** Counts and durations of one run. */
  metrics(runId: string, options?: CallOptions): Promise<RunMetrics> {
    return this.read("workflows/{runId}/metrics", { runId }, options);
  }

  /** The execution of a run, for debugging: as data, or as text with `format: "text"`. */
  replay(
    runId: string,
    options: CallOptions & { format?: "json" | "text"; verbose?: boolean; includeChildren?: boolean } = {},
  ): Promise<unknown> {
    const names = ["format", "verbose", "includeChildren"];
    return this.read("workflows/{runId}/replay", { runId }, options, names, { expects: "text" });
  }

  /** The steps that a simulation can resume from. */
  replaySteps(runId: string, options: CallOptions = {}): Promise<Checkpoint[]> {
    return this.readAll("workflows/{runId}/replay/steps", { runId }, options, [], ["steps"]);
  }

  /** Repeats a run with its recorded side effects. `resumeFrom` names the step to begin with. */
  simulate(runId: string, options: CallOptions & { resumeFrom?: string } = {}): Promise<Simulation> {
    return this.write("POST", "workflows/{runId}/simulate", { runId }, options, { names: ["resumeFrom"] });
  }

  /** The text of a drawing, which a server sends as it is or under one of the names. */
  async #drawing(
    runId: string,
    what: string,
    names: readonly string[],
    options?: CallOptions,
  ): Promise<string> {
    const path = `workflows/{runId}/${what}`;
    const answer = await this.read<unknown>(path, { runId }, options, [], { expects: "text" });
    const found = [answer, ...names.map((name) => (Object(answer) as ApiObject)[name])];
    const text = found.find((value) => typeof value === "string") as string | undefined;
    // A server may send an HTML login page instead.
    if (text !== undefined && !/^\s*<(!doctype|html)/i.test(text)) return text;
    throw this.client.unexpected("the server sent something else where a drawing was expected", answer);
  }
}

/** The body field with the workflow, as JSON text. */
function source({ workflow, pythonDsl }: WorkflowSource): string {
  if ((workflow === undefined) === (pythonDsl === undefined)) {
    throw invalid("give either `workflow` or `pythonDsl`", "/workflow");
  }
  if (pythonDsl !== undefined) {
    if (typeof pythonDsl !== "string") throw invalid("`pythonDsl` is not text", "/pythonDsl");
    return `"python_dsl":${plainText(pythonDsl, "/pythonDsl")}`;
  }
  if (!isObject(workflow)) {
    throw invalid("`workflow` is neither a Workflow nor a definition", "/workflow");
  }
  return `"workflow_definition":${plainText(workflow, "/workflow")}`;
}
