/**
 * Follows runs. One loop in the core follows all runs of a client; this is its host, and passes its reports to the
 * followers.
 */

import type { Session } from "./session.js";
import { loadSpellings } from "./credentials.js";
import { isHidden, LONGEST_TIMER, onVisibility } from "../shared/environment.js";
import { translate } from "../wasm/guard.js";
import { CallHost } from "./host.js";
import { parseJson } from "../shared/json.js";
import { type NamedTask, namedTasks } from "./run.js";
import { core } from "../wasm/runtime.js";
import type { WatchHost } from "../wasm/wasm-api.js";

/** @internal How to follow a run. */
export interface FollowOptions {
  /** How long to wait for the end, in milliseconds. */
  timeoutMs?: number | undefined;
  /** Whether the outcome has the run's result. */
  whole: boolean;
  /** Called with every change, as JSON text. */
  onUpdate?: ((status: string) => void) | undefined;
  /** Called once with the outcome: the result, if it was requested, or the error. */
  onEnd(outcome: Ended): void;
}

/** @internal The result of a run as JSON text, and the tasks that were delivered before it. */
export interface Finished {
  readonly result: string;
  readonly parts: readonly NamedTask[];
}

/** @internal The outcome of following a run. */
export type Ended = Finished | { readonly error: unknown };

/** @internal */
export class Watching {
  readonly #session: Session;
  readonly #followers = new Map<number, FollowOptions & { readonly runId: string }>();
  #commands: unknown[] = [];
  #tickets = 0;
  #host: RunsHost | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Follows a run. Returns a function that stops this, after which nothing more is called. */
  follow(runId: string, options: FollowOptions): () => void {
    this.#tickets += 1;
    const ticket = this.#tickets;
    this.#followers.set(ticket, { ...options, runId });
    const { timeoutMs = null, whole, onUpdate } = options;
    this.#command([ticket, runId, timeoutMs, onUpdate !== undefined, whole]);
    return () => {
      if (this.#followers.delete(ticket)) this.#command([ticket]);
    };
  }

  /** The commands since the last call. */
  takeCommands(): string | undefined {
    if (this.#commands.length === 0) return undefined;
    const commands = JSON.stringify(this.#commands);
    this.#commands = [];
    return commands;
  }

  /** The id of a run that is followed to its result; undefined for all others. */
  wholeRun(ticket: number): string | undefined {
    const follower = this.#followers.get(ticket);
    return follower?.whole ? follower.runId : undefined;
  }

  tell(ticket: number, status: string): void {
    this.#followers.get(ticket)?.onUpdate?.(status);
  }

  end(ticket: number, outcome: Ended): void {
    const follower = this.#followers.get(ticket);
    this.#followers.delete(ticket);
    follower?.onEnd(outcome);
  }

  #command(command: unknown[]): void {
    this.#commands.push(command);
    if (this.#host) this.#host.wake();
    else if (this.#followers.size > 0) void this.#run();
  }

  async #run(): Promise<void> {
    const host = new RunsHost(this.#session, this);
    this.#host = host;
    void loadSpellings();
    const unlisten = onVisibility(() => host.wake());
    try {
      await core.callAsync((api) => api.clientWatch(host, this.#session.config));
    } catch (error) {
      for (const ticket of [...this.#followers.keys()]) this.end(ticket, { error });
    } finally {
      unlisten();
      // Nobody waits for pending requests any more.
      host.stop();
      this.#host = undefined;
    }
    // A follower may have come while the loop was ending.
    if (this.#followers.size > 0) void this.#run();
    else this.#commands = [];
  }
}

class RunsHost extends CallHost implements WatchHost {
  readonly #watching: Watching;
  readonly #parts = new Map<string, NamedTask[]>();
  #isAwake = false;
  #wake: (() => void) | undefined;

  constructor(session: Session, watching: Watching) {
    super(session);
    this.#watching = watching;
  }

  commands(): string | undefined {
    return this.#watching.takeCommands();
  }

  override part(runId: string, isFirst: boolean, tasks: string): void {
    const before = isFirst ? [] : (this.#parts.get(runId) ?? []);
    before.push(...namedTasks(parseJson(tasks)));
    this.#parts.set(runId, before);
  }

  isHidden(): boolean {
    return isHidden();
  }

  override async sleep(ms: number): Promise<boolean> {
    if (!this.#isAwake) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#isAwake = false;
    return true;
  }

  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  tell(ticket: number, status: string): void {
    this.#watching.tell(ticket, status);
  }

  end(ticket: number, outcome: unknown, isError: boolean): void {
    if (isError) {
      this.#watching.end(ticket, { error: this.#errorOf(outcome) });
      return;
    }
    const runId = this.#watching.wholeRun(ticket) ?? "";
    this.#watching.end(ticket, { result: outcome as string, parts: this.#parts.get(runId) ?? [] });
    // All followers that wait for the result get it in this turn.
    queueMicrotask(() => this.#parts.delete(runId));
  }

  /** The error for a follower: what ended the whole loop, or else the error of the core. */
  #errorOf(outcome: unknown): unknown {
    if (this.thrown) return this.thrown.error;
    return this.session.shownError(translate(outcome), undefined, this.lastFailure);
  }
}
