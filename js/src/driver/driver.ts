/** The `Driver`, with the methods of the Python SDK's driver. */

import { adviceOn } from "./advice.js";
import { Client, seconds } from "../client/client.js";
import { uuid } from "../shared/environment.js";
import { type Diagnostic, errorOf, isHighwayError, makeError } from "../shared/errors.js";
import type { WorkflowDefinition } from "../shared/definition.js";
import {
  type CallOptions,
  type ClientOptions,
  checkProgress,
  type DurationInput,
  type EngineLike,
  type WaitOptions,
} from "../client/options.js";
import { checkOptions, invalid } from "../shared/options.js";
import { parseJson } from "../shared/json.js";
import { isObject, type Json, plain, plainText } from "../shared/plain.js";
import { type List, type ListRunsOptions, runList } from "../client/api/list.js";
import { packageOf, type TaskPackage } from "../client/artifact.js";
import { dependsOf, usedTasks, optionsOf, withImplied, without } from "./implied.js";
import { type LogEntry, type RunResult, type RunStatus, submitted } from "../client/run.js";
import { RunHandle } from "../client/run-handle.js";
import { RUN_TIMEOUT } from "./run-timeout.js";
import { core } from "../wasm/runtime.js";
import type {
  EmitSpec,
  ForeachSpec,
  HttpRequest,
  ParallelSpec,
  TaskInfo,
  TaskKind,
  TaskOptions,
  WaitForSpec,
  WhileSpec,
  WithEnv,
} from "./task-options.js";
import { noting, TaskRef } from "../shared/task-ref.js";

/** Seconds that `run` waits beyond the run's own limit, so that the server can report how it ended. */
const GRACE = 10;

const START_OPTIONS = ["inputs", "timeout", "workflowId", "signal", "workflow"];

/** Options of a driver: its name, and where its workflows run. */
export interface DriverOptions extends ClientOptions {
  /** Name of the workflow. Dashes become underscores. Default: `workflow_<first task>`. */
  name?: string | undefined;
}

/** Options of a definition. */
export interface BuildOptions {
  /** Inputs of the run, which templates read as `{{inputs.name}}`. */
  inputs?: Record<string, unknown> | undefined;
  /**
   * Time limit of the run, in whole seconds, at least one; default: 300 s, as in Python. `run`, `start` and `simulate`
   * extend the default by the delays, waits and pauses between retries, and by time limits above 300 s, on the longest
   * path through the tasks.
   */
  timeout?: DurationInput | undefined;
}

/** Options of {@link Driver.start}. */
export interface StartOptions extends BuildOptions, Pick<CallOptions, "signal"> {
  /** An id of your own. Submitting the same content with the same id returns the same run. */
  workflowId?: string | undefined;
  /**
   * A definition to run in place of the driver's own tasks: a `Workflow`, or a definition as plain data. It keeps its
   * own time limit unless `timeout` is given; without any limit, it is awaited until it has ended. The server checks
   * it.
   */
  workflow?: { toJSON(): object } | object | undefined;
}

/** Options of {@link Driver.run}. */
export interface RunOptions extends StartOptions, Pick<WaitOptions, "onProgress"> {
  /** `false` only submits the workflow; the result then has the state `submitted`. Default: true. */
  wait?: boolean | undefined;
}

/**
 * Defines a workflow task by task, submits it and follows it.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { LocalEngine } from "highway-wasm/engine";
 * import { nodeTools } from "highway-wasm/node";
 *
 * const engine = new LocalEngine({ tools: nodeTools() });
 * const driver = new Driver({ engine });
 * const hello = driver.shell("hello", "echo hello");
 * driver.shell("shout", `echo "${hello.result.stdout}!"`, { depends: [hello] });
 * const result = await driver.run();
 * console.log(result.status, result.tasks.shout.stdout); // completed hello!
 * await engine.close();
 * ```
 */
export class Driver {
  readonly #name: string | undefined;
  readonly #client: Client;
  readonly #tasks = new Map<string, Registered>();
  /** The tasks as text for the core, once requested. */
  #listed: string | undefined;
  /** Names of the tasks whose results became template text. */
  readonly #used = new Set<string>();

  /** @throws {ConfigurationError} `OPTION_INVALID`, `ENDPOINT_INVALID`, `API_KEY_EXPOSED`. */
  constructor(options: DriverOptions = {}) {
    this.#client = new Client(options, ["name"]);
    const { name } = options;
    if (name !== undefined && typeof name !== "string") {
      throw invalid("`name` is not text", "/name");
    }
    plainText(name, "/name");
    this.#name = name;
  }

  /**
   * Registers a task of any kind, with the options of the Python SDK's decorator.
   *
   * @throws {TaskDefinitionError} for the first wrong option, with its path.
   */
  task(name: string, options: TaskKind & TaskOptions): TaskRef;
  task(name: string, options: TaskKind & TaskOptions, ...more: unknown[]): TaskRef {
    return this.#register("task", name, options, more);
  }

  /**
   * Registers a shell command. Result: `{stdout, stderr, returncode}`.
   *
   * @example
   * ```js
   * import { Driver } from "highway-wasm";
   *
   * const driver = new Driver();
   * driver.shell("greet", 'echo "Hello $NAME"', { env: { NAME: "{{inputs.name}}" } });
   * console.log(driver.build().tasks.greet.kwargs); // { env: { NAME: '{{inputs.name}}' } }
   * ```
   */
  shell(name: string, command: string, options?: TaskOptions & WithEnv): TaskRef;
  shell(name: string, command: string, ...more: object[]): TaskRef {
    return this.#register("task", name, { ...more[0], shell: command }, more);
  }

  /**
   * Registers Python source. Its function is called without arguments; of several, the one with the task's name. Its
   * return value is the result. Source without a function runs as a script.
   */
  python(name: string, source: string, options?: TaskOptions & WithEnv): TaskRef;
  python(name: string, source: string, ...more: object[]): TaskRef {
    return this.#register("task", name, { ...more[0], py: source }, more);
  }

  /** Registers an HTTP request. A text or `URL` is a GET request. Result: `{status_code, headers, response}`. */
  http(name: string, request: string | URL | HttpRequest, options?: TaskOptions): TaskRef;
  http(name: string, request: string | URL | HttpRequest, ...more: object[]): TaskRef {
    const isAddress = typeof request === "string" || request instanceof URL;
    const http = isAddress ? { url: String(request), method: "GET" } : request;
    return this.#register("task", name, { ...more[0], http }, more);
  }

  /** Registers a call of a tool by its name, with named arguments. */
  tool(name: string, tool: string, kwargs?: Record<string, unknown>, options?: TaskOptions): TaskRef;
  tool(name: string, tool: string, kwargs = {}, ...more: object[]): TaskRef {
    return this.#register("task", name, { ...more[0], tool, kwargs }, more);
  }

  /** Registers a run of another workflow, by its name or the id of its definition. */
  workflow(
    name: string,
    target: ({ name: string } | { id: string }) & { inputs?: Record<string, unknown> | undefined },
    options: TaskOptions = {},
  ): TaskRef {
    if (typeof target !== "object" || target === null) {
      throw errorOf("TASK_OPTION_TYPE", "the workflow is neither `{ name }` nor `{ id }`", { path: "" });
    }
    const {
      name: workflow,
      id: workflowId,
      inputs,
    } = target as { name?: string; id?: string; inputs?: object };
    return this.task(name, { ...options, workflow, workflowId, inputs } as TaskKind & TaskOptions);
  }

  /**
   * Registers a loop that runs Python source for each item of a list; the source uses `{{item}}`. Result: the results
   * of all items.
   *
   * @example
   * ```js
   * import { Driver, ref } from "highway-wasm";
   *
   * const driver = new Driver();
   * driver.python("find", "def find():\n    return {'users': [1, 2]}");
   * driver.foreach("greet", {
   *   items: ref("find").result.result.users,
   *   py: "def greet():\n    return 'hello {{item}}'",
   *   depends: "find",
   * });
   * console.log(Object.keys(driver.build().tasks)); // [ 'find', 'greet_body', 'greet' ]
   * ```
   */
  foreach(name: string, spec: ForeachSpec): TaskRef {
    return this.#register("foreach", name, spec);
  }

  /** Registers a loop that runs Python source as long as a condition holds. */
  whileLoop(name: string, spec: WhileSpec): TaskRef {
    return this.#register("whileLoop", name, spec);
  }

  /** Registers a task that emits an event, which runs of any workflow can wait for. */
  emit(name: string, spec: EmitSpec): TaskRef {
    return this.#register("emit", name, spec);
  }

  /** Registers a task that waits for an event. Result: the payload of the event. */
  waitFor(name: string, spec: WaitForSpec): TaskRef {
    return this.#register("waitFor", name, spec);
  }

  /**
   * Registers a parallel task: it runs registered tasks at the same time, in branches, and ends when all branches have
   * ended. Its result has those of the branches.
   */
  parallel(name: string, spec: ParallelSpec): TaskRef {
    return this.#register("parallel", name, spec);
  }

  /** The registered tasks by name, in the order of registration. */
  get tasks(): Readonly<Record<string, TaskInfo>> {
    const list = `[${Array.from(this.#tasks.values(), ({ entry }) => entry)}]`;
    const infos = JSON.parse(core.call((api) => api.driverTasks(list))) as TaskInfo[];
    const implied = (name: string): readonly string[] => this.#tasks.get(name)?.implied ?? [];
    return Object.fromEntries(
      infos.map((info) => [info.name, { ...info, depends: [...info.depends, ...implied(info.name)] }]),
    );
  }

  /** The engine that was passed to the constructor. */
  get engine(): EngineLike | undefined {
    return this.#client.engine;
  }

  /** Removes all tasks. */
  clear(): void {
    this.#tasks.clear();
    this.#used.clear();
    this.#listed = undefined;
  }

  /**
   * All findings about the tasks: unknown and circular dependencies, invalid templates and unknown names in them,
   * results that are used without a dependency, impossible schedules and the next starts of possible ones, delays
   * beyond the time limit, and options that Highway would silently drop. `run` refuses the errors among them, unless
   * they are inside a task.
   *
   * In a bundle that uses neither `Workflow` nor `WorkflowBuilder`, the list has only the errors that `run` refuses,
   * because all other checks are in their module.
   */
  validate(): Diagnostic[] {
    const tasks = this.#list();
    return adviceOn(tasks) ?? (this.#tasks.size > 0 ? refused(tasks) : []);
  }

  /**
   * The definition that would be submitted: the same JSON that the Python driver 0.9.1 writes.
   *
   * @throws {ConfigurationError} `OPTION_INVALID` for a time limit below one second.
   */
  build(options: BuildOptions = {}): WorkflowDefinition {
    checkOptions(options, ["inputs", "timeout"], "build");
    return parseJson(this.#build(runSettings(options), false).text) as WorkflowDefinition;
  }

  /** The definition of a run. For a submission, it is checked, and its time limit includes the waits. */
  #build(settings: RunSettings, isRun: boolean): Built {
    const more = plainText({
      name: this.#name ?? null,
      ...settings,
      isRun,
      // Only a workflow without a name and without tasks needs a random part. Workers cannot create one at top level.
      random: this.#name || this.#tasks.size > 0 ? "" : uuid().slice(0, 8),
    });
    const built = core.call((api) => api.driverBuild(`{"tasks":${this.#list()},${more.slice(1)}`));
    const end = built.indexOf("\n");
    const [name, limit] = JSON.parse(built.slice(0, end)) as [string, number];
    return { name, limit, text: built.slice(end + 1), inputs: settings.inputs };
  }

  /**
   * Submits the workflow and waits until the run has ended.
   *
   * A run that failed is a normal result: check `isSuccess`, or throw `error`.
   *
   * @throws {TaskDefinitionError} `NO_TASKS`, or the first finding of {@link validate}; `diagnostics` has all.
   * @throws {ConfigurationError} `API_KEY_MISSING`.
   * @throws {SubmissionError} if the server refuses the workflow or cannot be reached.
   * @throws {TimeoutError} `WAIT_TIMEOUT` if the run has not ended 10 s after its own time limit.
   * @throws {AbortedError} if `signal` fires; a run that was submitted continues.
   */
  async run(options: RunOptions = {}): Promise<RunResult> {
    checkOptions(options, [...START_OPTIONS, "wait", "onProgress"], "run");
    const { wait = true, onProgress, ...start } = options;
    checkProgress(onProgress);
    const { handle, name, limit } = await this.#submit(start, "run()");
    if (!wait) return submitted(handle.runId, name, handle.workflowId);
    const timeout = limit == null ? undefined : limit + GRACE;
    return await handle.result({ timeout, signal: options.signal, onProgress });
  }

  /**
   * Submits the workflow and returns a handle to the run at once. Throws the same errors as {@link run}, except
   * `WAIT_TIMEOUT`.
   */
  async start(options: StartOptions = {}): Promise<RunHandle> {
    checkOptions(options, START_OPTIONS, "start");
    return (await this.#submit(options, "start()")).handle;
  }

  /** A handle to an existing run. Sends no request. */
  handle(runId: string): RunHandle {
    return new RunHandle(this.#client, runId);
  }

  /**
   * The present status of a run.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  async status(runId: string, options?: CallOptions): Promise<RunStatus> {
    return await this.handle(runId).status(options);
  }

  /**
   * Cancels a run. Gives `false` if it had already ended.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  async cancel(runId: string, reason?: string, options?: CallOptions): Promise<boolean> {
    return await this.handle(runId).cancel(reason, options);
  }

  /** The log entries of a run's tasks, oldest first. */
  async logs(runId: string, options?: CallOptions): Promise<LogEntry[]> {
    return await this.handle(runId).logs(options);
  }

  /** The runs of all workflows, newest first. Sends a request only when an item or a page is needed. */
  list(options: ListRunsOptions = {}): List<RunStatus> {
    return runList(this.#client, options);
  }

  /**
   * @internal The default time limit of a run, in seconds.
   *
   * @throws {TaskDefinitionError} as {@link run}.
   */
  [RUN_TIMEOUT](): number {
    return core.call((api) => api.driverCheck(this.#list()));
  }

  async #submit(options: StartOptions, what: string): Promise<Built & { handle: RunHandle }> {
    const { inputs, timeout, workflowId, signal, workflow } = options;
    const settings = runSettings({ inputs, timeout });
    const built = workflow === undefined ? this.#build(settings, true) : given(workflow, settings);
    this.#client.requireKey(what);
    if (workflowId !== undefined && (typeof workflowId !== "string" || workflowId.trim() === "")) {
      throw invalid("`workflowId` is empty or not text", "/workflowId");
    }
    const artifact = workflow === undefined ? await this.#upload(settings.inputs, signal) : {};
    const all = plainText({ ...built.inputs, ...artifact });
    const bodyText = `{"workflow_definition":${built.text},"inputs":${all}}`;
    const call = { signal, bodyText };
    const { runId, data } = await this.#client.call<SubmissionData>(
      "submit",
      { key: workflowId ?? uuid() },
      call,
    );
    return { ...built, handle: new RunHandle(this.#client, runId, workflowId ?? null, data) };
  }

  /** Uploads the package of the durable tasks, unless it is already there. Returns the run input that names it. */
  async #upload(
    inputs: Record<string, Json>,
    signal: AbortSignal | undefined,
  ): Promise<{ _artifact_id?: string }> {
    if (inputs["_artifact_id"] !== undefined) return {};
    const registered = [...this.#tasks];
    if (!registered.some(([, task]) => task.needsPackage)) return {};
    const { context, packageFiles, uploadFiles } = await import("./packing.js");
    const more = JSON.stringify({ packages: packageFiles(registered), context });
    const settings = `{"tasks":${this.#list()},${more.slice(1)}`;
    const files = JSON.parse(core.call((api) => api.driverArtifact(settings))) as Record<
      string,
      string
    > | null;
    return files === null ? {} : { _artifact_id: await uploadFiles(this.#client, files, { signal }) };
  }

  #register(method: Method, name: string, options: object, more: readonly unknown[] = []): TaskRef {
    try {
      return this.#add(method, name, options, more);
    } catch (error) {
      const isOther = !isHighwayError(error) || error.name === "WasmError" || typeof name !== "string";
      if (isOther || error.message.includes(`\`${name}\``)) throw error;
      throw makeError(error.name, {
        ...error,
        message: `task \`${name}\`: ${error.message}`,
        details: { ...error.details, task: name },
        cause: error.cause,
      });
    }
  }

  #add(method: Method, name: string, options: object, more: readonly unknown[]): TaskRef {
    refuseFunctions(options, more);
    if (typeof name !== "string") throw errorOf("TASK_NAME_INVALID", "the task name is not text");
    const nameText = plainText(name);
    refuseUndefined((Object(options) as { env?: unknown }).env);
    const source = packageOf(options);
    const given = withNames(source === undefined ? options : { ...options, package: source.name });
    const passed = new Set<string>();
    const text = noting(passed, () => plainText(given));
    const isTaken = this.#tasks.has(name);
    if (isTaken || method !== "task" || name === "" || !isCommon(given)) {
      core.call((api) => api.driverTask(method, name, text, isTaken));
    }
    const entry = `["${method}",${nameText},${text}]`;
    const isUsed = (other: string): boolean => this.#used.has(other) || passed.has(other);
    const used = usedTasks(text, isUsed).filter((other) => other !== name);
    const implied = used.length > 0 ? without(used, dependsOf(entry)) : used;
    const branches = method === "parallel" ? optionsOf(entry).branches : undefined;
    const needsPackage = method === "whileLoop" || (options as { durable?: unknown }).durable !== undefined;
    this.#tasks.set(name, { entry, implied, branches, needsPackage, source });
    this.#listed = undefined;
    return new TaskRef(name, this.#used);
  }

  /** The tasks as text for the core. */
  #list(): string {
    if (this.#listed !== undefined) return this.#listed;
    const depends = withImplied(this.#tasks);
    const entries = Array.from(this.#tasks, ([name, { entry }]) => {
      const all = depends.get(name);
      // Of a duplicate key, the last one counts.
      return all ? `${entry.slice(0, -2)},"depends":${JSON.stringify(all)}}]` : entry;
    });
    this.#listed = `[${entries}]`;
    return this.#listed;
  }
}

/** A registered task, and the package that it runs from. */
interface Registered {
  /** `[method, name, options]` as JSON text. */
  readonly entry: string;
  /** Names of additional dependencies, whose results it uses by reference. */
  readonly implied: readonly string[];
  /** The branches of a parallel task: the names of the tasks of each branch, or single tasks. */
  readonly branches: Json | undefined;
  /** Whether it may run from an uploaded package. */
  readonly needsPackage: boolean;
  readonly source: TaskPackage | undefined;
}

/** A definition that was built. */
interface Built {
  /** The definition as JSON text. */
  readonly text: string;
  readonly name: string;
  /** Time limit of a run in seconds; null or undefined without one. */
  readonly limit: number | null | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** The inputs of a run as plain data, and its time limit in seconds. */
interface RunSettings {
  readonly inputs: Record<string, Json>;
  readonly timeout: number | undefined;
}

/** The answer to a submission. */
interface SubmissionData {
  readonly runId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Method = "task" | "foreach" | "whileLoop" | "emit" | "waitFor" | "parallel";

/** The findings that `run` refuses. */
function refused(tasks: string): Diagnostic[] {
  try {
    core.call((api) => api.driverCheck(tasks));
    return [];
  } catch (error) {
    if (!isHighwayError(error) || error.diagnostics.length === 0) throw error;
    return [...error.diagnostics];
  }
}

function runSettings({ inputs, timeout }: BuildOptions): RunSettings {
  const data = plain(inputs ?? {}, "/inputs");
  if (!isObject(data)) {
    throw invalid("`inputs` is not an object", "/inputs");
  }
  const limit = timeout === undefined ? undefined : seconds("/timeout", timeout, 1);
  if (limit !== undefined && !Number.isInteger(limit)) {
    throw invalid("the `timeout` of a run is not a whole number of seconds", "/timeout");
  }
  return { inputs: data, timeout: limit };
}

/** The definition that the caller gave, with the inputs and the time limit of the run. */
function given(workflow: unknown, { inputs, timeout }: RunSettings): Built {
  const data = plain(workflow, "/workflow");
  if (!isObject(data) || !("tasks" in data)) {
    throw invalid("`workflow` is neither a Workflow nor a definition", "/workflow");
  }
  const variables = { ...(data["variables"] as Record<string, unknown> | undefined), ...inputs };
  const definition = {
    ...(data as unknown as WorkflowDefinition & { deadline_seconds?: number | null }),
    variables,
    ...(timeout === undefined ? {} : { timeout_seconds: timeout }),
  };
  const limit = definition.timeout_seconds ?? definition.deadline_seconds;
  return { text: plainText(definition), name: definition.name, limit, inputs: variables };
}

/**
 * Whether the options are common and certainly valid. The core then does not check them now, which saves most of the
 * time; it checks them before they are used.
 */
function isCommon(options: unknown): boolean {
  const {
    shell,
    py,
    tool,
    kwargs = {},
    depends = [],
    ...others
  } = Object(options) as Record<string, unknown>;
  const [kind, ...further] = [shell, py, tool].filter((given) => given !== undefined);
  return (
    typeof kind === "string" &&
    kind !== "" &&
    further.length === 0 &&
    isObject(kwargs) &&
    Array.isArray(depends) &&
    depends.every((other) => typeof other === "string") &&
    Object.keys(others).length === 0
  );
}

/** Refuses environment variables without a value. */
function refuseUndefined(env: unknown): void {
  if (env === undefined || env === null) return;
  for (const [key, value] of Object.entries(Object(env))) {
    if (value !== undefined) continue;
    throw errorOf("TASK_OPTION_TYPE", `\`env.${key}\` must be text, found undefined`, {
      path: `/env/${key}`,
      help: "the result of a task is `task.result`: `task.result.stdout`",
    });
  }
}

/** Refuses options that are a function or contain one. */
function refuseFunctions(options: unknown, more: readonly unknown[]): void {
  const isFunction = (value: unknown): boolean => typeof value === "function";
  const fields = Object(options ?? {}) as Record<string, unknown>;
  const option = Object.keys(fields).find((key) => isFunction(fields[key]));
  if (option === undefined && !isFunction(options) && !more.some(isFunction)) return;
  throw errorOf("TASK_OPTION_TYPE", "a task cannot take a function", {
    path: option === undefined ? "" : `/${option}`,
    help: "a task runs no JavaScript: give Python source as text, write the result of the function into the options, or register the function as a tool of the engine",
  });
}

/** The options with references to tasks replaced by their names. */
function withNames(options: unknown): unknown {
  if (typeof options !== "object" || options === null || !("depends" in options)) return options;
  const { depends } = options;
  const name = (item: unknown): unknown => (item instanceof TaskRef ? item.name : item);
  return { ...options, depends: Array.isArray(depends) ? depends.map(name) : name(depends) };
}
