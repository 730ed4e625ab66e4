/** The tools of an engine: those it has, the calls of them that are under way, and what runs keep. */

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

/** What calls need of their engine. */
interface ToolHost {
  /** Passes on what comes of calls. */
  tell(tell: (handle: EngineHandle, now: number) => void): void;
  /** Has a task wait where nothing may change in the engine; whether it does. */
  holds(task: () => void): boolean;
  artifact(id: string): Uint8Array;
  limit(name: "resultBytes"): number;
  /** The variables that a call can read. */
  variables(call: number): Record<string, unknown>;
  /** Strikes its secrets out of a text. */
  strike(text: string): string;
}

/** What a call has written and the engine has not been told of. */
interface Unread {
  stdout: string;
  stderr: string;
}

/** What came of a call. */
interface Outcome {
  readonly call: number;
  /** `[call, "result" | "failure", value]` in JSON. */
  readonly text: string;
}

/** Characters after which outcomes are told: enough for one crossing. */
const LONG_TEXT = 1 << 20;

type Release = (isOver: boolean) => void | Promise<void>;

/** Runs the tools of an engine. */
export class ToolCalls {
  readonly #tools: Map<string, Tool>;
  readonly #engine: ToolHost;
  readonly #calls = new Map<number, AbortController>();
  readonly #releases = new Map<string, Release[]>();
  /** Runs that have called a tool and are not over. */
  readonly #active = new Set<string>();
  /** Calls that are under way, and what is being released. */
  #busy = 0;
  /** Those who wait until nothing is. */
  #waiting: (() => void)[] = [];
  /** Outcomes that the engine has not been told of. */
  #outcomes: Outcome[] = [];
  readonly #breaks = new Breaks();
  readonly #unread = new Map<number, Unread>();
  #closed = false;

  constructor(tools: Tools, engine: ToolHost) {
    this.#tools = new Map(Object.entries(tools));
    this.#engine = engine;
  }

  /** Names of the tools. */
  get names(): string[] {
    return [...this.#tools.keys()];
  }

  /** Names of those that this package has, whose arguments the engine checks. */
  get ownNames(): string[] {
    return this.names.filter((name) => this.isOwn(name));
  }

  isOwn(name: string): boolean {
    const tool = this.#tools.get(name);
    return tool !== undefined && isOwnTool(name, tool);
  }

  /** Adds a tool, or puts it in the place of the one of its name. */
  add(name: string, tool: Tool): void {
    this.#tools.set(name, tool);
  }

  /** Whether a tool runs. */
  get isBusy(): boolean {
    return this.#calls.size > 0;
  }

  /** Whether no call is under way and nothing is being released. */
  get isIdle(): boolean {
    return this.#busy === 0;
  }

  start(call: StartTool): void {
    this.#active.add(call.runId);
    void this.#run(call);
  }

  /** The outcome of a call is not wanted any more. */
  abort(call: number, reason: string): void {
    this.#calls.get(call)?.abort(new DOMException(reason, "AbortError"));
  }

  abortAll(reason: unknown): void {
    for (const controller of this.#calls.values()) controller.abort(reason);
  }

  /** Tells the engine what calls have written. It is asked to before anything else happens in the engine, so nothing is told that nobody looks at. */
  tellOutput(handle: EngineHandle, now: number): void {
    for (const [call, unread] of this.#unread) {
      for (const stream of ["stdout", "stderr"] as const) {
        if (unread[stream] !== "") handle.wrote(call, stream, unread[stream], now);
      }
    }
    this.#unread.clear();
  }

  /** Releases what a run has kept. */
  runEnded(runId: string): void {
    this.#active.delete(runId);
    this.#release(runId, true);
  }

  /** Aborts all calls, and tells the engine nothing any more. */
  close(reason: unknown): void {
    this.#closed = true;
    this.abortAll(reason);
    for (const runId of [...this.#releases.keys()]) this.#release(runId, false);
  }

  /** Waits until no call is under way and nothing is being released. */
  async idle(): Promise<void> {
    if (this.#busy > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #run(start: StartTool): Promise<void> {
    this.#busy += 1;
    const controller = new AbortController();
    this.#calls.set(start.call, controller);
    let outcome: string;
    try {
      // The engine is told of an outcome from a task of its own, never from inside the call that started the tool. Many may start
      // together, and some of them, such as processes, take long to.
      await this.#breaks.turn();
      controller.signal.throwIfAborted();
      const tool = this.#tools.get(start.tool);
      if (tool === undefined) throw notRegistered(start.tool);
      const acts = new Acts();
      const most = this.#engine.limit("resultBytes");
      const call = this.#callOf(start, controller, acts, most);
      const given = await tool(call, call);
      // Many may end together, each with much to write down.
      await this.#breaks.turn();
      const result = await inTurns(textInSteps(given ?? null, most / EACH, () => tooLarge(most)));
      // The core counts exactly. What cannot pass is not brought there.
      if (Math.max(result.length, acts.text.length) > most) throw tooLarge(most);
      outcome = `"result",${result}${acts.text}`;
      this.#unread.delete(start.call);
    } catch (error) {
      outcome = `"failure",${failureText(error)}`;
    }
    this.#calls.delete(start.call);
    if (this.#closed) return this.#ended(1);
    // Tools that end together are told together: one crossing, and one entry of the journal.
    if (this.#outcomes.length === 0) this.#breaks.soon(() => this.#tellOutcomes());
    this.#outcomes.push({ call: start.call, text: `[${start.call},${outcome}]` });
  }

  /** Tells the engine as many outcomes as make a text of a good length, the others in the next turn. */
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
      // Whoever waits goes on once the outcomes are told, which may have started more.
      this.#ended(batch.length);
    }
  }

  #tellAll(batch: Outcome[]): void {
    try {
      this.#tell(batch.map(({ text }) => text));
    } catch {
      // The core cannot read one of them, and has taken none.
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
    // The engine ignores what comes from a call that is over; here it saves the way.
    const report = (tell: (handle: EngineHandle, now: number) => void): void => {
      if (!this.#closed && !controller.signal.aborted && this.#calls.has(call)) this.#engine.tell(tell);
    };
    return callOf(start, controller, acts, {
      maxResultBytes,
      report,
      output: (text, stream = "stdout") => {
        if (this.#closed || controller.signal.aborted || !this.#calls.has(call)) return;
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
        // The run may have ended while the tool was on its way here.
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

  /** So many calls and releases are over. */
  #ended(count: number): void {
    this.#busy -= count;
    if (this.#busy > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Submissions are checked; this is for runs that began when there was such a tool, or that a schedule starts. */
function notRegistered(tool: string): ToolError {
  return new ToolError(`no tool \`${tool}\` is registered with this engine`, {
    code: "TOOL_NOT_REGISTERED",
    help: `register it: \`engine.tool("${tool}", handler)\``,
  });
}
