/** The embedded engine: the host's side of the state machine in Rust. */

import { LONGEST_TIMER, uuid } from "../environment.js";
import { errorOf } from "../errors.js";
import type { Fetch } from "../host.js";
import { checkOptions } from "../options.js";
import { plain, plainText } from "../plain.js";
import type { EngineHandle } from "../wasm-api.js";
import { bytesOfBase64 } from "./base64.js";
import { type Answer, responseOf, textBody } from "./bodies.js";
import { httpTool } from "./http-tool.js";
import { PendingUpdates } from "./pending-updates.js";
import { compiled, type DslCompiler } from "./python-dsl.js";
import { full } from "./runtime.js";
import type { EngineStore } from "./store.js";
import { RunStreams } from "./streams.js";
import { type Tool, type Tools, ToolError } from "./tool.js";
import { zoneOffset } from "./zones.js";

/** Milliseconds that `close` waits for tools to notice that they are no longer wanted. */
const PATIENCE = 2000;

/** What an engine runs with. */
export interface LocalEngineOptions {
  /**
   * Tools by the name that tasks call, beside `tools.http.request`, which is always there. `nodeTools()` of
   * `highway-wasm/node` brings a shell and Python.
   */
  tools?: Tools | undefined;
  /** Tools that may run at once; 64 by default. Further tasks wait. */
  concurrency?: number | undefined;
  /** What `{{ENV.NAME}}` reads; nothing by default. */
  env?: Readonly<Record<string, string>> | undefined;
  /**
   * What a template that names nothing does: `strict` fails the task with `TEMPLATE_UNRESOLVED`, `lenient` keeps the
   * text. Default: `strict`.
   */
  templates?: "strict" | "lenient" | undefined;
  /** Milliseconds since the Unix epoch; the system's clock by default. */
  clock?: (() => number) | undefined;
  /**
   * Keeps what happens, so that runs go on after a restart: `fileStore(folder)` of `highway-wasm/node`, `indexedDbStore(name)` in
   * a browser. A tool that was running then is run again, as the same attempt with the same idempotency key. Without one, runs
   * live as long as the engine does.
   */
  store?: EngineStore | undefined;
  /**
   * Reads workflows that are submitted as Python (`python_dsl`): gets the source, and gives the definition that its
   * `get_workflow()` returns. `pythonDsl()` of `highway-wasm/node` does this by running it. Without one, Python is refused.
   */
  pythonDsl?: DslCompiler | undefined;
}

type Effect =
  | {
      readonly type: "start_tool";
      readonly call: number;
      readonly runId: string;
      readonly workflow: string;
      readonly task: string;
      readonly attempt: number;
      readonly tool: string;
      readonly args: unknown[];
      readonly kwargs: Record<string, unknown>;
      readonly idempotencyKey: string;
      readonly deadline: number | null;
    }
  | { readonly type: "abort_tool"; readonly call: number; readonly reason: string }
  | { readonly type: "update_ended"; readonly runId: string; readonly update: number }
  | { readonly type: "run_ended"; readonly runId: string };

/** What a tool does to its run beside its result. */
interface Acts {
  readonly variables: Record<string, unknown>;
  readonly events: [string, unknown][];
}

/**
 * Runs workflows in this process, and answers the Highway REST API through {@link LocalEngine.fetch}. Runs are kept in
 * memory for as long as the engine lives, and in a store where it has one.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({
 *   tools: { "greet.person": ({ kwargs }) => ({ text: `hello ${kwargs.name}` }) },
 * });
 * const driver = new Driver({ engine });
 * driver.tool("greet", "greet.person", { name: "{{inputs.name}}" });
 * const result = await driver.run({ inputs: { name: "Ada" } });
 * console.log(result.tasks.greet.result.text); // hello Ada
 * await engine.close();
 * ```
 */
export class LocalEngine {
  readonly #handle: EngineHandle;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #clock: () => number;
  readonly #calls = new Map<number, AbortController>();
  readonly #releases = new Map<string, (() => void | Promise<void>)[]>();
  /** Runs that have called a tool and are not over. */
  readonly #active = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  readonly #streams = new RunStreams();
  readonly #updates = new PendingUpdates();
  readonly #store: EngineStore | undefined;
  readonly #pythonDsl: DslCompiler | undefined;
  /** Fulfilled once what the store has kept is there. */
  readonly #opened: Promise<void>;
  /** What follows from entries that the store has not kept yet. */
  #waiting: { readonly entry: string | undefined; readonly release: () => void }[] = [];
  #isKeeping = false;
  /** Outcomes of tools that the engine has not been told of, each as `[call, "result" | "failure", value]` in JSON. */
  #outcomes: string[] = [];
  #keeping: Promise<void> | undefined;
  /** Why the store cannot keep anything any more. */
  #broken: { readonly error: unknown } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #freed = false;

  /** @throws {ConfigurationError} `OPTION_INVALID`. */
  constructor(options: LocalEngineOptions = {}) {
    checkOptions(
      options,
      ["tools", "concurrency", "env", "templates", "clock", "store", "pythonDsl"],
      "the engine",
    );
    const { tools = {}, concurrency, env = {}, templates = "strict", clock = Date.now, store } = options;
    if (typeof tools !== "object" || tools === null) throw invalid("`tools` is not an object", "/tools");
    for (const [name, tool] of Object.entries(tools)) {
      if (typeof tool !== "function") throw invalid(`the tool \`${name}\` is not a function`, "/tools");
    }
    if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
      throw invalid("`concurrency` is not a whole number above 0", "/concurrency");
    }
    if (typeof clock !== "function") throw invalid("`clock` is not a function", "/clock");
    if (typeof env !== "object" || env === null) throw invalid("`env` is not an object", "/env");
    if (templates !== "strict" && templates !== "lenient") {
      throw invalid("`templates` is neither `strict` nor `lenient`", "/templates");
    }
    this.#tools = new Map([["tools.http.request", httpTool], ...Object.entries(tools)]);
    this.#clock = clock;
    const config = plainText({ concurrency, env, templates, isDurable: store !== undefined });
    if (store !== undefined && !(typeof store?.load === "function" && typeof store.append === "function")) {
      throw invalid("`store` is no store", "/store");
    }
    if (options.pythonDsl !== undefined && typeof options.pythonDsl !== "function") {
      throw invalid("`pythonDsl` is not a function", "/pythonDsl");
    }
    this.#pythonDsl = options.pythonDsl;
    this.#store = store;
    this.#handle = full.call((api) => new api.EngineHandle(config, { zoneOffset }));
    this.#opened = store === undefined ? Promise.resolve() : this.#open(store);
    // Who uses the engine hears of it.
    this.#opened.catch(() => {});
  }

  /**
   * Waits until what the store has kept is there and runs go on. Requests wait for it by themselves.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` when the store cannot be read.
   */
  async ready(): Promise<void> {
    await this.#opened;
  }

  async #open(store: EngineStore): Promise<void> {
    for await (const entry of store.load()) {
      this.#checkOpen();
      full.call(() => this.#handle.replay(entry));
    }
    this.#checkOpen();
    this.#advance((handle, now) => handle.resume(now));
  }

  /**
   * Answers a request of the Highway REST API; the host name does not matter. Give it to a client as its `fetch`, or put
   * it behind any server that speaks `Request` and `Response`.
   */
  readonly fetch: Fetch = async (input, init) => {
    this.#checkOpen();
    await this.#opened;
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    const { method } = request;
    const given = await textBody(request, pathname);
    const body = await compiled({ method, pathname, body: given }, this.#pythonDsl, request.signal);
    this.#checkOpen();
    if (typeof body === "object" && body !== null) return responseOf(body);
    const [, runId] = /^\/api\/v1\/workflows\/([^/]+)\/stream$/.exec(pathname) ?? [];
    if (runId !== undefined && method === "GET" && this.#read(`workflows/${runId}`).status === 200) {
      return this.#streams.open(decodeURIComponent(runId), this.#viewOf);
    }
    const ask = (method: string, url: string): Promise<Answer> =>
      this.#answer({ method, url, headers: Object.fromEntries(request.headers), body });
    let answer = await ask(method, pathname + search);
    const [, updated] = /^\/api\/v1\/workflows\/([^/]+)\/updates$/.exec(pathname) ?? [];
    if (updated !== undefined && method === "POST" && answer.status === 202) {
      const { data } = JSON.parse(answer.body) as { data: { update_id: string } };
      const ended = this.#updates.wait(decodeURIComponent(updated), Number(data.update_id));
      answer = await ask("GET", `${pathname}/${data.update_id}`);
      if (answer.status === 202) {
        await ended;
        this.#checkOpen();
        answer = await ask("GET", `${pathname}/${data.update_id}`);
      }
    }
    return responseOf(answer);
  };

  /** What the engine answers, once what the answer says has been kept. */
  async #answer(request: {
    method: string;
    url: string;
    headers: Record<string, string>;
    body: string | null;
  }): Promise<Answer> {
    const text = JSON.stringify(request);
    const answer = await new Promise<string>((resolve, reject) => {
      this.#advance(
        (handle, now) => handle.request(text, uuid(), now),
        (given) => (this.#broken ? reject(this.#broken.error) : resolve(given)),
      );
    });
    return JSON.parse(answer) as Answer;
  }

  /**
   * Stops all tools and timers and releases what runs have kept; waits up to 2 s for tools to notice. Runs that are not
   * over stay as they are.
   */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#timer);
      this.#streams.close();
      this.#updates.close();
      for (const controller of this.#calls.values()) controller.abort(closed());
      for (const runId of [...this.#releases.keys()]) this.#release(runId);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE);
    });
    await Promise.race([this.#idle(), patience]);
    clearTimeout(timer);
    await this.#opened.catch(() => {});
    while (this.#isKeeping) await this.#keeping;
    await this.#store?.close?.();
    this.#free();
  }

  /** Gives the memory of the state machine back; once. */
  #free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#handle.free();
  }

  async #idle(): Promise<void> {
    // A tool that notices late may have something to release.
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }

  /** Tells the engine something, then does what it asks for, once the store has kept why. */
  #advance<T>(tell: (handle: EngineHandle, now: number) => T, then = (_: T): void => {}): void {
    const [answer, entry, effects, wake] = full.call(() => {
      const given = tell(this.#handle, this.#clock());
      const entry = this.#store && this.#handle.takeRecords();
      return [given, entry, JSON.parse(this.#handle.takeEffects()) as Effect[], this.#handle.nextWake()];
    });
    const perform = (): void => {
      // What is not kept, or comes after the end, must not happen: it will after the next start.
      if (this.#broken || (this.#store && this.#closed)) return;
      for (const effect of effects) this.#perform(effect);
      if (!this.#streams.isEmpty) this.#streams.tell(this.#viewOf);
    };
    if (this.#store === undefined) {
      perform();
      then(answer);
    } else {
      const release = (): void => {
        perform();
        then(answer);
      };
      this.#waiting.push({ entry, release });
      if (!this.#isKeeping) this.#keeping = this.#keep();
    }
    clearTimeout(this.#timer);
    if (wake !== undefined && !this.#closed) {
      const delay = Math.min(Math.max(wake - this.#clock(), 0), LONGEST_TIMER);
      this.#timer = setTimeout(() => this.#advance((handle, now) => handle.tick(now)), delay);
    }
  }

  /** What the API says below `/api/v1/`: the status, and the data as JSON text. */
  #read(path: string): { status: number; body: string } {
    const request = JSON.stringify({ method: "GET", url: `/api/v1/${path}`, headers: {}, body: null });
    const answer = full.call(() => this.#handle.request(request, "", this.#clock()));
    const { status, body } = JSON.parse(answer) as { status: number; body: string };
    return { status, body: JSON.stringify((JSON.parse(body) as { data?: unknown }).data ?? null) };
  }

  /** A run as the API shows it, as JSON text. */
  readonly #viewOf = (runId: string): string => this.#read(`workflows/${encodeURIComponent(runId)}`).body;

  /** Has the store keep what waits, all that has come meanwhile at once. */
  async #keep(): Promise<void> {
    this.#isKeeping = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const entries = batch.map(({ entry }) => entry).filter((entry) => entry !== undefined);
      try {
        if (entries.length > 0 && !this.#broken) await this.#store?.append(entries);
      } catch (error) {
        // The engine stands still.
        this.#broken ??= { error };
        for (const controller of this.#calls.values()) controller.abort(error);
      }
      for (const { release } of batch) release();
    }
    this.#isKeeping = false;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "start_tool":
        this.#active.add(effect.runId);
        this.#track(this.#runTool(effect));
        break;
      case "abort_tool":
        this.#calls.get(effect.call)?.abort(new DOMException(effect.reason, "AbortError"));
        break;
      case "update_ended":
        this.#updates.end(effect.runId, effect.update);
        break;
      case "run_ended":
        this.#active.delete(effect.runId);
        this.#release(effect.runId);
        break;
    }
  }

  async #runTool(effect: Effect & { type: "start_tool" }): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(effect.call, controller);
    // The engine is told of an outcome from a task of its own, never from inside the call that started the tool.
    await undefined;
    let outcome: string;
    try {
      const acts: Acts = { variables: {}, events: [] };
      const result = plainText((await this.#callTool(effect, controller.signal, acts)) ?? null);
      const hasActed = acts.events.length > 0 || Object.keys(acts.variables).length > 0;
      outcome = `"result",${result}${hasActed ? `,${plainText(acts)}` : ""}`;
    } catch (error) {
      outcome = `"failure",${failureText(error)}`;
    }
    this.#calls.delete(effect.call);
    if (this.#closed) return;
    // Tools that end together are told together: one crossing, and one entry of the journal.
    if (this.#outcomes.length === 0) queueMicrotask(() => this.#tellOutcomes());
    this.#outcomes.push(`[${effect.call},${outcome}]`);
  }

  #tellOutcomes(): void {
    const outcomes = `[${this.#outcomes.join()}]`;
    this.#outcomes = [];
    if (!this.#closed) this.#advance((handle, now) => handle.toolsFinished(outcomes, now));
  }

  async #callTool(
    effect: Effect & { type: "start_tool" },
    signal: AbortSignal,
    acts: Acts,
  ): Promise<unknown> {
    const tool = this.#tools.get(effect.tool);
    if (tool === undefined) throw notRegistered(effect.tool);
    const { runId, workflow, task, attempt, idempotencyKey, args, kwargs } = effect;
    const deadline = effect.deadline === null ? null : new Date(effect.deadline);
    const onRunEnd = (release: () => void | Promise<void>): void => {
      const releases = this.#releases.get(runId);
      if (releases) releases.push(release);
      else this.#releases.set(runId, [release]);
      // The run may have ended while the tool was on its way here.
      if (this.#closed || !this.#active.has(runId)) this.#release(runId);
    };
    const context = {
      runId,
      workflow,
      task,
      tool: effect.tool,
      attempt,
      idempotencyKey,
      deadline,
      signal,
      onRunEnd,
      artifact: async (id: string) => this.#artifact(id),
      variables: () =>
        JSON.parse(full.call(() => this.#handle.variables(effect.call))) as Record<string, unknown>,
      setVariable: (name: string, value: unknown) => {
        acts.variables[String(name)] = plain(value, `/${name}`);
      },
      emitEvent: (name: string, payload: unknown = {}) => {
        acts.events.push([String(name), plain(payload, `/${name}`)]);
      },
    };
    return await tool({ args, kwargs }, context);
  }

  #artifact(id: string): Uint8Array {
    const url = `/api/v1/artifacts/${encodeURIComponent(id)}`;
    const request = JSON.stringify({ method: "GET", url, headers: {}, body: null });
    const answer = JSON.parse(full.call(() => this.#handle.request(request, "", this.#clock()))) as Answer;
    if (answer.status === 200) return bytesOfBase64(answer.body);
    throw new ToolError(`there is no artifact \`${id}\``, {
      code: "ARTIFACT_NOT_FOUND",
      help: "upload it again: it was deleted, or belongs to another server",
      retryable: false,
    });
  }

  #release(runId: string): void {
    const releases = this.#releases.get(runId) ?? [];
    this.#releases.delete(runId);
    for (const release of releases) {
      this.#track(
        (async () => {
          try {
            await release();
          } catch (error) {
            console.error(`highway-wasm: what run ${runId} kept could not be released:`, error);
          }
        })(),
      );
    }
  }

  #track(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }
}

/** What a tool threw, as plain data; anything can be thrown, and everything has to arrive. */
function failureText(error: unknown): string {
  try {
    const { code, message, help, retryable, result } = Object(error ?? {}) as Partial<ToolError>;
    const failure = {
      code: typeof code === "string" ? code : "TOOL_FAILED",
      message: typeof message === "string" && message !== "" ? message : String(error),
      help: typeof help === "string" ? help : undefined,
      retryable: typeof retryable === "boolean" ? retryable : undefined,
    };
    try {
      return plainText({ ...failure, result });
    } catch {
      // The failure counts more than a result that is not plain data.
      return plainText(failure);
    }
  } catch {
    return plainText({ code: "TOOL_FAILED", message: "the tool threw something that has no text" });
  }
}

function notRegistered(tool: string): ToolError {
  if (tool === "tools.workflow.execute") {
    return new ToolError("the embedded engine does not run a workflow from another one yet", {
      code: "TOOL_NOT_REGISTERED",
      help: "run it on a Highway server, or register a tool of this name",
    });
  }
  const needsNode = tool === "tools.shell.run" || tool === "tools.code.exec";
  return new ToolError(`no tool \`${tool}\` is registered with this engine`, {
    code: "TOOL_NOT_REGISTERED",
    help: needsNode
      ? `in Node, Deno or Bun pass \`tools: nodeTools()\` of "highway-wasm/node"; a page or a worker has no shell and no Python: register a tool \`${tool}\` of your own, or run on a Highway server`
      : `pass it as \`new LocalEngine({ tools: { "${tool}": async ({ args, kwargs }) => … } })\``,
  });
}

function invalid(message: string, path: string): Error {
  return errorOf("OPTION_INVALID", message, { path });
}

function closed(): Error {
  return errorOf("ENGINE_CLOSED", "the engine is closed");
}
