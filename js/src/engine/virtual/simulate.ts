/** Simulations: a workflow from beginning to end in virtual time. */

import { type Diagnostic, type ExecutionError, makeError } from "../../shared/errors.js";
import type { DurationInput } from "../../client/options.js";
import { checkCount, checkOptions, invalid } from "../../shared/options.js";
import { isObject, type Json, plain, plainText } from "../../shared/plain.js";
import { builtToRun } from "../../driver/run-timeout.js";
import { millis } from "./mocks.js";
import { full } from "../runtime.js";
import type { SimulatedRun, SimulatedStep, Timeline, TimelineData, TimelineEntry } from "../timeline.js";
import { Breaks } from "../../shared/turns.js";
import { taskOf, type TimelineKind, timelineOf } from "../timeline.js";
import { zoneOffset } from "../../shared/zones.js";
import {
  askedInstead,
  momentAfter,
  VIRTUAL_OPTIONS,
  VirtualEngine,
  type VirtualOptions,
} from "./virtual-engine.js";
import { bigJson } from "../../shared/json.js";
import { didYouMean } from "../../workflow/runtime.js";

/** Default of `maxTime` in seconds: a year. */
const LONGEST = 365 * 86_400;
/** Default of `maxSteps`. */
const MOST_STEPS = 100_000;

/** A workflow to simulate: a `Workflow`, a `WorkflowBuilder`, a `Driver`, or a definition as plain data. */
export type Simulatable = object;

/** A signal that a simulation sends. */
export interface SimulatedSignal {
  /** Name of the signal: that of the event which a step waits for. */
  readonly name: string;
  /** Data of the signal. */
  readonly payload?: unknown;
  /**
   * When to send it: a moment, or the time since the beginning; default: at once. All runs that are active then receive
   * it.
   */
  readonly at?: Date | DurationInput | undefined;
}

/** The decision of a person about an approval. */
export type SimulatedDecision =
  | boolean
  | {
      readonly approved: boolean;
      /** Time from the request to the decision; default: none. */
      readonly after?: DurationInput | undefined;
      readonly comment?: string | undefined;
      readonly approver?: string | undefined;
    };

/** Options of {@link simulate}. */
export interface SimulateOptions extends VirtualOptions {
  /** Inputs of the run. */
  inputs?: Readonly<Record<string, unknown>> | undefined;
  /** Time limit of a run; default: that of the definition, for a `Driver` that of its `run`. */
  timeout?: DurationInput | undefined;
  /** Signals to send. */
  signals?: readonly SimulatedSignal[] | undefined;
  /** Decisions by the key of the approval or the id of its task. Other approvals wait for their time limit. */
  approvals?: Readonly<Record<string, SimulatedDecision>> | undefined;
  /** Definitions of the workflows that it starts. */
  workflows?: readonly Simulatable[] | undefined;
  /**
   * Simulates the definition's schedule for this time, in place of a single run. Runs that have started by then
   * continue to their end.
   */
  for?: DurationInput | undefined;
  /**
   * Virtual time after which the simulation is aborted, counted from the end of `for` if it is given; default: 365
   * days.
   */
  maxTime?: DurationInput | undefined;
  /** Number of tool outcomes, timers and signals after which the simulation is aborted; default: 100,000. */
  maxSteps?: number | undefined;
}

/** A warning about a simulation or its definition. */
export interface SimulationWarning {
  /**
   * `TOOL_NOT_MOCKED`, `MOCK_NOT_ASKED`, `SIGNAL_NOT_TAKEN`, `DECISION_NOT_ASKED`, `STEP_NOT_REACHED`,
   * `EVENT_NOT_EMITTED`, `APPROVAL_UNDECIDED`, or the code of a finding of `validate()`.
   */
  readonly code: string;
  readonly severity: "error" | "warning" | "info";
  /** What happened, in one sentence. */
  readonly message: string;
  /** The task that the warning is about, if it is about one. */
  readonly task?: string | undefined;
  /** JSON pointer into the definition, for findings. */
  readonly path?: string | undefined;
  /** What to do about the warning. */
  readonly help?: string | undefined;
}

/** The outcome of a simulation. */
export interface Simulation {
  /**
   * `completed`, `failed`, `cancelled`, `timed_out`, or `stuck`. With several runs, `completed` only if all completed.
   */
  readonly status: SimulatedRun["status"];
  /** The result of the run; of the last one if there are several. */
  readonly result: unknown;
  /** Why the run did not complete; with several runs, the first error. */
  readonly error: ExecutionError | null;
  /** The steps of the run by name; of the last run if there are several. */
  readonly steps: Readonly<Record<string, SimulatedStep>>;
  /** All runs in the order of their start, including those that other runs started. */
  readonly runs: readonly SimulatedRun[];
  /** Attempts, decisions and waits of all runs, in the order of their start. */
  readonly timeline: readonly TimelineEntry[];
  /** Findings about the definition, and warnings of the simulation. */
  readonly warnings: readonly SimulationWarning[];
  /** The chain of work and waits that determined when the run ended; with several runs, of the longest one. */
  readonly criticalPath: readonly TimelineEntry[];
  /** When virtual time began. */
  readonly startedAt: Date;
  /** When the last run ended, in virtual time. */
  readonly endedAt: Date;
  /** Seconds of virtual time from `startedAt` to `endedAt`. */
  readonly durationSeconds: number;
}

/**
 * Runs a workflow from beginning to end in virtual time: days of waits, retries and time limits pass in milliseconds.
 * Mocks replace all tools. A tool without a mock succeeds at once and is listed in `warnings`.
 *
 * A run that fails is a normal result. A run that waits for something that never happens ends as `stuck`.
 *
 * @throws {ValidationError} for a definition that cannot run; `diagnostics` has all findings.
 * @throws {TaskDefinitionError} for a `Driver` that its own `run` would refuse.
 * @throws {ConfigurationError} `OPTION_INVALID`.
 * @throws {ExecutionError} `RUN_TIMED_OUT` if it has not ended after `maxTime` or `maxSteps`.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { simulate } from "highway-wasm/engine";
 *
 * const driver = new Driver();
 * driver.http("charge", { url: "https://pay.example" }, { retries: 2, retryDelay: 60 });
 * driver.shell("ship", "ship {{charge_result.id}}", { depends: "charge", delay: "P3D" });
 *
 * const { status, criticalPath, durationSeconds } = await simulate(driver, {
 *   tools: { charge: [new Error("busy"), { result: { id: 7 }, delay: 2 }], ship: { stdout: "shipped" } },
 *   timeout: "P7D",
 * });
 * console.log(status, durationSeconds); // completed 259262
 * console.log(criticalPath.map(({ kind, step }) => `${kind} ${step}`).join(", "));
 * // attempt charge, retry charge, attempt charge, sleep ship_wait, attempt ship
 * ```
 */
export async function simulate(definition: Simulatable, options: SimulateOptions = {}): Promise<Simulation> {
  const simulation = new Running(definition, options);
  try {
    return await simulation.run();
  } finally {
    simulation.free();
  }
}

const OPTIONS = [
  ...VIRTUAL_OPTIONS,
  ...["inputs", "timeout", "signals", "approvals", "workflows", "for", "maxTime", "maxSteps"],
];

/** A running simulation. */
class Running {
  /** Lets the event loop take turns during a long simulation. */
  readonly #breaks = new Breaks();
  readonly #engine: VirtualEngine;
  readonly #document: Record<string, Json>;
  readonly #options: SimulateOptions;
  readonly #start: number;
  /** How long to simulate the schedule, in milliseconds; undefined for a single run. */
  readonly #window: number | undefined;
  readonly #maxSteps: number;
  readonly #maxTime: number;
  readonly #asked = new Set<string>();
  /** Names of the signals that a run received. */
  readonly #sent = new Set<string>();
  /** Keys of the decisions that no approval has used yet. */
  readonly #undecided = new Set<string>();

  constructor(definition: Simulatable, options: SimulateOptions) {
    checkOptions(options, OPTIONS, "simulate");
    const { inputs, for: window, maxTime = LONGEST, maxSteps = MOST_STEPS, ...rest } = options;
    const { timeout, signals = [], approvals = {}, workflows = [], ...virtual } = rest;
    if (inputs !== undefined && !isObject(inputs)) throw invalid("`inputs` is not an object", "/inputs");
    if (!Array.isArray(signals)) throw invalid("`signals` is not a list", "/signals");
    if (!isObject(approvals)) throw invalid("`approvals` is not an object", "/approvals");
    if (!Array.isArray(workflows)) throw invalid("`workflows` is not a list", "/workflows");
    checkCount(maxSteps, "/maxSteps");
    const limit = timeout === undefined ? {} : { timeout_seconds: millis(timeout, "/timeout") / 1000 };
    this.#document = { ...documentOf(definition, ""), ...limit };
    this.#options = options;
    this.#maxSteps = maxSteps;
    this.#maxTime = millis(maxTime, "/maxTime");
    this.#window = window === undefined ? undefined : millis(window, "/for");
    if (this.#window !== undefined && !this.#document["schedule"]) {
      throw invalid("`for` was given, but the definition has no schedule", "/for");
    }
    this.#engine = new VirtualEngine(virtual, { keepsCalls: false });
    this.#start = this.#engine.now;
    try {
      for (const [at, workflow] of workflows.entries())
        this.#register(documentOf(workflow, `/workflows/${at}`));
      for (const [at, signal] of signals.entries()) this.#plan(signal, `/signals/${at}`);
      for (const [key, decision] of Object.entries(approvals)) {
        checkDecision(decision, `/approvals/${key}`);
        this.#undecided.add(key);
      }
    } catch (error) {
      this.free();
      throw error;
    }
  }

  free(): void {
    this.#engine.free();
  }

  async run(): Promise<Simulation> {
    const { inputs = {} } = this.#options;
    const variables = { ...(this.#document["variables"] as Record<string, Json> | null), ...inputs };
    const given = plain(variables, "/inputs");
    if (this.#window === undefined) {
      // With its schedule, the definition would start for ever.
      const id = this.#submit({ workflow_definition: without(this.#document, "schedule"), inputs: given });
      await this.#go(Number.POSITIVE_INFINITY, () => this.#engine.ended.has(id));
    } else {
      this.#submit({ workflow_definition: { ...this.#document, variables: given }, execute: false });
      await this.#go(this.#start + this.#window);
      this.#engine.now = this.#start + this.#window;
    }
    // Runs that have started continue, but no new ones start.
    const { schedules } = this.#engine.read<{ schedules: { schedule_id: string }[] }>("schedules");
    for (const { schedule_id: id } of schedules) this.#engine.operate("delete_schedule", id);
    await this.#go(Number.POSITIVE_INFINITY);
    const data = this.#engine.data();
    return this.#told(data, timelineOf(data));
  }

  /** Advances virtual time until a moment, or until `isEnough`. */
  async #go(until: number, isEnough = (): boolean => false): Promise<void> {
    const engine = this.#engine;
    const isAnswered = Object.keys(this.#options.approvals ?? {}).length > 0;
    const end = this.#start + (this.#window ?? 0) + this.#maxTime;
    for (;;) {
      if (engine.isBusy) await engine.settled();
      if (isAnswered) this.#decide();
      if (isEnough()) return;
      const { next } = engine;
      if (next > until || next === Number.POSITIVE_INFINITY) return;
      if (next > end) throw this.#givenUp(`${this.#maxTime / 1000} s of virtual time`, "maxTime");
      if (engine.happened >= this.#maxSteps) throw this.#givenUp(`${this.#maxSteps} steps`, "maxSteps");
      engine.step(until);
      await this.#breaks.turn();
    }
  }

  #givenUp(what: string, option: string): Error {
    const under = this.#engine.timeline().entries.filter(({ end }) => end === null);
    const steps = [...new Set(under.map(({ step, kind }) => `\`${step}\` (${kind})`))];
    const now = new Date(this.#engine.now).toISOString();
    return makeError("ExecutionError", {
      code: "RUN_TIMED_OUT",
      message: `the simulation was not over after ${what}, at ${now}; under way: ${steps.join(", ") || "nothing"}`,
      help: `it may never end; if it does, give a larger \`${option}\``,
      details: { now, underWay: steps },
    });
  }

  /** Submits a definition. Returns the id of the run, if one was started. */
  #submit(body: Record<string, unknown>): string {
    const text = plainText(body);
    const answer = this.#engine.operate("submit", "", text);
    if (answer.status < 300) {
      return (JSON.parse(answer.body) as { data: { workflow_run_id?: string } }).data.workflow_run_id ?? "";
    }
    const { message, code, details } = JSON.parse(answer.body) as {
      message: string;
      code: string;
      details?: Diagnostic[];
    };
    const [first] = details ?? [];
    throw makeError("ValidationError", {
      code,
      message,
      diagnostics: details,
      help: first?.help,
      path: first?.path,
    });
  }

  #register(document: Record<string, Json>): void {
    this.#submit({ workflow_definition: without(document, "schedule"), execute: false });
  }

  #plan(signal: SimulatedSignal, path: string): void {
    checkOptions(signal, ["name", "payload", "at"], "a signal", path);
    const { name, payload = {}, at = 0 } = signal;
    if (typeof name !== "string" || name === "") throw invalid("a signal has no `name`", `${path}/name`);
    const body = { signal_name: name, signal_payload: plain(payload, `${path}/payload`) };
    this.#engine.plan(momentAfter(this.#start, at, `${path}/at`), () => {
      for (const { run_id: id, end } of this.#engine.data().runs) {
        if (end !== null) continue;
        this.#engine.operate("signal", id, plainText(body));
        this.#sent.add(name);
      }
    });
  }

  /** Plans the decisions about approvals that are pending now. */
  #decide(): void {
    for (const { approval_key: key, step_name: step } of this.#engine.approvals()) {
      if (this.#asked.has(key)) continue;
      this.#asked.add(key);
      const decisions = this.#options.approvals ?? {};
      const name = [key, step, taskOf(step)].find((name) => Object.hasOwn(decisions, name));
      const decision = name === undefined ? undefined : decisions[name];
      if (name === undefined || decision === undefined) continue;
      this.#undecided.delete(name);
      const {
        approved,
        after,
        comment = "",
        approver = "",
      } = typeof decision === "boolean" ? { approved: decision, after: undefined } : decision;
      const what = approved ? "approve" : "reject";
      this.#engine.plan(this.#engine.now + millis(after, "/approvals"), () => {
        this.#asked.delete(key);
        this.#engine.operate(what, key, JSON.stringify({ comment, approver }));
      });
    }
  }

  #told(data: TimelineData, { entries, runs: all }: Timeline): Simulation {
    const runs = all.map((run) =>
      run.endedAt === null ? { ...run, status: "stuck" as const, error: stuck(run, entries) } : run,
    );
    const own = runs.filter(({ parentRunId }) => parentRunId === null);
    const last = own.at(-1);
    const failed = own.find(({ status }) => status !== "completed");
    const longest = own.reduce<SimulatedRun | undefined>(
      (longest, run) => ((run.durationSeconds ?? 0) > (longest?.durationSeconds ?? -1) ? run : longest),
      undefined,
    );
    const ends = runs.map(({ endedAt }) => endedAt?.getTime() ?? this.#engine.now);
    const end = ends.reduce((latest, at) => Math.max(latest, at), this.#start);
    return {
      status: (failed ?? last)?.status ?? "completed",
      result: last?.result ?? null,
      error: failed?.error ?? null,
      steps: last?.steps ?? {},
      runs,
      timeline: entries,
      warnings: [...this.#findings(), ...this.#seen(data, entries)],
      criticalPath: longest?.criticalPath ?? [],
      startedAt: new Date(this.#start),
      endedAt: new Date(end),
      durationSeconds: (end - this.#start) / 1000,
    };
  }

  #findings(): SimulationWarning[] {
    const text = bigJson(this.#document);
    const found = full.call((api) => api.workflowValidate(text, "data", this.#start, { zoneOffset }));
    return found.filter(({ severity }) => severity !== "info");
  }

  /** Names of signals that no run has used: the run had ended, has not used them, or never started. */
  #untaken(runs: TimelineData["runs"], awaited: readonly string[]): string[] {
    const given = new Set((this.#options.signals ?? []).map(({ name }) => name));
    for (const name of awaited) given.delete(name);
    return [...given].filter((name) => !this.#sent.has(name) || this.#isKept(runs, name));
  }

  /** Whether a run has an unused signal of that name. */
  #isKept(runs: TimelineData["runs"], name: string): boolean {
    return runs.some(({ run_id: id }) =>
      this.#engine
        .read<{ signals: { signal_name: string }[] }>("signals", id)
        .signals.some(({ signal_name: kept }) => kept === name),
    );
  }

  #seen({ runs }: TimelineData, entries: readonly TimelineEntry[]): SimulationWarning[] {
    const warnings: SimulationWarning[] = [];
    const add = (code: string, message: string, more: Partial<SimulationWarning> = {}): void => {
      warnings.push({ code, severity: "warning", message, ...more });
    };
    for (const [tool, tasks] of this.#engine.withoutMock) {
      for (const task of tasks) {
        const how = this.#options.unmocked === "fail" ? "it failed" : "it completed at once";
        add("TOOL_NOT_MOCKED", `\`${task}\` has no mock for its tool \`${tool}\`: ${how}`, {
          task,
          help: `give its result as \`tools: { "${task}": … }\``,
        });
      }
    }
    const unreached = new Map<string, Set<string>>();
    for (const { workflow_name: workflow, unreached: ids } of runs) {
      const known = unreached.get(workflow);
      unreached.set(workflow, new Set(known ? ids.filter((id) => known.has(id)) : ids));
    }
    const left = new Set([...unreached.values()].flatMap((ids) => [...ids]));
    for (const task of left) add("STEP_NOT_REACHED", `\`${task}\` did not run`, { severity: "info", task });
    for (const name of this.#engine.unused) {
      if (left.has(name)) continue;
      const help = "give it the name of a task or of its tool; tools of the engine itself are not mocked";
      add("MOCK_NOT_ASKED", `no task called the mock \`${name}\``, {
        help: askedInstead(name, entries) ?? help,
      });
    }
    const events = namesOf(entries, "event", ({ waitsFor }) => [waitsFor]);
    for (const name of this.#untaken(runs, events)) {
      add("SIGNAL_NOT_TAKEN", `no task took the signal \`${name}\``, {
        help: didYouMean(name, events) ?? "give it the name of the event that a task waits for",
      });
    }
    const approvals = namesOf(entries, "approval", ({ waitsFor, task }) => [waitsFor, task]);
    for (const name of this.#undecided) {
      add("DECISION_NOT_ASKED", `no task asked for the decision about \`${name}\``, {
        help: didYouMean(name, approvals) ?? "give it the key of an approval, or the id of its task",
      });
    }
    const told = new Set<string>();
    for (const { kind, task, waitsFor, outcome } of entries) {
      const isUnanswered = (kind === "event" || kind === "approval") && outcome !== "completed";
      if (!isUnanswered || task === null || told.has(`${task} ${waitsFor}`)) continue;
      told.add(`${task} ${waitsFor}`);
      if (kind === "event") {
        add("EVENT_NOT_EMITTED", `\`${task}\` waited for the event \`${waitsFor}\`, which did not come`, {
          task,
          help: `give it as \`signals: [{ name: "${waitsFor}", at: … }]\``,
        });
      } else {
        add("APPROVAL_UNDECIDED", `no decision was given about the approval \`${waitsFor}\` of \`${task}\``, {
          task,
          help: `give a decision as \`approvals: { "${task}": true }\``,
        });
      }
    }
    return warnings;
  }
}

/** The names that entries of a kind wait for, each once. */
function namesOf(
  entries: readonly TimelineEntry[],
  kind: TimelineKind,
  names: (entry: TimelineEntry) => readonly (string | null)[],
): string[] {
  const all = entries.filter((entry) => entry.kind === kind).flatMap(names);
  return [...new Set(all.filter((name) => name !== null))];
}

/** The error of a run that cannot continue. */
function stuck(run: SimulatedRun, entries: readonly TimelineEntry[]): ExecutionError {
  const open = entries.filter(({ runId, end }) => runId === run.runId && end === null);
  const waits = open.map(({ step, kind, waitsFor }) =>
    waitsFor === null ? `\`${step}\` (${kind})` : `\`${step}\` for the ${kind} \`${waitsFor}\``,
  );
  return makeError("ExecutionError", {
    code: "RUN_FAILED",
    message: `the run waits, and nothing will happen any more: ${waits.join(", ")}`,
    help: "answer it with `signals`, `approvals` or a mock, or give the wait a time limit",
    details: { runId: run.runId },
  });
}

/** The definition of a simulatable object. */
function documentOf(definition: unknown, path: string): Record<string, Json> {
  const source = Object(definition ?? {}) as Parameters<typeof builtToRun>[0];
  const built: unknown = typeof source.build === "function" ? builtToRun(source) : definition;
  const document = plain(built, path);
  if (isObject(document) && "tasks" in document) return document as Record<string, Json>;
  throw invalid(
    "the first argument is not a workflow",
    path,
    "give a `Workflow`, a `WorkflowBuilder`, a `Driver`, or a definition as plain data",
  );
}

function without(document: Record<string, Json>, key: string): Record<string, Json> {
  const { [key]: _, ...rest } = document;
  return rest;
}

function checkDecision(decision: SimulatedDecision, path: string): void {
  if (typeof decision === "boolean") return;
  checkOptions(decision, ["approved", "after", "comment", "approver"], "a decision", path);
  if (typeof decision.approved !== "boolean")
    throw invalid("a decision has no `approved`", `${path}/approved`);
  millis(decision.after, `${path}/after`);
}
