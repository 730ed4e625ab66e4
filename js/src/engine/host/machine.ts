/** The host's side of the state machine in Rust: its store, its timer, and the order in which things happen. */

import { errorOf, type HighwayError, isHighwayError } from "../../shared/errors.js";
import { parseJson } from "../../shared/json.js";
import { nextTurn } from "../../shared/turns.js";
import { zoneOffset } from "../../shared/zones.js";
import type { EngineHandle } from "../../wasm/wasm-api.js";
import type { Effect } from "../effects.js";
import { full } from "../runtime.js";
import { Journal } from "../stores/journal.js";
import type { EngineStore } from "../stores/store.js";
import { Gate } from "./gate.js";

/** How soon an engine asks to be woken while tools run, in milliseconds: its host may be stopped at any moment. */
const WATCH = 30_000;
/** Longest timer, in milliseconds. Timers do not notice that the clock jumps or that the machine sleeps. */
const LOOK = 60_000;
/** Longest timer of an engine that its host wakes, in milliseconds. */
const SOON = 5000;

/** What the state machine needs of its host. */
export interface MachineHost {
  readonly clock: () => number;
  readonly store: EngineStore | undefined;
  readonly onWake: ((at: number) => void | Promise<void>) | undefined;
  readonly tools: {
    readonly isBusy: boolean;
    /** Reports the new output of running tools to the engine. */
    tellOutput(handle: EngineHandle, now: number): void;
  };
  /** Carries out an effect. */
  perform(effect: Effect): void;
  /** Called after the effects of a change. */
  changed(): void;
  /** Called when nothing will happen any more. */
  stopped(reason: unknown): void;
}

/** The result of one call to the state machine. */
interface Slice<T> {
  readonly given: T;
  readonly entry: string | undefined;
  readonly effects: readonly Effect[];
  readonly next: number | undefined;
  /** Whether there is more work to do now. */
  readonly hasMore: boolean;
}

/** The state machine of an engine. */
export class Machine {
  readonly handle: EngineHandle;
  readonly limits: { readonly requestBytes: number; readonly resultBytes: number };
  /** Fulfilled when the store is read and runs continue. */
  readonly opened: Promise<void>;
  readonly #host: MachineHost;
  readonly #journal: Journal | undefined;
  /** Shut while a snapshot is written. */
  readonly #gate = new Gate();
  /** The time that `onWake` was called with last. */
  #wakeAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the next slice of work is scheduled. */
  #goesOn = false;
  /** Why the state machine cannot be used any more: a trap. */
  #broken: HighwayError | undefined;
  /** Whether runs go on. */
  #isOpen = false;
  #isStopped = false;
  #isFreed = false;

  /** `config` is JSON text. */
  constructor(config: string, host: MachineHost) {
    this.#host = host;
    this.handle = full.call((api) => new api.EngineHandle(config, { zoneOffset }));
    const limit = (name: string): number => full.call(() => this.handle.limit(name));
    this.limits = { requestBytes: limit("requestBytes"), resultBytes: limit("resultBytes") };
    this.#journal = host.store && this.#journalOf(host.store);
    this.opened = this.#journal === undefined ? Promise.resolve() : this.#open(this.#journal);
    // Users of the engine get the error.
    this.opened.catch(() => {});
  }

  /** The failure of the store or the state machine, if there is one. */
  get failure(): HighwayError | undefined {
    return this.#broken ?? this.#journal?.failure;
  }

  /** Whether the state machine has failed. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Whether no slice of work is left. */
  get isQuiet(): boolean {
    return !this.#goesOn && !this.#gate.isShut;
  }

  #journalOf(store: EngineStore): Journal {
    return new Journal(store, {
      snapshot: () => this.#snapshot(),
      wakeAt: (at) => this.#tellWake(at),
      failed: (error) => this.#halt(error),
    });
  }

  /** Entries that rebuild the state. Changes of the state wait until all entries are taken. */
  *#snapshot(): Generator<string, void> {
    this.#gate.shut();
    try {
      full.call(() => this.handle.beginSnapshot());
      for (;;) {
        const entry = full.call(() => this.handle.snapshotEntry());
        if (entry === undefined) return;
        yield entry;
      }
    } finally {
      this.#gate.open();
    }
  }

  async #open(journal: Journal): Promise<void> {
    await journal.open(
      (entry) => full.call(() => this.handle.replay(entry)),
      () => full.call(() => this.handle.endReplay()),
    );
    this.tell((handle, now) => handle.resume(now));
    this.#isOpen = true;
  }

  /** Delays a task while the state must not change. Returns whether the task is delayed. */
  holds(task: () => void): boolean {
    return this.#gate.holds(task);
  }

  /**
   * Calls the engine, has the store write the change, and then carries out the effects. `then` gets the result of
   * `tell`, or `undefined` if the engine has failed, or was closed before the call could be made. If the gate holds the
   * call and the engine refuses it later, `refused` gets the error.
   *
   * @throws {HighwayError} if the engine refuses the call at once.
   */
  tell<T>(
    tell: (handle: EngineHandle, now: number) => T,
    then = (_?: T): void => {},
    refused = (error: unknown): void => this.#breakDown(error),
  ): void {
    if (this.#broken) {
      then();
      return;
    }
    if (this.#gate.holds(() => this.#tellLater(tell, then, refused))) return;
    let slice: Slice<T>;
    try {
      slice = full.call(() => this.#slice(tell));
    } catch (error) {
      if (isHighwayError(error) && error.code !== "WASM_PANIC") throw error;
      this.#breakDown(error);
      then();
      return;
    }
    this.#keep(slice, () => then(slice.given));
    clearTimeout(this.#timer);
    const { next } = slice;
    if (next !== undefined && !this.#isStopped && !this.failure) this.#setTimer(next);
  }

  /** Tells the engine what has waited. There is no caller any more who would catch an error. */
  #tellLater<T>(
    tell: (handle: EngineHandle, now: number) => T,
    then: (given?: T) => void,
    refused: (error: unknown) => void,
  ): void {
    if (this.#isStopped) {
      then();
      return;
    }
    try {
      this.tell(tell, then);
    } catch (error) {
      refused(error);
    }
  }

  #slice<T>(tell: (handle: EngineHandle, now: number) => T): Slice<T> {
    const { handle } = this;
    const { clock, tools } = this.#host;
    tools.tellOutput(handle, clock());
    const given = tell(handle, clock());
    const entry = this.#journal && handle.takeRecords();
    const effects = parseJson(handle.takeEffects()) as Effect[];
    return { given, entry, effects, next: handle.nextWake(), hasMore: handle.hasMore() };
  }

  /** Has the store write the change, then has the host carry out the effects. */
  #keep({ entry, effects, next, hasMore }: Slice<unknown>, then: () => void): void {
    const { clock, tools } = this.#host;
    const journal = this.#journal;
    const release = (): void => {
      // Effects of a change that is not stored must not happen, nor effects after the end. They follow after a restart.
      if (!journal || !(journal.failure || this.#isStopped)) {
        for (const effect of effects) this.#host.perform(effect);
        this.#host.changed();
        if (hasMore) this.#goOn();
      }
      then();
    };
    if (!journal) {
      release();
      return;
    }
    const isBusy = tools.isBusy || effects.some(({ type }) => type === "start_tool");
    const watched = isBusy || hasMore ? clock() + WATCH : undefined;
    const wake = watched === undefined ? next : Math.min(next ?? watched, watched);
    // While the store opens, the time of the previous engine holds, or has come: then the host calls `wake`.
    journal.keep({ entry, wake: this.#isOpen ? wake : undefined, release });
  }

  /** Does what is due, at the time that `onWake` was called with. */
  wake(): void {
    this.#wakeAt = 0;
    this.tell((handle, now) => handle.tick(now));
  }

  /** Fulfilled when no change waits for the store and the next slice of work has had its turn. */
  async settled(): Promise<void> {
    await this.#journal?.settled();
    if (!this.isQuiet) await new Promise<void>(nextTurn);
  }

  /** Stops everything. Later calls have no effect. */
  stop(reason: unknown): void {
    this.#isStopped = true;
    this.#journal?.abort(reason);
    this.#halt(reason);
  }

  /** Closes the store and frees the memory of the state machine. */
  async close(): Promise<void> {
    await this.opened.catch(() => {});
    await this.#journal?.close();
    if (this.#isFreed) return;
    this.#isFreed = true;
    // After a trap, the memory cannot be freed.
    if (!this.#broken) this.handle.free();
  }

  #halt(reason: unknown): void {
    clearTimeout(this.#timer);
    this.#host.stopped(reason);
  }

  /** Calls `onWake`, unless the host knows an earlier time. */
  async #tellWake(at: number): Promise<void> {
    if (this.#wakeAt <= at && this.#wakeAt > this.#host.clock()) return;
    await this.#host.onWake?.(at);
    this.#wakeAt = at;
  }

  /** Schedules the next slice of work for the next turn. */
  #goOn(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    nextTurn(() => {
      this.#goesOn = false;
      if (!this.#isStopped && !this.failure) this.tell((handle, now) => handle.tick(now));
    });
  }

  /** Notes a trap. Nothing happens any more, and every request is refused with the reason. */
  #breakDown(error: unknown): void {
    this.#broken = isHighwayError(error)
      ? error
      : errorOf("WASM_PANIC", "the engine stopped at an internal error", { cause: error });
    console.error("highway-wasm: the engine has stopped:", error);
    this.#halt(this.#broken);
  }

  #setTimer(next: number): void {
    const delay = Math.max(next - this.#host.clock(), 0);
    if (this.#host.onWake && delay > SOON) return;
    const look = (): void => {
      if (this.#isStopped || this.failure) return;
      if (this.#host.clock() < next) this.#setTimer(next);
      else this.tell((handle, now) => handle.tick(now));
    };
    this.#timer = setTimeout(look, Math.min(delay, LOOK));
  }
}
