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

/** Milliseconds after which an engine has to be looked after while tools run, since its host may be stopped in the middle. */
const WATCH = 30_000;
/** Milliseconds after which the clock is looked at again: timers do not notice that it jumps, nor that the machine slept. */
const LOOK = 60_000;
/** Milliseconds within which an engine whose host wakes it does so by itself. */
const SOON = 5000;

/** What the state machine needs of its host. */
export interface MachineHost {
  readonly clock: () => number;
  readonly store: EngineStore | undefined;
  readonly onWake: ((at: number) => void | Promise<void>) | undefined;
  readonly tools: {
    readonly isBusy: boolean;
    /** Tells the engine what running tools have written. */
    tellOutput(handle: EngineHandle, now: number): void;
  };
  /** Carries out an effect. */
  perform(effect: Effect): void;
  /** The effects of a change have been carried out. */
  changed(): void;
  /** Nothing will happen any more. */
  stopped(reason: unknown): void;
}

/** The result of telling the state machine something. */
interface Slice<T> {
  readonly given: T;
  readonly entry: string | undefined;
  readonly effects: readonly Effect[];
  readonly next: number | undefined;
  /** Whether there is more to do at once. */
  readonly hasMore: boolean;
}

/** One state machine, which its host tells what happens. */
export class Machine {
  readonly handle: EngineHandle;
  readonly limits: { readonly requestBytes: number; readonly resultBytes: number };
  /** Fulfilled once the engine has read its store. */
  readonly opened: Promise<void>;
  readonly #host: MachineHost;
  readonly #journal: Journal | undefined;
  /** Is shut while the state is written. */
  readonly #gate = new Gate();
  /** The time that the host was told last. */
  #wakeAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the next slice of work has its turn soon. */
  #goesOn = false;
  /** Why the state machine cannot be used any more. */
  #broken: HighwayError | undefined;
  /** Whether runs go on. */
  #isOpen = false;
  #isStopped = false;
  #isFreed = false;

  /** A state machine with options in JSON text. */
  constructor(config: string, host: MachineHost) {
    this.#host = host;
    this.handle = full.call((api) => new api.EngineHandle(config, { zoneOffset }));
    const limit = (name: string): number => full.call(() => this.handle.limit(name));
    this.limits = { requestBytes: limit("requestBytes"), resultBytes: limit("resultBytes") };
    this.#journal = host.store && this.#journalOf(host.store);
    this.opened = this.#journal === undefined ? Promise.resolve() : this.#open(this.#journal);
    // Whoever uses the engine hears of it.
    this.opened.catch(() => {});
  }

  /** Why nothing happens any more, if the store or the state machine has failed. */
  get failure(): HighwayError | undefined {
    return this.#broken ?? this.#journal?.failure;
  }

  /** Whether the state machine itself has failed. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Whether no work is left that would go on by itself. */
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

  /** Entries that rebuild the state. Until all are taken, what would change it waits. */
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
    await journal.open((entry) => full.call(() => this.handle.replay(entry)));
    this.tell((handle, now) => handle.resume(now));
    this.#isOpen = true;
  }

  /** Has a task wait while nothing may change in the engine; whether it does. */
  holds(task: () => void): boolean {
    return this.#gate.holds(task);
  }

  /**
   * Tells the engine something, then does what it asks for, once the store has kept why. `then` gets what `tell` gave, and nothing if
   * the engine has broken down, or was closed while this waited for the state to be written.
   *
   * @throws {HighwayError} if the engine refuses what it is told.
   */
  tell<T>(tell: (handle: EngineHandle, now: number) => T, then = (_?: T): void => {}): void {
    if (this.#broken) {
      then();
      return;
    }
    if (this.#gate.holds(() => (this.#isStopped ? then() : this.tell(tell, then)))) return;
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

  #slice<T>(tell: (handle: EngineHandle, now: number) => T): Slice<T> {
    const { handle } = this;
    const { clock, tools } = this.#host;
    tools.tellOutput(handle, clock());
    const given = tell(handle, clock());
    const entry = this.#journal && handle.takeRecords();
    const effects = parseJson(handle.takeEffects()) as Effect[];
    return { given, entry, effects, next: handle.nextWake(), hasMore: handle.hasMore() };
  }

  /** Has the store keep what has changed, then has the host carry out what follows. */
  #keep({ entry, effects, next, hasMore }: Slice<unknown>, then: () => void): void {
    const { clock, tools } = this.#host;
    const journal = this.#journal;
    const release = (): void => {
      // What is not kept, or comes after the end, must not happen: it will after the next start.
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
    // At the opening the time that was told before still holds, or has come: `wake` is about to be called then.
    journal.keep({ entry, wake: this.#isOpen ? wake : undefined, release });
  }

  /** Does what is due, for a host that was woken. */
  wake(): void {
    this.#wakeAt = 0;
    this.tell((handle, now) => handle.tick(now));
  }

  /** Fulfilled once nothing waits to be kept, and the work that is left has had a turn. */
  async settled(): Promise<void> {
    await this.#journal?.settled();
    if (!this.isQuiet) await new Promise<void>(nextTurn);
  }

  /** Stops everything; what is told from now on has no effect. */
  stop(reason: unknown): void {
    this.#isStopped = true;
    this.#journal?.abort(reason);
    this.#halt(reason);
  }

  /** Waits for the store, and gives the memory of the state machine back. */
  async close(): Promise<void> {
    await this.opened.catch(() => {});
    await this.#journal?.close();
    if (this.#isFreed) return;
    this.#isFreed = true;
    // What has stopped in the middle cannot be taken apart.
    if (!this.#broken) this.handle.free();
  }

  #halt(reason: unknown): void {
    clearTimeout(this.#timer);
    this.#host.stopped(reason);
  }

  /** Tells the host when it is needed, unless it knows of an earlier time. */
  async #tellWake(at: number): Promise<void> {
    if (this.#wakeAt <= at && this.#wakeAt > this.#host.clock()) return;
    await this.#host.onWake?.(at);
    this.#wakeAt = at;
  }

  /** Has the next slice of work done once others had their turn. */
  #goOn(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    nextTurn(() => {
      this.#goesOn = false;
      if (!this.#isStopped && !this.failure) this.tell((handle, now) => handle.tick(now));
    });
  }

  /** The state machine has stopped in the middle: nothing can happen any more, and every request is told why. */
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
