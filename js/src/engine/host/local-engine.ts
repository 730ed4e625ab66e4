/** The embedded engine: the host's side of the state machine in Rust. */

import { uuid } from "../../shared/environment.js";
import { errorOf, type HighwayError, isHighwayError } from "../../shared/errors.js";
import type { Fetch } from "../../client/options.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { plainText } from "../../shared/plain.js";
import type { EngineHandle } from "../../wasm/wasm-api.js";
import { readRequest, responseOf } from "./bodies.js";
import { refusal, untilAborted } from "./giving-up.js";
import { checkConfiguration, closed, type EngineLimits } from "../configuration.js";
import { answerOf, pieceOf } from "../asking.js";
import type { Answer, Asked, Effect, Piece } from "../effects.js";
import { struck } from "../tools/http-answer.js";
import { httpTool } from "../tools/http-tool.js";
import { Gate } from "./gate.js";
import { Journal } from "../stores/journal.js";
import { PendingUpdates } from "../pending-updates.js";
import { compiled, type DslCompiler } from "./python-dsl.js";
import { artifactOf, variablesOf } from "../tools/run-access.js";
import { full } from "../runtime.js";
import { SteadyClock } from "./steady-clock.js";
import type { EngineStore } from "../stores/store.js";
import { RunStreams, STREAM_HEADERS } from "./streams.js";
import type { Tool, Tools } from "../tools/tool.js";
import { ToolCalls } from "./tool-calls.js";
import { Breaks, nextTurn } from "../../shared/turns.js";
import { zoneOffset } from "../../shared/zones.js";
import { parseJson } from "../../shared/json.js";

/** Milliseconds that `close` waits for tools to notice that they are no longer wanted. */
const PATIENCE = 2000;
/** Milliseconds after which an engine has to be looked after while tools run, since its host may be stopped in the middle. */
const WATCH = 30_000;
/** Milliseconds that `wake` waits for tools; hosts give an alarm about 15 minutes. */
const LONGEST_WAKE = 600_000;
/** Milliseconds after which the clock is looked at again: timers do not notice that it jumps, nor that the machine slept. */
const LOOK = 60_000;
/** Milliseconds within which an engine whose host wakes it does so by itself. */
const SOON = 5000;

/** What came of telling the state machine something. */
interface Slice<T> {
  readonly given: T;
  readonly entry: string | undefined;
  readonly effects: readonly Effect[];
  readonly next: number | undefined;
  /** Whether there is more to do at once. */
  readonly hasMore: boolean;
}

/** What an engine runs with. */
export interface LocalEngineOptions {
  /**
   * Tools by the name that tasks call, beside `tools.http.request`, which is always there. `nodeTools()` of
   * `highway-wasm/node` brings a shell and Python. More can be added with {@link LocalEngine.tool}. A definition that calls
   * any other is refused with `TOOL_NOT_REGISTERED` when it is submitted.
   */
  tools?: Tools | undefined;
  /** Tools that may run at once; 64 by default. Further tasks wait. */
  concurrency?: number | undefined;
  /** Event streams that may be open at once; 256 by default. Further ones are refused with status 503. */
  maxStreams?: number | undefined;
  /** How large things may become, by the names of docs/limits.md. */
  limits?: EngineLimits | undefined;
  /**
   * How many runs that are over are kept; all by default. Of more, those that ended first are forgotten, a minute after their end at the
   * earliest: the API knows them no more, and their idempotency keys begin new runs. What an active run has started stays as long as that.
   */
  keepRuns?: number | undefined;
  /** What `{{ENV.NAME}}` reads; nothing by default. */
  env?: Readonly<Record<string, string>> | undefined;
  /**
   * What `{{secrets.NAME}}` reads; nothing by default. Arguments of tools alone can have them, since those are not written down; they are struck out
   * of what tools log, and of the errors that they give. What a tool returns is its result, and kept as it is.
   */
  secrets?: Readonly<Record<string, string>> | undefined;
  /**
   * What a template that names nothing does: `strict` fails the task with `TEMPLATE_UNRESOLVED`, `lenient` keeps the
   * text. Default: `strict`.
   */
  templates?: "strict" | "lenient" | undefined;
  /**
   * Milliseconds since the Unix epoch; the system's clock by default. Where it is set back, what has begun to wait goes on by the time that
   * really passes; where it jumps ahead, the engine follows within a minute.
   */
  clock?: (() => number) | undefined;
  /**
   * Keeps what happens, so that runs go on after a restart: `fileStore(folder)` and `sqliteStore(path)` of `highway-wasm/node`,
   * `indexedDbStore(name)` in a browser, `durableObjectStore(ctx.storage)` at the edge. A tool that was running then is run again, as the same attempt with the same idempotency key. Without one, runs
   * live as long as the engine does.
   */
  store?: EngineStore | undefined;
  /**
   * For a host that is stopped while nobody asks it anything, such as a Durable Object: told when the engine has to be there
   * again at the latest, in milliseconds since the Unix epoch. The host then makes one if there is none, and calls
   * {@link LocalEngine.wake}. Each call takes the place of the one before; while tools run it is 30 s ahead. It comes before that
   * on which it depends is kept; when it fails, the engine stands still as it does when its store fails. Timers that are more than
   * 5 s away are left to the host. An engine that has just been made relies on the time that the one before it named; a host that
   * does not keep that calls `wake` at once.
   */
  onWake?: ((at: number) => void | Promise<void>) | undefined;
  /**
   * Reads workflows that are submitted as Python (`python_dsl`): gets the source, and gives the definition that its
   * `get_workflow()` returns. `pythonDsl()` of `highway-wasm/node` does this by running it. Without one, Python is refused.
   */
  pythonDsl?: DslCompiler | undefined;
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
  readonly #tools: ToolCalls;
  readonly #clock: () => number;
  readonly #limits: { readonly requestBytes: number; readonly resultBytes: number };
  /** Keeps requests that follow from each other, as those of a client in this program, from holding the thread. */
  readonly #breaks = new Breaks();
  /** Is shut while the state is written. */
  readonly #gate = new Gate();
  readonly #streams: RunStreams;
  readonly #updates = new PendingUpdates();
  readonly #journal: Journal | undefined;
  readonly #pythonDsl: DslCompiler | undefined;
  /** Fulfilled once what the store has kept is there. */
  readonly #opened: Promise<void>;
  readonly #onWake: LocalEngineOptions["onWake"];
  /** What the host was told last. */
  #wakeAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the next slice of work has its turn soon. */
  #goesOn = false;
  /** Why the state machine cannot be used any more. */
  #broken: HighwayError | undefined;
  /** Whether runs go on. */
  #isOpen = false;
  #closed = false;
  #freed = false;

  /** @throws {ConfigurationError} `OPTION_INVALID`. */
  constructor(options: LocalEngineOptions = {}) {
    checkOptions(
      options,
      [
        "tools",
        "concurrency",
        "maxStreams",
        "limits",
        "keepRuns",
        "env",
        "secrets",
        "templates",
        "clock",
        "store",
        "onWake",
        "pythonDsl",
      ],
      "the engine",
    );
    const {
      tools = {},
      concurrency,
      maxStreams,
      limits,
      keepRuns,
      env = {},
      secrets = {},
      templates = "strict",
    } = options;
    const { clock, store, onWake, pythonDsl } = options;
    if (typeof tools !== "object" || tools === null) throw invalid("`tools` is not an object", "/tools");
    for (const [name, tool] of Object.entries(tools)) {
      if (typeof tool !== "function") throw invalid(`the tool \`${name}\` is not a function`, "/tools");
    }
    checkConfiguration({ concurrency, maxStreams, limits, keepRuns, env, secrets, templates });
    if (clock !== undefined && typeof clock !== "function") {
      throw invalid("`clock` is not a function", "/clock");
    }
    this.#streams = new RunStreams((runId) => this.#read(encodeURIComponent(runId)).body, maxStreams);
    this.#tools = new ToolCalls(
      { "tools.http.request": httpTool(), ...tools },
      {
        tell: (tell) => this.#advance(tell),
        holds: (task) => this.#gate.holds(task),
        artifact: (id) => artifactOf(this.#handle, id, this.#clock()),
        limit: (name) => this.#limits[name],
        variables: (call) => variablesOf(this.#handle, call),
        strike: (text) => struck(text, Object.values(secrets)),
      },
    );
    this.#clock = new SteadyClock(clock).now;
    const config = plainText({
      concurrency,
      limits,
      keepRuns,
      env,
      secrets,
      templates,
      isDurable: store !== undefined,
      tools: this.#tools.names,
      ownTools: this.#tools.ownNames,
    });
    if (store !== undefined && !(typeof store?.load === "function" && typeof store.append === "function")) {
      throw invalid("`store` is not a store", "/store");
    }
    if (onWake !== undefined && typeof onWake !== "function") {
      throw invalid("`onWake` is not a function", "/onWake");
    }
    if (onWake !== undefined && store === undefined) {
      throw invalid("`onWake` needs a `store`: without one, no run is left to wake", "/onWake");
    }
    this.#onWake = onWake;
    if (pythonDsl !== undefined && typeof pythonDsl !== "function") {
      throw invalid("`pythonDsl` is not a function", "/pythonDsl");
    }
    this.#pythonDsl = pythonDsl;
    this.#handle = full.call((api) => new api.EngineHandle(config, { zoneOffset }));
    const limit = (name: string): number => full.call(() => this.#handle.limit(name));
    this.#limits = { requestBytes: limit("requestBytes"), resultBytes: limit("resultBytes") };
    this.#journal = store && this.#journalOf(store);
    this.#opened = this.#journal === undefined ? Promise.resolve() : this.#open(this.#journal);
    // Who uses the engine hears of it.
    this.#opened.catch(() => {});
  }

  /**
   * Waits until what the store has kept is there and runs go on. Requests wait for it by themselves.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` when the store cannot be read, `STORE_IN_USE` when it belongs to another engine.
   * @throws {HighwayError} the {@link LocalEngine.failure} of an engine that stands still.
   */
  async ready(): Promise<void> {
    await this.#opened;
    if (this.failure) throw this.failure;
  }

  /**
   * Why this engine stands still: its store could not be read, keeps nothing any more, or belongs to another engine, or the module has
   * stopped (`WASM_PANIC`), as it does without memory. Undefined while all is well.
   */
  get failure(): HighwayError | undefined {
    return this.#broken ?? this.#journal?.failure;
  }

  #journalOf(store: EngineStore): Journal {
    return new Journal(store, {
      snapshot: () => this.#snapshot(),
      wakeAt: (at) => this.#tellWake(at),
      failed: (error) => this.#stop(error),
    });
  }

  /** Entries that rebuild the state. Until all are taken, what would change it waits. */
  *#snapshot(): Generator<string, void> {
    this.#gate.shut();
    try {
      full.call(() => this.#handle.beginSnapshot());
      for (;;) {
        const entry = full.call(() => this.#handle.snapshotEntry());
        if (entry === undefined) return;
        yield entry;
      }
    } finally {
      this.#gate.open();
    }
  }

  async #open(journal: Journal): Promise<void> {
    await journal.open((entry) => full.call(() => this.#handle.replay(entry)));
    this.#advance((handle, now) => handle.resume(now));
    this.#isOpen = true;
  }

  /**
   * Registers a tool, or puts it in the place of the one of its name: from its next call on. Definitions can be submitted
   * once their tools are there. Where there is a store, runs that it has kept go on as soon as it is read: register their tools
   * before anything is awaited.
   *
   * @example
   * ```js
   * import { Driver } from "highway-wasm";
   * import { LocalEngine } from "highway-wasm/engine";
   *
   * const engine = new LocalEngine().tool("text.upper", ({ kwargs, log }) => {
   *   log(`${kwargs.text.length} characters`);
   *   return { text: kwargs.text.toUpperCase() };
   * });
   * const driver = new Driver({ engine });
   * driver.tool("shout", "text.upper", { text: "hello" });
   * const { tasks } = await driver.run();
   * console.log(tasks.shout.result.text); // HELLO
   * await engine.close();
   * ```
   *
   * @returns the engine, for the next call.
   * @throws {ConfigurationError} `OPTION_INVALID`.
   * @throws {ExecutionError} `ENGINE_CLOSED`.
   */
  tool(name: string, handler: Tool): this {
    if (typeof name !== "string" || name === "") throw invalid("the name of the tool is not text", "/name");
    if (typeof handler !== "function") throw invalid(`the tool \`${name}\` is not a function`, "/handler");
    this.#checkOpen();
    this.#tools.add(name, handler);
    full.call(() => this.#handle.addTool(name, this.#tools.isOwn(name)));
    return this;
  }

  /**
   * Answers a request of the Highway REST API; the host name does not matter. Give it to a client as its `fetch`, or put
   * it behind any server that speaks `Request` and `Response`.
   *
   * A request whose signal fires before it is carried out never is. An engine that stands still answers 503 with the code and the
   * reason of its {@link LocalEngine.failure}.
   */
  readonly fetch: Fetch = async (input, init) => {
    this.#checkOpen();
    const signal = init?.signal === undefined && input instanceof Request ? input.signal : init?.signal;
    return await untilAborted(signal ?? undefined, () => this.#respond(input, init, signal ?? undefined));
  };

  async #respond(
    input: RequestInfo | URL,
    init: RequestInit | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    await this.#opened.catch(() => {});
    await this.#breaks.turn();
    this.#checkOpen();
    const { requestBytes } = this.#limits;
    const { url, method, headers, body: given } = await readRequest(input, init, requestBytes);
    if (given instanceof Response) return given;
    const { pathname, search } = url;
    if (this.failure) return responseOf(refusal(pathname, this.failure));
    signal?.throwIfAborted();
    const body = await compiled({ method, pathname, body: given }, this.#pythonDsl, signal);
    // Whoever gave the request up must not find out later that it was carried out.
    signal?.throwIfAborted();
    this.#checkOpen();
    if (typeof body === "object" && body !== null) return responseOf(body);
    const [, runId] = /^\/api\/v1\/workflows\/([^/]+)\/stream$/.exec(pathname) ?? [];
    const isRead = method === "GET" || method === "HEAD";
    if (runId !== undefined && isRead) {
      const { status, body: run } = this.#read(runId);
      if (status === 200 && method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
      if (status === 200) return this.#streams.open(decodeURIComponent(runId), run);
    }
    const ask = (method: string, url: string): Promise<Answer> =>
      this.#answer({ method, url, headers: Object.fromEntries(headers), body });
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
    return responseOf(answer, (rest) => this.#piece(rest));
  }

  /** The next piece of an answer, in a turn of its own. */
  async #piece(rest: string): Promise<Piece> {
    await new Promise<void>(nextTurn);
    this.#checkOpen();
    const piece = await new Promise<Piece | undefined>((resolve) => {
      this.#advance(
        (handle) => pieceOf(handle, rest),
        (given) => resolve(given),
      );
    });
    if (piece === undefined || this.failure) {
      throw this.failure ?? new Error("the engine dropped the run while it was read");
    }
    return piece;
  }

  /** What the engine answers, once what the answer says has been kept, or cannot be: see {@link LocalEngine.failure}. */
  #answer(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#advance(
        (handle, now) => answerOf(handle, asked, uuid(), now),
        (given) => {
          if (this.failure) resolve(refusal(asked.url, this.failure));
          else if (given) resolve(given);
          else reject(closed());
        },
      );
    });
  }

  /**
   * Stops all tools and timers and releases what runs have kept; waits up to 2 s for tools to notice. Runs that are not
   * over stay as they are.
   */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#journal?.abort(closed());
      this.#stop(closed());
      this.#tools.close(closed());
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE);
    });
    await Promise.race([this.#tools.idle(), patience]);
    clearTimeout(timer);
    await this.#opened.catch(() => {});
    await this.#journal?.close();
    this.#free();
  }

  /**
   * What the host calls at the time that `onWake` named, or later, on an engine that has just been made or on one that is there:
   * does what is due, and waits until no tool runs, for 10 minutes at most.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` when the store cannot be read, or keeps nothing any more; `ENGINE_CLOSED`.
   */
  async wake(): Promise<void> {
    this.#checkOpen();
    await this.#opened;
    this.#checkOpen();
    this.#wakeAt = 0;
    this.#advance((handle, now) => handle.tick(now));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_WAKE);
    });
    await Promise.race([this.#quiet(), limit]);
    clearTimeout(timer);
    if (this.failure) throw this.failure;
  }

  /** Fulfilled once no tool runs and nothing waits to be kept, from which another one would follow. */
  async #quiet(): Promise<void> {
    do {
      await this.#tools.idle();
      await this.#journal?.settled();
      if (this.#goesOn || this.#gate.isShut) await new Promise<void>(nextTurn);
    } while (!this.failure && (!this.#tools.isIdle || this.#goesOn || this.#gate.isShut));
  }

  /** Tells the host when it is needed, unless it knows of an earlier time. */
  async #tellWake(at: number): Promise<void> {
    if (this.#wakeAt <= at && this.#wakeAt > this.#clock()) return;
    await this.#onWake?.(at);
    this.#wakeAt = at;
  }

  /** Ends what waits for something to happen, since nothing does any more. */
  #stop(reason: unknown): void {
    clearTimeout(this.#timer);
    this.#streams.close();
    this.#updates.close();
    this.#tools.abortAll(reason);
  }

  /** Gives the memory of the state machine back; once. */
  #free(): void {
    if (this.#freed) return;
    this.#freed = true;
    // What has stopped in the middle cannot be taken apart.
    if (!this.#broken) this.#handle.free();
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }

  /**
   * Tells the engine something, then does what it asks for, once the store has kept why. `then` gets what `tell` gave, and nothing where
   * the engine has broken down, or was closed while this waited for the state to be written.
   *
   * @throws {HighwayError} where the engine refuses what it is told.
   */
  #advance<T>(tell: (handle: EngineHandle, now: number) => T, then = (_?: T): void => {}): void {
    if (this.#broken) {
      then();
      return;
    }
    if (this.#gate.holds(() => (this.#closed ? then() : this.#advance(tell, then)))) return;
    const journal = this.#journal;
    let slice: Slice<T>;
    try {
      slice = full.call(() => {
        this.#tools.tellOutput(this.#handle, this.#clock());
        const given = tell(this.#handle, this.#clock());
        const entry = journal && this.#handle.takeRecords();
        const effects = parseJson(this.#handle.takeEffects()) as Effect[];
        return { given, entry, effects, next: this.#handle.nextWake(), hasMore: this.#handle.hasMore() };
      });
    } catch (error) {
      if (isHighwayError(error) && error.code !== "WASM_PANIC") throw error;
      this.#breakDown(error);
      then();
      return;
    }
    const { given, entry, effects, next, hasMore } = slice;
    const release = (): void => {
      // What is not kept, or comes after the end, must not happen: it will after the next start.
      if (!journal || !(journal.failure || this.#closed)) {
        for (const effect of effects) this.#perform(effect);
        this.#streams.tell();
        if (hasMore) this.#goOn();
      }
      then(given);
    };
    if (journal) {
      const isBusy = this.#tools.isBusy || effects.some(({ type }) => type === "start_tool");
      const watched = isBusy || hasMore ? this.#clock() + WATCH : undefined;
      const wake = watched === undefined ? next : Math.min(next ?? watched, watched);
      // At the opening the time that was told before still holds, or has come: `wake` is about to be called then.
      journal.keep({ entry, wake: this.#isOpen ? wake : undefined, release });
    } else release();
    clearTimeout(this.#timer);
    if (next !== undefined && !this.#closed && !this.failure) this.#setTimer(next);
  }

  /** Has the next slice of work done once others had their turn. */
  #goOn(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    nextTurn(() => {
      this.#goesOn = false;
      if (!this.#closed && !this.failure) this.#advance((handle, now) => handle.tick(now));
    });
  }

  /** The state machine has stopped in the middle: nothing can happen any more, and every request is told why. */
  #breakDown(error: unknown): void {
    this.#broken = isHighwayError(error)
      ? error
      : errorOf("WASM_PANIC", "the engine stopped at an internal error", { cause: error });
    console.error("highway-wasm: the engine has stopped:", error);
    this.#stop(this.#broken);
  }

  #setTimer(next: number): void {
    const delay = Math.max(next - this.#clock(), 0);
    if (this.#onWake && delay > SOON) return;
    const look = (): void => {
      if (this.#closed || this.failure) return;
      if (this.#clock() < next) this.#setTimer(next);
      else this.#advance((handle, now) => handle.tick(now));
    };
    this.#timer = setTimeout(look, Math.min(delay, LOOK));
  }

  /** What the API says of a run, whose id stands here as in an address. */
  #read(runId: string): Answer {
    const asked = { method: "GET", url: `/api/v1/workflows/${runId}` };
    return full.call(() => answerOf(this.#handle, asked, "", this.#clock()));
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "start_tool":
        this.#tools.start(effect);
        break;
      case "abort_tool":
        this.#tools.abort(effect.call, effect.reason);
        break;
      case "update_ended":
        this.#updates.end(effect.runId, effect.update);
        break;
      case "run_ended":
        this.#tools.runEnded(effect.runId);
        break;
    }
  }
}
