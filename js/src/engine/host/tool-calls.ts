/** The tools of an engine, their pending calls, and the resources that they keep for runs. */

import type { EngineHandle } from "../../wasm/wasm-api.js";
import type { StartTool } from "../effects.js";
import { EACH } from "../../shared/json-size.js";
import { textInSteps } from "./result-text.js";
import { Acts, callOf } from "../tools/run-access.js";
import { Breaks, inTurns, nextTurn } from "../../shared/turns.js";
import {
  failureText,
  isOwnTool,
  type Tool,
  type ToolCall,
  ToolError,
  type Tools,
  tooLarge,
} from "../tools/tool.js";

/** What calls need from their engine. */
interface ToolHost {
  /** Calls the engine with the outcome of calls. */
  tell(tell: (handle: EngineHandle, now: number) => void): void;
  /** Makes a task wait while nothing may change in the engine. Returns whether it waits. */
  holds(task: () => void): boolean;
  artifact(id: string): Uint8Array;
  limit(name: "resultBytes"): number;
  /** The variables that a call can read. */
  variables(call: number): Record<string, unknown>;
  /** Removes the engine's secrets from a text. */
  strike(text: string): string;
}

/** Output of a call that the engine has not got yet. */
interface Unread {
  stdout: string;
  stderr: string;
}

/** The outcome of a call. */
interface Outcome {
  readonly call: number;
  /** `[call, "result" | "failure", value]` in JSON. */
  readonly text: string;
}

/** Characters of outcomes to pass to the engine at once. */
const LONG_TEXT = 1 << 20;

type Release = (isOver: boolean) => void | Promise<void>;

/** Runs the tools of an engine. */
export class ToolCalls {
  readonly #tools: Map<string, Tool>;
  readonly #engine: ToolHost;
  readonly #calls = new Map<number, AbortController>();
  readonly #releases = new Map<string, Release[]>();
  /** Runs that have called a tool and have not ended. */
  readonly #active = new Set<string>();
  /** Number of pending calls and releases. */
  #busy = 0;
  /** Resolves the waits for that number to become 0. */
  #waiting: (() => void)[] = [];
  /** Outcomes that the engine has not got yet. */
  #outcomes: Outcome[] = [];
  readonly #breaks = new Breaks();
  readonly #unread = new Map<number, Unread>();
  #closed = false;

  constructor(tools: Tools, engine: ToolHost) {
    this.#tools = new Map(Object.entries(tools));
    this.#engine = engine;
  }

  /** Names of all tools. */
  get names(): string[] {
    return [...this.#tools.keys()];
  }

  /** Names of this package's own tools, whose arguments the engine checks. */
  get ownNames(): string[] {
    return this.names.filter((name) => this.isOwn(name));
  }

  isOwn(name: string): boolean {
    const tool = this.#tools.get(name);
    return tool !== undefined && isOwnTool(name, tool);
  }

  /** Adds a tool, or replaces the one of that name. */
  add(name: string, tool: Tool): void {
    this.#tools.set(name, tool);
  }

  /** Whether a tool runs. */
  get isBusy(): boolean {
    return this.#calls.size > 0;
  }

  /** Whether no call and no release is pending. */
  get isIdle(): boolean {
    return this.#busy === 0;
  }

  start(call: StartTool): void {
    this.#active.add(call.runId);
    void this.#run(call);
  }

  /** Aborts a call, whose outcome is then ignored. */
  abort(call: number, reason: string): void {
    this.#calls.get(call)?.abort(new DOMException(reason, "AbortError"));
  }

  abortAll(reason: unknown): void {
    for (const controller of this.#calls.values()) controller.abort(reason);
  }

  /**
   * Passes the output of calls to the engine. The engine asks for it before every change, so that output is passed only
   * when it is needed.
   */
  tellOutput(handle: EngineHandle, now: number): void {
    for (const [call, unread] of this.#unread) {
      for (const stream of ["stdout", "stderr"] as const) {
        if (unread[stream] !== "") handle.wrote(call, stream, unread[stream], now);
      }
    }
    this.#unread.clear();
  }

  /** Releases what tools keep for a run. */
  runEnded(runId: string): void {
    this.#active.delete(runId);
    this.#release(runId, true);
  }

  /** Aborts all calls. The engine gets nothing more. */
  close(reason: unknown): void {
    this.#closed = true;
    this.abortAll(reason);
    for (const runId of [...this.#releases.keys()]) this.#release(runId, false);
  }

  /** Waits until no call and no release is pending. */
  async idle(): Promise<void> {
    if (this.#busy > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #run(start: StartTool): Promise<void> {
    this.#busy += 1;
    const controller = new AbortController();
    this.#calls.set(start.call, controller);
    let outcome: string;
    try {
      // Outcomes are passed to the engine in a separate task, never inside the call that started the tool. Many tools
      // may start at once, and some take long to start, such as processes.
      await this.#breaks.turn();
      controller.signal.throwIfAborted();
      const tool = this.#tools.get(start.tool);
      if (tool === undefined) throw notRegistered(start.tool);
      const acts = new Acts();
      const most = this.#engine.limit("resultBytes");
      const call = this.#callOf(start, controller, acts, most);
      const given = await tool(call, call);
      // Many tools may end at once, each with a large result.
      await this.#breaks.turn();
      const result = await inTurns(textInSteps(given ?? null, most / EACH, () => tooLarge(most)));
      // The core counts exactly. A result that is certainly too large is not passed to it.
      if (Math.max(result.length, acts.text.length) > most) throw tooLarge(most);
      outcome = `"result",${result}${acts.text}`;
      this.#unread.delete(start.call);
    } catch (error) {
      outcome = `"failure",${failureText(error)}`;
    }
    this.#calls.delete(start.call);
    if (this.#closed) return this.#ended(1);
    // Outcomes of tools that end together are passed together: one crossing, and one entry of the journal.
    if (this.#outcomes.length === 0) this.#breaks.soon(() => this.#tellOutcomes());
    this.#outcomes.push({ call: start.call, text: `[${start.call},${outcome}]` });
  }

  /** Passes to the engine as many outcomes as make a text of the right length. The others follow in the next turn. */
  #tellOutcomes(): void {
    if (this.#engine.holds(() => this.#tellOutcomes())) return;
    let [length, count] = [0, 0];
    while (count < this.#outcomes.length && length < LONG_TEXT) {
      length += this.#outcomes[count]?.text.length ?? 0;
      count += 1;
    }
    const batch = this.#outcomes.splice(0, count);
    if (this.#outcomes.length > 0) nextTurn(() => this.#tellOutcomes());
    try {
      if (!this.#closed) this.#tellAll(batch);
    } finally {
      // Waits end only now, because the outcomes may have started more calls.
      this.#ended(batch.length);
    }
  }

  #tellAll(batch: Outcome[]): void {
    try {
      this.#tell(batch.map(({ text }) => text));
    } catch {
      // The core cannot read one of the outcomes, and has taken none.
      for (const outcome of batch) this.#tellOne(outcome);
    }
  }

  #tellOne({ call, text }: Outcome): void {
    try {
      this.#tell([text]);
    } catch (error) {
      this.#tell([`[${call},"failure",${failureText(error)}]`]);
    }
  }

  #tell(outcomes: string[]): void {
    const text = `[${outcomes.join()}]`;
    this.#engine.tell((handle, now) => handle.toolsFinished(text, now));
  }

  #callOf(start: StartTool, controller: AbortController, acts: Acts, maxResultBytes: number): ToolCall {
    const { call, runId } = start;
    // The engine ignores reports of a call that has ended. This check saves the crossing.
    const isOver = (): boolean => this.#closed || controller.signal.aborted || !this.#calls.has(call);
    return callOf(start, controller, acts, {
      maxResultBytes,
      report: (tell) => {
        if (!isOver()) this.#engine.tell(tell);
      },
      output: (text, stream = "stdout") => {
        if (isOver()) return;
        const unread = this.#unread.get(call) ?? { stdout: "", stderr: "" };
        unread[stream === "stderr" ? "stderr" : "stdout"] += String(text);
        this.#unread.set(call, unread);
        if (unread.stdout.length + unread.stderr.length > LONG_TEXT) this.#engine.tell(() => {});
      },
      artifact: (id) => this.#engine.artifact(id),
      variables: () => this.#engine.variables(call),
      strike: (text) => this.#engine.strike(text),
      onRunEnd: (release: Release): void => {
        const releases = this.#releases.get(runId);
        if (releases) releases.push(release);
        else this.#releases.set(runId, [release]);
        // The run may have ended before the tool registered the function.
        const isOver = !this.#active.has(runId);
        if (this.#closed || isOver) this.#release(runId, isOver);
      },
    });
  }

  #release(runId: string, isOver: boolean): void {
    const releases = this.#releases.get(runId) ?? [];
    this.#releases.delete(runId);
    for (const release of releases) void this.#releaseOne(runId, release, isOver);
  }

  async #releaseOne(runId: string, release: Release, isOver: boolean): Promise<void> {
    this.#busy += 1;
    try {
      await release(isOver);
    } catch (error) {
      console.error(`highway-wasm: what run ${runId} kept could not be released:`, error);
    }
    this.#ended(1);
  }

  /** Counts calls and releases that have ended. */
  #ended(count: number): void {
    this.#busy -= count;
    if (this.#busy > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Submissions are checked. This error is for runs that started when the tool existed, or that a schedule starts. */
function notRegistered(tool: string): ToolError {
  return new ToolError(`no tool \`${tool}\` is registered with this engine`, {
    code: "TOOL_NOT_REGISTERED",
    help: `register it: \`engine.tool("${tool}", handler)\``,
  });
}
