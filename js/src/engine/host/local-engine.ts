/** The embedded engine: tools, requests and the state machine in one. */

import type { Fetch } from "../../client/options.js";
import { uuid } from "../../shared/environment.js";
import type { HighwayError } from "../../shared/errors.js";
import { invalid } from "../../shared/options.js";
import { plainText } from "../../shared/plain.js";
import { Breaks, nextTurn } from "../../shared/turns.js";
import { answerOf, healthPaths, kindOf, pieceOf, runOf } from "../asking.js";
import { closed } from "../configuration.js";
import type { Answer, Asked, Effect, Piece } from "../effects.js";
import { PendingUpdates } from "../pending-updates.js";
import { fetchOf } from "../requests/fetch.js";
import { failureAnswer } from "../requests/refusal.js";
import { RunStreams } from "../requests/streams.js";
import type { EngineHandle } from "../../wasm/wasm-api.js";
import { full } from "../runtime.js";
import { struck } from "../tools/http-answer.js";
import { httpTool } from "../tools/http-tool.js";
import { artifactOf, variablesOf } from "../tools/run-access.js";
import type { Tool } from "../tools/tool.js";
import { Machine } from "./machine.js";
import { checkLocalOptions, type LocalEngineOptions } from "./options.js";
import { SteadyClock } from "./steady-clock.js";
import { ToolCalls } from "./tool-calls.js";

/** How long `close` waits for tools to end, in milliseconds. */
const PATIENCE = 2000;
/** How long `wake` waits for tools, in milliseconds. Hosts give an alarm about 15 minutes. */
const LONGEST_WAKE = 600_000;

/**
 * Runs workflows in this process and answers the Highway REST API through {@link LocalEngine.fetch}. Runs are kept in
 * memory while the engine lives, and in its store if it has one.
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
  readonly #machine: Machine;
  readonly #tools: ToolCalls;
  /** Lets others have their turn between requests that follow from each other, as those of a client in this program. */
  readonly #breaks = new Breaks();
  readonly #streams: RunStreams;
  readonly #updates = new PendingUpdates();
  readonly #healthPaths: readonly string[];
  #closed = false;

  /**
   * Answers a request of the Highway REST API. The host name does not matter. Use it as the `fetch` of a client, or in
   * any server that uses `Request` and `Response`.
   *
   * If the signal of a request fires before the engine has carried the request out, the engine never does. An engine
   * that has failed answers 503 with the code and the message of its {@link LocalEngine.failure}.
   */
  readonly fetch: Fetch;

  /** @throws {ConfigurationError} `OPTION_INVALID`. */
  constructor(options: LocalEngineOptions = {}) {
    checkLocalOptions(options);
    const { tools = {}, secrets = {}, maxStreams, clock, store, onWake, pythonDsl } = options;
    const { concurrency, limits, keepRuns, env = {}, templates = "strict" } = options;
    this.#streams = new RunStreams((runId) => runOf(this.#machine.handle, runId), maxStreams);
    this.#tools = new ToolCalls(
      { "tools.http.request": httpTool(), ...tools },
      {
        tell: (tell) => this.#machine.tell(tell),
        holds: (task) => this.#machine.holds(task),
        artifact: (id) => artifactOf(this.#openHandle(), id),
        limit: (name) => this.#machine.limits[name],
        variables: (call) => variablesOf(this.#openHandle(), call),
        strike: (text) => struck(text, Object.values(secrets)),
      },
    );
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
    this.#machine = new Machine(config, {
      clock: new SteadyClock(clock).now,
      store,
      onWake,
      tools: this.#tools,
      perform: (effect) => this.#perform(effect),
      changed: () => this.#streams.tell(),
      stopped: (reason) => this.#stopped(reason),
    });
    this.#healthPaths = healthPaths();
    this.fetch = fetchOf({
      requestBytes: this.#machine.limits.requestBytes,
      pythonDsl,
      streams: this.#streams,
      updates: this.#updates,
      checkOpen: () => this.#checkOpen(),
      ready: () => this.#takesRequests(),
      // After a trap the core cannot say. Then any body is read, and the request is refused.
      takesBytes: (method, url) => this.#machine.isBroken || kindOf(method, url).kind === "upload",
      answer: (asked) => this.#answer(asked),
      piece: (rest) => this.#piece(rest),
      waitFor: (ended) => ended,
    });
  }

  /**
   * Waits until the engine has read its store and runs continue. Requests wait for this by themselves.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` if the store cannot be read, `STORE_IN_USE` if another engine uses it.
   * @throws {HighwayError} the {@link LocalEngine.failure} of an engine that has failed.
   */
  async ready(): Promise<void> {
    await this.#machine.opened;
    if (this.failure) throw this.failure;
  }

  /**
   * Why this engine has failed: its store cannot be read, cannot be written or belongs to another engine, or the module
   * has stopped (`WASM_PANIC`), for example without memory. Undefined while the engine works.
   */
  get failure(): HighwayError | undefined {
    return this.#machine.failure;
  }

  /**
   * Registers a tool, or replaces the tool of that name from its next call on. Register the tools of a definition
   * before it is submitted. Runs from a store continue as soon as the store is read: register their tools before the
   * first `await`.
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
    full.call(() => this.#machine.handle.addTool(name, this.#tools.isOwn(name)));
    return this;
  }

  async #takesRequests(): Promise<void> {
    await this.#machine.opened.catch(() => {});
    await this.#breaks.turn();
  }

  /**
   * The answer of the core, after the store has written what the answer says; the refusal of an engine that has failed.
   */
  #answer(asked: Asked): Promise<Answer> {
    const refused = (failure: HighwayError): Answer => failureAnswer(failure, this.#isHealth(asked.url));
    if (this.failure) return Promise.resolve(refused(this.failure));
    if (this.#closed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#machine.tell(
        (handle, now) => answerOf(handle, asked, uuid(), now),
        (given) => {
          if (this.failure) resolve(refused(this.failure));
          else if (given) resolve(given);
          else reject(closed());
        },
        reject,
      );
    });
  }

  #isHealth(url: string): boolean {
    const [path = ""] = url.split("?", 1);
    return this.#healthPaths.includes(path.replace(/\/+$/, ""));
  }

  /** The next piece of an answer, in a turn of its own. */
  async #piece(rest: string): Promise<Piece> {
    await new Promise<void>(nextTurn);
    this.#checkOpen();
    const piece = await new Promise<Piece | undefined>((resolve, reject) => {
      this.#machine.tell(
        (handle) => pieceOf(handle, rest),
        (given) => resolve(given),
        reject,
      );
    });
    if (piece === undefined) this.#checkOpen();
    if (piece === undefined || this.failure) {
      throw this.failure ?? new Error("the engine dropped the run while it was read");
    }
    return piece;
  }

  /**
   * Stops all tools and timers, and releases the resources of runs. Waits up to 2 s for tools to end. Active runs stay
   * as they are.
   */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#machine.stop(closed());
      this.#tools.close(closed());
    }
    await atMost(PATIENCE, this.#tools.idle());
    await this.#machine.close();
  }

  /**
   * Does what is due, and waits until no tool runs, for 10 minutes at most. The host calls it at the time that `onWake`
   * named, or later, on a new engine or on the one that it has.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` if the store cannot be read or written, `ENGINE_CLOSED`.
   */
  async wake(): Promise<void> {
    this.#checkOpen();
    await this.#machine.opened;
    this.#checkOpen();
    this.#machine.wake();
    await atMost(LONGEST_WAKE, this.#quiet());
    if (this.failure) throw this.failure;
  }

  /** Fulfilled when no tool runs and no change waits for the store, so that no tool will start. */
  async #quiet(): Promise<void> {
    do {
      await this.#tools.idle();
      await this.#machine.settled();
    } while (!this.failure && !(this.#tools.isIdle && this.#machine.isQuiet));
  }

  /** Ends streams, waits and tools, since nothing happens any more. */
  #stopped(reason: unknown): void {
    this.#streams.close();
    this.#updates.close();
    this.#tools.abortAll(reason);
  }

  /** The state machine, for tools: they may still run when the engine is closed. */
  #openHandle(): EngineHandle {
    this.#checkOpen();
    return this.#machine.handle;
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
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

/** Waits for a promise, for a number of milliseconds at most. */
async function atMost(milliseconds: number, done: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([done, limit]);
  clearTimeout(timer);
}
