/** An engine in virtual time, with mocks in place of tools. Simulations and tests run on it. */

import { didYouMean } from "../../workflow/runtime.js";
import type { DurationInput } from "../../client/options.js";
import { invalid } from "../../shared/options.js";
import { isObject, plainText } from "../../shared/plain.js";
import { childPath } from "../../shared/pointer.js";
import type { EngineHandle } from "../../wasm/wasm-api.js";
import { checkConfiguration, closed, type EngineLimits } from "../configuration.js";
import { type Operation, operationAnswer, wholeAnswerOf } from "../asking.js";
import type { Answer, Asked, Effect, OperationAnswer } from "../effects.js";
import {
  type Answering,
  answering,
  defaultAnswer,
  type Mock,
  type MockContext,
  type Mocks,
  millis,
  type Settled,
} from "./mocks.js";
import { PendingUpdates } from "../pending-updates.js";
import { Acts, artifactOf, callOf, variablesOf } from "../tools/run-access.js";
import { full } from "../runtime.js";
import { type Timeline, type TimelineData, type TimelineEntry, timelineOf } from "../timeline.js";
import { ToolError } from "../tools/tool.js";
import { zoneOffset } from "../../shared/zones.js";
import { parseJson } from "../../shared/json.js";

/** Options of an engine in virtual time. */
export interface VirtualOptions {
  /** When virtual time begins: a `Date` or ISO 8601 text; default: the present time. */
  at?: Date | string | undefined;
  /** Mocks by the name of a task or a tool. The mock of the task takes precedence. */
  tools?: Mocks | undefined;
  /**
   * What a tool without a mock does: `succeed` at once, with an empty result in the shape of that tool, or `fail` with
   * `TOOL_NOT_REGISTERED`; default: `succeed`.
   */
  unmocked?: "succeed" | "fail" | undefined;
  /** Number of tools that may run at the same time; default: 64. */
  concurrency?: number | undefined;
  /** Limits, as for a `LocalEngine`. */
  limits?: EngineLimits | undefined;
  /** Values of `{{ENV.NAME}}`; default: none. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Values of `{{secrets.NAME}}` in the arguments of tools; default: none. */
  secrets?: Readonly<Record<string, string>> | undefined;
  /** What a template with an unknown name does, as for a `LocalEngine`. */
  templates?: "strict" | "lenient" | undefined;
}

/** @internal The names of all {@link VirtualOptions}. */
export const VIRTUAL_OPTIONS = [
  "at",
  "tools",
  "unmocked",
  "concurrency",
  "limits",
  "env",
  "secrets",
  "templates",
];

/** A recorded call of a tool. */
export interface ToolCallRecord {
  readonly runId: string;
  readonly workflow: string;
  readonly task: string;
  readonly tool: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Positional arguments, with templates filled in. */
  readonly args: readonly unknown[];
  /** Named arguments, with templates filled in. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** When the call started, in virtual time. */
  readonly at: Date;
}

/** A planned action at a moment of virtual time. */
interface Due {
  readonly at: number;
  /** The tool call whose outcome the action delivers. */
  readonly call?: number;
  readonly act: () => void;
}

/** @internal */
export class VirtualEngine {
  /** Virtual time, in milliseconds since the Unix epoch. */
  now: number;
  /** Number of outcomes, timers and planned actions so far. */
  happened = 0;
  /** All calls of tools, if the constructor was told to keep them. */
  readonly calls: ToolCallRecord[] = [];
  /** Tools without a mock, with the tasks that called them. */
  readonly withoutMock = new Map<string, Set<string>>();
  /** Ids of the runs that have ended. */
  readonly ended = new Set<string>();
  /** Requests that wait for the answer to an update. */
  readonly updates: PendingUpdates = new PendingUpdates();
  readonly #handle: EngineHandle;
  readonly #resultBytes: number;
  readonly #mocks = new Map<string, Answering>();
  /** Names of mocks that no call has used. */
  readonly unused = new Set<string>();
  readonly #fails: boolean;
  readonly #keepsCalls: boolean;
  /** Planned actions, the soonest first. Actions for the same moment are in the order in which they were planned. */
  readonly #due: Due[] = [];
  /** Mock functions that are running. */
  readonly #busy = new Set<Promise<void>>();
  readonly #signals = new Map<number, AbortController>();
  /** Changes that running mock functions make to their runs. */
  readonly #acts = new Map<number, Acts>();
  readonly #releases = new Map<string, ((isOver: boolean) => unknown)[]>();
  /** Number of calls of each mock, by run. */
  readonly #callCounts = new Map<string, Map<string, number>>();
  #runs = 0;
  #freed = false;

  constructor(options: VirtualOptions, { keepsCalls }: { keepsCalls: boolean }) {
    const { at = new Date(), tools = {}, unmocked = "succeed", ...config } = options;
    const { concurrency, limits, env, secrets, templates } = config;
    this.now = momentOf(at, "/at");
    if (!isObject(tools)) throw invalid("`tools` is not an object", "/tools");
    if (unmocked !== "succeed" && unmocked !== "fail") {
      throw invalid("`unmocked` is neither `succeed` nor `fail`", "/unmocked");
    }
    checkConfiguration({ concurrency, limits, env, secrets, templates });
    this.#fails = unmocked === "fail";
    this.#keepsCalls = keepsCalls;
    for (const [name, mock] of Object.entries(tools)) this.mock(name, mock);
    const text = plainText({
      concurrency,
      limits,
      env,
      secrets,
      templates,
      timeline: true,
      isDurable: false,
    });
    this.#handle = full.call((api) => new api.EngineHandle(text, { zoneOffset }));
    this.#resultBytes = this.#handle.limit("resultBytes");
  }

  /** Sets the mock of a task or a tool. */
  mock(name: string, mock: Mock): void {
    const path = childPath("/tools", name);
    this.#mocks.set(name, answering(name, mock, path));
    this.unused.add(name);
  }

  /** Answers a request of the REST API at once. */
  request(asked: Asked): Answer {
    return this.#tell((handle, now) => wholeAnswerOf(handle, asked, this.#newId(), now));
  }

  /** Carries out an operation at once; its subject is a run, an approval or a schedule, if any. */
  operate(operation: Operation, subject = "", body?: string): OperationAnswer {
    return this.#tell((handle, now) =>
      operationAnswer(handle, [operation, subject], body, this.#newId(), now),
    );
  }

  /** The data of the answer to an operation. */
  read<T>(operation: Operation, subject?: string): T {
    return (parseJson(this.operate(operation, subject).body) as { data: T }).data;
  }

  /** The approvals that are pending. */
  approvals(): readonly { approval_key: string; step_name: string }[] {
    return this.read<{ approvals: { approval_key: string; step_name: string }[] }>("approvals").approvals;
  }

  /** Plans an action for a moment of virtual time. */
  plan(at: number, act: () => void): void {
    this.#insert({ at, act });
  }

  /** The time of the next action or timer; `Infinity` if there is none. */
  get next(): number {
    return Math.min(this.#due[0]?.at ?? Number.POSITIVE_INFINITY, this.#wake);
  }

  /** Whether the outcome of a tool is planned. */
  get hasOutcomes(): boolean {
    return this.#due.some(({ call }) => call !== undefined);
  }

  /** Whether mock functions are running. Virtual time does not pass meanwhile. */
  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  /** Waits until no mock function is running. */
  async settled(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }

  /** Carries out the next action or timer, unless it is later than `until`. Returns whether there was one. */
  step(until = Number.POSITIVE_INFINITY): boolean {
    const wake = this.#wake;
    const due = this.#due[0];
    // An outcome at the exact moment of the time limit counts as in time.
    const isDue = due !== undefined && due.at <= wake;
    const at = isDue ? due.at : wake;
    if (at > until || at === Number.POSITIVE_INFINITY) return false;
    this.now = Math.max(this.now, at);
    this.happened += 1;
    if (isDue) {
      this.#due.shift();
      due.act();
    } else {
      this.#tell((handle, now) => handle.tick(now));
    }
    return true;
  }

  /** Everything that happened so far. */
  timeline(): Timeline {
    return timelineOf(this.data());
  }

  /** The timeline as plain data. */
  data(): TimelineData {
    this.checkOpen();
    return parseJson(full.call(() => this.#handle.timeline())) as TimelineData;
  }

  /** Releases the memory of the engine. Repeated calls have no effect. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.updates.close();
    for (const controller of this.#signals.values()) controller.abort(closed());
    for (const runId of [...this.#releases.keys()]) this.#release(runId);
    this.#handle.free();
  }

  /** The largest body of a request, in bytes. */
  get requestBytes(): number {
    this.checkOpen();
    return this.#handle.limit("requestBytes");
  }

  get #wake(): number {
    this.checkOpen();
    return this.#handle.nextWake() ?? Number.POSITIVE_INFINITY;
  }

  /** Sequential ids, so that a simulation always gives the same output. */
  #newId(): string {
    this.#runs += 1;
    return `${this.#runs.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
  }

  /** @throws {ExecutionError} `ENGINE_CLOSED`. */
  checkOpen(): void {
    if (this.#freed) throw closed();
  }

  #tell<T>(tell: (handle: EngineHandle, now: number) => T): T {
    this.checkOpen();
    const [given, effects] = full.call(() => {
      const given = tell(this.#handle, this.now);
      return [given, this.#handle.takeEffects()];
    });
    if (effects !== "[]") for (const effect of parseJson(effects) as Effect[]) this.#perform(effect);
    return given;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "start_tool":
        this.#start(effect);
        break;
      case "abort_tool": {
        const at = this.#due.findIndex(({ call }) => call === effect.call);
        if (at >= 0) this.#due.splice(at, 1);
        this.#signals.get(effect.call)?.abort(new DOMException(effect.reason, "AbortError"));
        this.#signals.delete(effect.call);
        this.#acts.delete(effect.call);
        break;
      }
      case "update_ended":
        this.updates.end(effect.runId, effect.update);
        break;
      case "run_ended":
        this.ended.add(effect.runId);
        this.#callCounts.delete(effect.runId);
        this.#release(effect.runId);
        break;
    }
  }

  #start(effect: Effect & { type: "start_tool" }): void {
    const { call, runId, workflow, task, tool, attempt, args, kwargs } = effect;
    if (this.#keepsCalls) {
      this.calls.push({ runId, workflow, task, tool, attempt, args, kwargs, at: new Date(this.now) });
    }
    const answer = this.#answer(effect);
    if (!(answer instanceof Promise)) {
      this.#finishLater(call, answer);
      return;
    }
    const work = answer.then((settled) => {
      this.#busy.delete(work);
      // Calls that were aborted meanwhile are ignored.
      if (!this.#freed && this.#signals.has(call)) this.#finishLater(call, settled);
    });
    this.#busy.add(work);
  }

  #answer(effect: Effect & { type: "start_tool" }): Settled | Promise<Settled> {
    const { runId, task, tool, args, kwargs } = effect;
    const name = this.#mocks.has(task) ? task : tool;
    const mock = this.#mocks.get(name) ?? this.#withoutMock(task, tool);
    this.unused.delete(name);
    const counts = this.#callCounts.get(runId) ?? new Map<string, number>();
    const number = counts.get(name) ?? 0;
    this.#callCounts.set(runId, counts.set(name, number + 1));
    return mock(number, { args, kwargs }, () => this.#context(effect));
  }

  #withoutMock(task: string, tool: string): Answering {
    const tasks = this.withoutMock.get(tool) ?? new Set();
    this.withoutMock.set(tool, tasks.add(task));
    return answering(tool, this.#fails ? notMocked(task, tool, this.unused) : defaultAnswer(tool), "");
  }

  #context(effect: Effect & { type: "start_tool" }): MockContext {
    const { call, runId } = effect;
    const controller = new AbortController();
    this.#signals.set(call, controller);
    const acts = new Acts();
    this.#acts.set(call, acts);
    const onRunEnd = (release: (isOver: boolean) => unknown): void => {
      this.#releases.set(runId, [...(this.#releases.get(runId) ?? []), release]);
    };
    const given = callOf(effect, controller, acts, {
      maxResultBytes: this.#resultBytes,
      report: (tell) => this.#report(call, tell),
      output: (text, stream = "stdout") =>
        this.#report(call, (handle, now) => handle.wrote(call, stream, String(text), now)),
      artifact: (id) => artifactOf(this.#handle, id),
      variables: () => variablesOf(this.#handle, call),
      onRunEnd,
    });
    return Object.assign(given, { now: new Date(this.now) });
  }

  /** Calls the engine for a running mock function. Does nothing once the attempt has ended. */
  #report(call: number, tell: (handle: EngineHandle, now: number) => void): void {
    if (!this.#freed && this.#signals.has(call)) this.#tell(tell);
  }

  #finishLater(call: number, { outcome, delay }: Settled): void {
    // A call that never answers is aborted by its time limit.
    if (delay === Number.POSITIVE_INFINITY) return;
    const acts = (outcome.startsWith('"result"') && this.#acts.get(call)?.text) || "";
    this.#acts.delete(call);
    const act = (): void => {
      this.#signals.delete(call);
      this.#tell((handle, now) => {
        handle.toolsFinished(`[[${call},${outcome}${acts}]]`, now);
      });
    };
    this.#insert({ at: this.now + delay, call, act });
  }

  #insert(due: Due): void {
    let at = this.#due.length;
    while (at > 0 && (this.#due[at - 1] as Due).at > due.at) at -= 1;
    this.#due.splice(at, 0, due);
  }

  #release(runId: string): void {
    const releases = this.#releases.get(runId) ?? [];
    this.#releases.delete(runId);
    for (const release of releases) {
      void (async () => release(this.ended.has(runId)))().catch((error: unknown) => {
        console.error(`highway-wasm: what run ${runId} kept could not be released:`, error);
      });
    }
  }
}

/** @internal Advice on an unused mock: the task or tool with the nearest name. */
export function askedInstead(mock: string, entries: readonly TimelineEntry[]): string | undefined {
  const names = entries.flatMap(({ task, tool }) => [task, tool]);
  return didYouMean(
    mock,
    names.filter((name): name is string => typeof name === "string" && name !== mock),
  );
}

function notMocked(task: string, tool: string, unused: Iterable<string>): ToolError {
  const near = [...unused].find((name) => didYouMean(name, [task, tool]) !== undefined);
  return new ToolError(`neither the task \`${task}\` nor its tool \`${tool}\` has a mock`, {
    code: "TOOL_NOT_REGISTERED",
    help:
      near !== undefined
        ? `there is a mock \`${near}\` that no task called`
        : `give one as \`tools: { "${task}": … }\` or \`tools: { "${tool}": … }\`, or leave \`unmocked\` out`,
  });
}

/** @internal A moment in milliseconds since the Unix epoch. */
export function momentOf(moment: unknown, path: string): number {
  const at =
    moment instanceof Date ? moment.getTime() : typeof moment === "string" ? Date.parse(moment) : Number.NaN;
  if (at >= 0) return at;
  throw invalid(
    `\`${String(moment)}\` is not a moment`,
    path,
    'give a `Date`, or text such as "2030-01-31T12:00:00Z"',
  );
}

/** @internal A moment of virtual time, given as a moment or as the time after `start`. */
export function momentAfter(start: number, moment: Date | DurationInput, path: string): number {
  if (moment instanceof Date) return momentOf(moment, path);
  if (typeof moment === "string" && !/^[+-]?P/i.test(moment)) return momentOf(moment, path);
  return start + millis(moment, path);
}
