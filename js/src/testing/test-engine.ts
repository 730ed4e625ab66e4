/** An engine for tests: virtual time, mocks in place of tools, and expectations. */

import { kindOf, type Operation, type RequestKind } from "../engine/asking.js";
import { fetchOf } from "../engine/requests/fetch.js";
import type { DslCompiler } from "../engine/requests/python-dsl.js";
import { checkConfiguration } from "../engine/configuration.js";
import { drawn, openKinds, type SimulatedRun, taskOf, type TimelineEntry } from "../engine/timeline.js";
import {
  type ToolCallRecord,
  VIRTUAL_OPTIONS,
  VirtualEngine,
  type VirtualOptions,
} from "../engine/virtual/virtual-engine.js";
import type { Mock, MockAnswer, MockFunction } from "../engine/virtual/mocks.js";
import { millis } from "../engine/virtual/mocks.js";
import type { Answer, Asked } from "../engine/effects.js";
import type { Fetch } from "../client/options.js";
import { didYouMean } from "../workflow/runtime.js";
import type { DurationInput } from "../client/options.js";
import { checkOptions, invalid } from "../shared/options.js";
import { plainText } from "../shared/plain.js";
import type { RunHandle } from "../client/run-handle.js";
import { matches, namesIn, shown, stateOf, type TestState } from "./state.js";

/** Number of outcomes, timers and signals after which a test is aborted, because it would never end. */
const MOST_STEPS = 100_000;
/** Turns of the event loop to wait for a pending submission. */
const MOST_TURNS = 1000;
/** Kept here, because a test may replace the global timers. */
const later = globalThis.setTimeout;

/** Options of a {@link TestEngine}. */
export interface TestEngineOptions extends VirtualOptions {
  /**
   * Whether time passes by itself while a client waits for a run; default: true. With `false`, only `advance`,
   * `runUntil` and `runToEnd` let time pass.
   */
  autoAdvance?: boolean | undefined;
  /** Compiles workflows that are submitted as Python, as for a `LocalEngine`. */
  pythonDsl?: DslCompiler | undefined;
}

/** The expected calls of a tool. */
export interface ExpectedCall {
  /** Number of calls; default: at least one. */
  readonly times?: number | undefined;
  /** Positional arguments that one of the calls must have. */
  readonly args?: readonly unknown[] | undefined;
  /** Named arguments that one of the calls must have. Other arguments may have any value. */
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
}

/** A tool that was called without a mock. */
export interface UnmockedTool {
  /** Name of the tool. */
  readonly tool: string;
  /** Names of the tasks that called it. */
  readonly tasks: readonly string[];
}

/** A run: its id or a handle. Default: the latest run that no other run started. */
export type RunLike = string | Pick<RunHandle, "runId">;

/** An expectation that failed. The message shows what happened instead. */
export class ExpectationError extends Error {
  /** The actual value. */
  readonly actual: unknown;
  /** The expected value. */
  readonly expected: unknown;

  /** @internal */
  constructor(message: string, actual: unknown, expected: unknown) {
    super(message);
    this.name = "ExpectationError";
    this.actual = actual;
    this.expected = expected;
  }
}

/**
 * An engine for tests, with a virtual clock and mocks in place of all tools: a workflow of days runs in milliseconds.
 * Clients use it like any other engine.
 *
 * A tool without a mock completes at once with an empty result, so a test mocks only what it is about. With `unmocked:
 * "fail"`, such calls fail; afterwards, `expectMocked()` and `unmocked` show them.
 *
 * Time passes by itself while a client waits for a run (`driver.run()`, `handle.result()`). Otherwise `advance`,
 * `runUntil` and `runToEnd` let it pass. A client counts as waiting if it looks at a run right after its submission, or
 * twice without a change in between. Time then passes until the run has ended, or until it only waits for an event, an
 * update or a person, so that the test can answer. At the next look, these waits reach their time limits, too.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { TestEngine } from "highway-wasm/testing";
 *
 * const engine = new TestEngine({ at: "2030-01-01T00:00:00Z" });
 * engine.mock("charge", new Error("busy"), { result: { id: 7 }, delay: "PT2S" });
 *
 * const driver = new Driver({ engine });
 * driver.tool("charge", "pay.charge", { amount: 5 }, { retries: 1, retryDelay: 60 });
 * driver.tool("ship", "shop.ship", { order: "{{charge_result.id}}" }, { depends: "charge", delay: "P3D" });
 * const { state } = await driver.run({ timeout: "P7D" });
 *
 * console.log(state, engine.now.toISOString()); // completed 2030-01-04T00:01:02.000Z
 * engine.expectCalled("charge", { times: 2 });
 * engine.expectCalled("ship", { kwargs: { order: 7 } });
 * engine.expectOrder("charge", "ship");
 * console.log(engine.unmocked); // [ { tool: 'shop.ship', tasks: [ 'ship' ] } ]
 * engine.close();
 * ```
 */
export class TestEngine {
  readonly #engine: VirtualEngine;
  readonly #isAutomatic: boolean;
  /** Number of looks at each run since the last change. */
  readonly #looks = new Map<string, number>();
  #latest = "";
  /** The tasks and tools of all submitted definitions. */
  readonly #names = new Set<string>();

  /** Answers a request of the Highway REST API, as `LocalEngine.fetch` does, except event streams. */
  readonly fetch: Fetch;

  /** @throws {ConfigurationError} `OPTION_INVALID`. */
  constructor(options: TestEngineOptions = {}) {
    checkOptions(options, [...VIRTUAL_OPTIONS, "autoAdvance", "pythonDsl"], "the test engine");
    const { autoAdvance = true, pythonDsl, ...virtual } = options;
    checkConfiguration({ pythonDsl });
    this.#isAutomatic = autoAdvance;
    const engine = new VirtualEngine(virtual, { keepsCalls: true });
    this.#engine = engine;
    this.fetch = fetchOf({
      requestBytes: engine.requestBytes,
      pythonDsl,
      // A client with a stream would not look at its run, and looks let time pass.
      streams: undefined,
      updates: engine.updates,
      checkOpen: () => engine.checkOpen(),
      ready: async () => {},
      takesBytes: (method, url) => kindOf(method, url).kind === "upload",
      answer: (asked) => this.#answer(asked),
      piece: () => Promise.reject(new Error("answers of a test engine are whole")),
      waitFor: (ended) => this.#waitFor(ended),
    });
  }

  /** The present virtual time. */
  get now(): Date {
    return new Date(this.#engine.now);
  }

  async #answer(asked: Asked): Promise<Answer> {
    const request = kindOf(asked.method, asked.url);
    if (asked.method === "GET") await this.#look(request);
    else this.#looks.clear();
    const answer = this.#engine.request(asked);
    await this.#engine.settled();
    const isSubmission = request.kind === "submission" && answer.status < 300;
    if (isSubmission) this.#submitted(asked.definition ?? asked.body, answer.body);
    return answer;
  }

  /**
   * Sets the mock of a task or a tool. The mock of the task takes precedence. Several answers are for one call each in
   * a run; the last one is repeated.
   *
   * @throws {ConfigurationError} `OPTION_INVALID`, also for a mistyped name while a run is active.
   */
  mock(name: string, answer: MockFunction): this;
  mock(name: string, ...answers: readonly MockAnswer[]): this;
  mock(name: string, ...answers: readonly unknown[]): this {
    if (typeof name !== "string" || name === "") throw invalid("the mock has no name", "/name");
    if (answers.length === 0) throw invalid(`the mock of \`${name}\` has no answer`, "/answers");
    const slip = this.#isUnderWay() ? this.#slip(name) : undefined;
    if (slip !== undefined) throw invalid(`no task and no tool is called \`${name}\``, "/name", slip);
    const [only] = answers;
    // A list as the only answer is the result, unlike in `tools`.
    const mock = answers.length > 1 ? answers : Array.isArray(only) ? { result: only } : only;
    this.#engine.mock(name, mock as Mock);
    return this;
  }

  /** Advances virtual time, with everything that happens meanwhile. */
  async advance(duration: DurationInput): Promise<void> {
    this.#looks.clear();
    const until = this.#engine.now + millis(duration, "/duration");
    await this.#go(until, () => false);
    this.#engine.now = until;
  }

  /**
   * Advances time until a step has started, or a predicate holds.
   *
   * @throws {ExpectationError} if nothing more will happen before.
   */
  async runUntil(condition: string | ((state: TestState) => boolean)): Promise<void> {
    await this.#begun();
    const isStep = typeof condition === "string";
    if (!isStep && typeof condition !== "function") {
      throw invalid("`condition` is neither the name of a step nor a function", "/condition");
    }
    const holds = (): boolean =>
      isStep
        ? this.timeline().some(({ step, task }) => step === condition || task === condition)
        : condition(this.state());
    if (isStep && !holds()) this.#expectNoSlip(condition, "no such step");
    await this.#go(Number.POSITIVE_INFINITY, holds);
    if (!holds()) {
      const what = isStep ? `\`${condition}\` did not start` : "the condition never held";
      throw this.#failed(`${what}, and nothing will happen any more`, undefined, condition);
    }
  }

  /**
   * Advances time until a run has ended; default: the latest run that no other run started.
   *
   * @throws {ExpectationError} if it waits for something that will never happen.
   */
  async runToEnd(run?: RunLike): Promise<void> {
    await this.#begun();
    const runId = this.#idOf(run);
    await this.#go(Number.POSITIVE_INFINITY, () => this.#engine.ended.has(runId));
    if (!this.#engine.ended.has(runId)) {
      throw this.#failed(`run ${runId} waits, and nothing will happen any more`, "waiting", "over");
    }
  }

  /** The present state of all runs and steps. */
  state(): TestState {
    return stateOf(this.#engine.now, this.#engine.timeline().runs);
  }

  /** Attempts, decisions and waits in the order of their start, of all runs or of the given one. */
  timeline(run?: RunLike): readonly TimelineEntry[] {
    const { entries } = this.#engine.timeline();
    if (run === undefined) return entries;
    const runId = this.#idOf(run);
    return entries.filter((entry) => entry.runId === runId);
  }

  /** The calls of tools in order: all, or those of a task or a tool. */
  calls(name?: string): readonly ToolCallRecord[] {
    return this.#engine.calls.filter(
      ({ task, tool }) => name === undefined || task === name || tool === name,
    );
  }

  /**
   * The tools that were called without a mock, with the tasks that called them. Such a call completes at once with an
   * empty result, or fails with `unmocked: "fail"`.
   */
  get unmocked(): readonly UnmockedTool[] {
    return Array.from(this.#engine.withoutMock, ([tool, tasks]) => ({ tool, tasks: [...tasks] }));
  }

  /**
   * Expects that every called tool had a mock, and that no mock has a mistyped name.
   *
   * @throws {ExpectationError}
   */
  expectMocked(): void {
    const { unmocked } = this;
    const slips = Array.from(this.#engine.unused, (name) => {
      const advice = this.#slip(name);
      return advice === undefined ? [] : [`no task called the mock \`${name}\`: ${advice}`];
    }).flat();
    if (unmocked.length === 0 && slips.length === 0) return;
    const calls = unmocked.map(({ tool, tasks }) => `\`${tool}\` (${tasks.join(", ")})`);
    const without = calls.length === 0 ? [] : [`tools were called without a mock: ${calls.join(", ")}`];
    throw this.#failed([...without, ...slips].join("; "), unmocked, []);
  }

  /** Sends a signal to a run, as `handle.signal` does. */
  async signal(name: string, payload: unknown = {}, run?: RunLike): Promise<void> {
    const body = { signal_name: name, signal_payload: payload };
    await this.#operate("signal", this.#idOf(run), body, `the signal \`${name}\``);
  }

  /** Approves a waiting task, by the key of the approval or by the name of the task. */
  async approve(approval: string, comment = ""): Promise<void> {
    await this.#decide(approval, "approve", comment);
  }

  /** Rejects a waiting task, by the key of the approval or by the name of the task. */
  async reject(approval: string, comment = ""): Promise<void> {
    await this.#decide(approval, "reject", comment);
  }

  /**
   * Expects that a run has a status.
   *
   * @throws {ExpectationError} with the timeline.
   */
  expectStatus(status: SimulatedRun["status"], run?: RunLike): void {
    const runId = this.#idOf(run);
    const found = this.state().runs.find((known) => known.runId === runId);
    if (found?.status === status) return;
    const why = found?.error ? ` (${found.error.message})` : "";
    throw this.#failed(`the run is ${found?.status}${why}, not ${status}`, found?.status, status);
  }

  /**
   * Expects that a task or a tool was called.
   *
   * @throws {ExpectationError} with the actual calls.
   */
  expectCalled(name: string, expected: ExpectedCall = {}): void {
    checkOptions(expected, ["times", "args", "kwargs"], "expectCalled");
    const calls = this.calls(name);
    const { times, args, kwargs } = expected;
    const isMet = (call: ToolCallRecord): boolean =>
      (args === undefined || matches(call.args, args)) &&
      (kwargs === undefined || matches(call.kwargs, kwargs));
    const met = calls.filter(isMet);
    if (times === undefined ? met.length > 0 : met.length === times) return;
    const how = [args && `args ${shown(args)}`, kwargs && `kwargs ${shown(kwargs)}`]
      .filter(Boolean)
      .join(" and ");
    const often = times === undefined ? "" : ` ${times} times, but ${met.length} times`;
    const message =
      calls.length === 0 && times === undefined
        ? `\`${name}\` was not called`
        : `\`${name}\` was not called${how && ` with ${how}`}${often}`;
    const seen = calls.map((call) => `  args ${shown(call.args)}, kwargs ${shown(call.kwargs)}`).join("\n");
    const listed = seen === "" ? "" : `\nits calls:\n${seen}`;
    throw this.#failed(message + listed, calls, expected);
  }

  /**
   * Expects that a task or a tool was never called.
   *
   * @throws {ExpectationError} also for a mistyped name: one that no submitted definition has, but that resembles one.
   */
  expectNotCalled(name: string): void {
    this.#expectNoSlip(name, "no such task");
    const calls = this.calls(name);
    if (calls.length === 0) return;
    throw this.#failed(`\`${name}\` was called ${calls.length} times`, calls, []);
  }

  /**
   * Expects that tasks or tools were first called in this order.
   *
   * @throws {ExpectationError}
   */
  expectOrder(...names: string[]): void {
    const calls = this.calls();
    const first = (name: string): number =>
      calls.findIndex(({ task, tool }) => task === name || tool === name);
    const missing = names.find((name) => first(name) < 0);
    if (missing !== undefined) throw this.#failed(`\`${missing}\` was not called`, calls, names);
    const actual = [...names].sort((left, right) => first(left) - first(right));
    if (names.every((name, at) => name === actual[at])) return;
    const order = (list: string[]): string => list.map((name) => `\`${name}\``).join(", ");
    throw this.#failed(`the order is ${order(actual)}, not ${order(names)}`, actual, names);
  }

  /** Whether a run is active. A mock is then meant for its tasks. */
  #isUnderWay(): boolean {
    return this.#names.size > 0 && this.#engine.data().runs.some(({ end }) => end === null);
  }

  /** Releases the memory of the engine. */
  close(): void {
    this.#engine.free();
  }

  /** If nothing was submitted so far, waits for a pending submission. */
  async #begun(): Promise<void> {
    this.#looks.clear();
    for (let turns = 0; this.#names.size === 0 && turns < MOST_TURNS; turns += 1)
      await new Promise((resolve) => later(resolve, 1));
  }

  /** The nearest name in the submitted definitions; undefined if the name is one of them, or none is near. */
  #slip(name: string): string | undefined {
    const plain = taskOf(name);
    return this.#names.has(plain) ? undefined : didYouMean(plain, [...this.#names]);
  }

  #expectNoSlip(name: string, what: string): void {
    const advice = this.#slip(name);
    if (advice !== undefined)
      throw this.#failed(`no task and no tool is called \`${name}\`: ${advice}`, what, name);
  }

  /** Advances time until a moment, or until `isEnough`. */
  async #go(until: number, isEnough: () => boolean): Promise<void> {
    const engine = this.#engine;
    for (let steps = 0; ; steps += 1) {
      await engine.settled();
      if (isEnough()) return;
      if (steps >= MOST_STEPS)
        throw this.#failed(`it goes on and on, after ${MOST_STEPS} steps`, undefined, undefined);
      if (!engine.step(until)) return;
    }
  }

  /** Called when a client looks at a run. */
  async #look(request: RequestKind): Promise<void> {
    if (!this.#isAutomatic || (request.kind !== "run" && request.kind !== "runs")) return;
    const key = request.kind === "run" ? request.runId : "";
    const looks = (this.#looks.get(key) ?? 0) + 1;
    this.#looks.set(key, looks);
    if (looks < 2) return;
    const isOver = key === "" ? (): boolean => false : (): boolean => this.#engine.ended.has(key);
    await this.#go(Number.POSITIVE_INFINITY, looks === 2 ? () => isOver() || this.#isHeld() : isOver);
  }

  /** Whether everything that is active waits for an event, an update or a person. */
  #isHeld(): boolean {
    if (this.#engine.hasOutcomes) return false;
    const open = openKinds(this.#engine.data());
    const isFromOutside = (kind: string): boolean => ["event", "update", "approval"].includes(kind);
    const isAround = (kind: string): boolean => ["loop", "join", "children"].includes(kind);
    return open.some(isFromOutside) && open.every((kind) => isFromOutside(kind) || isAround(kind));
  }

  /** Waits for the end of an update. Time passes meanwhile, if it passes by itself. */
  async #waitFor(ended: Promise<void>): Promise<void> {
    let isOver = false;
    const over = ended.then(() => {
      isOver = true;
    });
    if (this.#isAutomatic) await this.#go(Number.POSITIVE_INFINITY, () => isOver);
    await over;
  }

  #submitted(request: string | null | undefined, answer: string): void {
    if (typeof request === "string") namesIn(JSON.parse(request), this.#names);
    const runId = (JSON.parse(answer) as { data?: { workflow_run_id?: string } }).data?.workflow_run_id;
    if (runId === undefined) return;
    this.#latest = runId;
    // The next look counts as waiting for the run.
    this.#looks.set(runId, 1);
  }

  #idOf(run: RunLike | undefined): string {
    const runId = typeof run === "string" ? run : (run?.runId ?? this.#latest);
    if (runId === "") throw invalid("no run was started", "/run");
    if (!this.#engine.data().runs.some(({ run_id }) => run_id === runId))
      throw invalid(`there is no run \`${runId}\``, "/run");
    return runId;
  }

  async #decide(approval: string, what: "approve" | "reject", comment: string): Promise<void> {
    const approvals = this.#engine.approvals();
    const found = approvals.find(
      ({ approval_key, step_name }) => approval_key === approval || step_name === approval,
    );
    if (found === undefined) {
      const known = approvals.map(({ approval_key: key }) => `\`${key}\``).join(", ") || "none";
      throw this.#failed(
        `no approval \`${approval}\` is waited for; there are: ${known}`,
        approvals,
        approval,
      );
    }
    await this.#operate(what, found.approval_key, { comment }, `the approval \`${approval}\``);
  }

  async #operate(operation: Operation, subject: string, body: object, what: string): Promise<void> {
    this.#looks.clear();
    const { status, body: text } = this.#engine.operate(operation, subject, plainText(body));
    await this.#engine.settled();
    if (status >= 300) {
      const { message } = JSON.parse(text) as { message?: string };
      throw this.#failed(`${what} was not taken: ${message}`, status, 200);
    }
  }

  #failed(message: string, actual: unknown, expected: unknown): ExpectationError {
    const { entries, runs } = this.#engine.timeline();
    const from = runs[0]?.startedAt ?? this.now;
    const drawing =
      entries.length === 0
        ? ""
        : `\ntimeline, in seconds since ${from.toISOString()}:\n${drawn(entries, from)}`;
    return new ExpectationError(message + drawing, actual, expected);
  }
}
