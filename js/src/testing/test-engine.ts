/** An engine for tests: virtual time, mocks for tools, and what a test wants to know afterwards. */

import { kindOf, type Operation, type RequestKind } from "../engine/asking.js";
import { fetchOf } from "../engine/requests/fetch.js";
import type { DslCompiler } from "../engine/requests/python-dsl.js";
import { checkConfiguration } from "../engine/configuration.js";
import { drawn, openKinds, type SimulatedRun, type TimelineEntry } from "../engine/timeline.js";
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
import { didYouMean } from "../shared/nearest.js";
import type { DurationInput } from "../client/options.js";
import { checkOptions, invalid } from "../shared/options.js";
import { plainText } from "../shared/plain.js";
import type { RunHandle } from "../client/run-handle.js";
import { matches, namesIn, shown, stateOf, type TestState } from "./state.js";

/** What happens without an end is given up after so many outcomes, timers and signals. */
const MOST_STEPS = 100_000;
/** Turns of the event loop in which a submission that is on its way arrives. */
const MOST_TURNS = 1000;
/** Kept, because a test may put a clock of its own in its place. */
const later = globalThis.setTimeout;

/** Settings of a {@link TestEngine}. */
export interface TestEngineOptions extends VirtualOptions {
  /**
   * Whether time moves by itself while a client waits for a run. Without it, time moves only by `advance`, `runUntil` and
   * `runToEnd`. Default: true.
   */
  autoAdvance?: boolean | undefined;
  /** Compiles workflows that are submitted as Python, as for a `LocalEngine`. */
  pythonDsl?: DslCompiler | undefined;
}

/** How a call of a tool is expected to be. */
export interface ExpectedCall {
  /** How often; at least once by default. */
  readonly times?: number | undefined;
  /** Positional arguments of one of the calls. */
  readonly args?: readonly unknown[] | undefined;
  /** Named arguments of one of the calls; those that are not listed may be anything. */
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
}

/** A tool that was called without a mock. */
export interface UnmockedTool {
  /** Its name. */
  readonly tool: string;
  /** The tasks that called it. */
  readonly tasks: readonly string[];
}

/** A run: its id, a handle to it; the latest one that nobody else started by default. */
export type RunLike = string | Pick<RunHandle, "runId">;

/** An expectation of a test that does not hold; the message shows what happened instead. */
export class ExpectationError extends Error {
  /** What was there. */
  readonly actual: unknown;
  /** What was expected. */
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
 * An engine for tests. Its clock is virtual, and mocks stand for all tools: a workflow of days runs in milliseconds. Clients use
 * it like any engine.
 *
 * A tool without a mock completes at once with an empty result, so that a test mocks no more than it is about. `unmocked: "fail"`
 * has such calls fail, `expectMocked()` and `unmocked` tell of them afterwards.
 *
 * While a client waits for a run (`driver.run()`, `handle.result()`), time moves by itself; otherwise it moves by `advance`,
 * `runUntil` and `runToEnd`. A run is taken to be waited for when it is looked at right after it was submitted, or twice
 * while nothing was changed in between: time then moves to its end, or to where all that goes on is waits for an event, an update
 * or a person, so that a test can answer. Looked at once more, these run into their time limits, too.
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
  /** Looks at runs since anything else was done. */
  readonly #looks = new Map<string, number>();
  #latest = "";
  /** The tasks and tools of all definitions that were submitted. */
  readonly #names = new Set<string>();

  /** Answers a request of the Highway REST API, as `LocalEngine.fetch` does, but for event streams. */
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
      // A client that follows a stream would not look at its run, and looks are what lets time pass.
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

  /** Virtual time. */
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
   * Puts a mock in the place of a task, or of a tool; the task's counts first. Several answers are for one call each in a
   * run, the last one for all further ones.
   *
   * @throws {ConfigurationError} `OPTION_INVALID`, also for a slip while a run is under way.
   */
  mock(name: string, answer: MockFunction): this;
  mock(name: string, ...answers: readonly MockAnswer[]): this;
  mock(name: string, ...answers: readonly unknown[]): this {
    if (typeof name !== "string" || name === "") throw invalid("the mock has no name", "/name");
    if (answers.length === 0) throw invalid(`the mock of \`${name}\` has no answer`, "/answers");
    const slip = this.#isUnderWay() ? this.#slip(name) : undefined;
    if (slip !== undefined) throw invalid(`no task and no tool is called \`${name}\``, "/name", slip);
    const [only] = answers;
    // A list that is the only answer is the result, other than in `tools`.
    const mock = answers.length > 1 ? answers : Array.isArray(only) ? { result: only } : only;
    this.#engine.mock(name, mock as Mock);
    return this;
  }

  /** Lets virtual time pass, with everything that happens meanwhile. */
  async advance(duration: DurationInput): Promise<void> {
    this.#looks.clear();
    const until = this.#engine.now + millis(duration, "/duration");
    await this.#go(until, () => false);
    this.#engine.now = until;
  }

  /**
   * Lets time pass until a step has begun, or until a predicate holds.
   *
   * @throws {ExpectationError} when nothing will happen any more and it does not hold.
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
   * Lets time pass until a run is over: the latest one that nobody else started by default.
   *
   * @throws {ExpectationError} when it waits for what never comes.
   */
  async runToEnd(run?: RunLike): Promise<void> {
    await this.#begun();
    const runId = this.#idOf(run);
    await this.#go(Number.POSITIVE_INFINITY, () => this.#engine.ended.has(runId));
    if (!this.#engine.ended.has(runId)) {
      throw this.#failed(`run ${runId} waits, and nothing will happen any more`, "waiting", "over");
    }
  }

  /** Runs and steps as they are. */
  state(): TestState {
    return stateOf(this.#engine.now, this.#engine.timeline().runs);
  }

  /** Everything that took time, or could have, in the order in which it began; of one run where it is given. */
  timeline(run?: RunLike): readonly TimelineEntry[] {
    const { entries } = this.#engine.timeline();
    if (run === undefined) return entries;
    const runId = this.#idOf(run);
    return entries.filter((entry) => entry.runId === runId);
  }

  /** The calls that tools have got, in their order: all, or those of a task or a tool. */
  calls(name?: string): readonly ToolCallRecord[] {
    return this.#engine.calls.filter(
      ({ task, tool }) => name === undefined || task === name || tool === name,
    );
  }

  /**
   * The tools that were called without a mock, with the tasks that called them. Such a call completes at once with an empty result,
   * or fails with `unmocked: "fail"`.
   */
  get unmocked(): readonly UnmockedTool[] {
    return Array.from(this.#engine.withoutMock, ([tool, tasks]) => ({ tool, tasks: [...tasks] }));
  }

  /**
   * Expects that a mock stood for every tool that was called, and that no mock has a name which is a slip.
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

  /** Sends a signal to a run; the same as `handle.signal`. */
  async signal(name: string, payload: unknown = {}, run?: RunLike): Promise<void> {
    const body = { signal_name: name, signal_payload: payload };
    await this.#operate("signal", this.#idOf(run), body, `the signal \`${name}\``);
  }

  /** Approves what waits for a person, by its key or by its task. */
  async approve(approval: string, comment = ""): Promise<void> {
    await this.#decide(approval, "approve", comment);
  }

  /** Rejects what waits for a person, by its key or by its task. */
  async reject(approval: string, comment = ""): Promise<void> {
    await this.#decide(approval, "reject", comment);
  }

  /**
   * Expects a run to have a status.
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
   * Expects a task, or a tool, to have been called.
   *
   * @throws {ExpectationError} with the calls that there were.
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
   * Expects a task, or a tool, never to have been called.
   *
   * @throws {ExpectationError} also for a slip: a name that no submitted definition has, but one much like it.
   */
  expectNotCalled(name: string): void {
    this.#expectNoSlip(name, "no such task");
    const calls = this.calls(name);
    if (calls.length === 0) return;
    throw this.#failed(`\`${name}\` was called ${calls.length} times`, calls, []);
  }

  /** Expects first calls of tasks, or of tools, in this order. @throws {ExpectationError} */
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

  /** Whether a run is under way: then a mock is meant for its tasks. */
  #isUnderWay(): boolean {
    return this.#names.size > 0 && this.#engine.data().runs.some(({ end }) => end === null);
  }

  /** Gives the memory of the engine back. */
  close(): void {
    this.#engine.free();
  }

  /** Waits until a submission that is on its way has arrived, where nothing was submitted so far. */
  async #begun(): Promise<void> {
    this.#looks.clear();
    for (let turns = 0; this.#names.size === 0 && turns < MOST_TURNS; turns += 1)
      await new Promise((resolve) => later(resolve, 1));
  }

  /** What a name may have been meant to be that no submitted definition has; nothing where it is one of them, or near none. */
  #slip(name: string): string | undefined {
    const plain = name.replace(/(\[\d+\])+$/, "");
    return this.#names.has(plain) ? undefined : didYouMean(plain, [...this.#names]);
  }

  #expectNoSlip(name: string, what: string): void {
    const advice = this.#slip(name);
    if (advice !== undefined)
      throw this.#failed(`no task and no tool is called \`${name}\`: ${advice}`, what, name);
  }

  /** Has everything happen that does until a moment, or until it is enough. */
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

  /** A client looks at runs. */
  async #look(request: RequestKind): Promise<void> {
    if (!this.#isAutomatic || (request.kind !== "run" && request.kind !== "runs")) return;
    const key = request.kind === "run" ? request.runId : "";
    const looks = (this.#looks.get(key) ?? 0) + 1;
    this.#looks.set(key, looks);
    if (looks < 2) return;
    const isOver = key === "" ? (): boolean => false : (): boolean => this.#engine.ended.has(key);
    await this.#go(Number.POSITIVE_INFINITY, looks === 2 ? () => isOver() || this.#isHeld() : isOver);
  }

  /** Whether all that goes on is waits for what comes from outside. */
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
    // What is looked at next is waited for.
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
    const { approvals } = this.#engine.read<{ approvals: { approval_key: string; step_name: string }[] }>(
      "approvals",
    );
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
