/** Has a store keep what happens, before anything follows from it. */

import { type HighwayError, isHighwayError } from "../errors.js";
import { type EngineStore, storeFailed } from "./store.js";

/** Characters up to which a journal is not worth being made shorter. */
const SMALL = 1 << 20;
/** A journal may be this many times as long as the entries that rebuild the state. */
const FACTOR = 2;

/** Something that has happened. */
export interface Step {
  /** What is to be kept, if anything has changed. */
  readonly entry: string | undefined;
  /** When the engine has to be there again, in milliseconds since the Unix epoch. */
  readonly wake: number | undefined;
  /** Does what follows. Also called when the entry could not be kept: see {@link Journal.failure}. */
  readonly release: () => void;
}

/** What a journal needs of its engine. */
export interface JournalHost {
  /** Entries that rebuild the state as it is now. Without it the journal only grows. */
  readonly checkpoint?: (() => readonly string[]) | undefined;
  /** Makes sure that the engine is there again at that time. */
  readonly wakeAt?: ((at: number) => void | Promise<void>) | undefined;
  /** The store has failed, and nothing is kept any more. */
  readonly failed: (error: HighwayError) => void;
}

/** The journal of one engine. */
export class Journal {
  readonly #store: EngineStore;
  readonly #host: JournalHost;
  readonly #ending = new AbortController();
  #waiting: Step[] = [];
  #keeping: Promise<void> | undefined;
  #failure: HighwayError | undefined;
  /** Characters that the store keeps. */
  #length = 0;
  /** Characters of the entries that rebuilt the state when that was last looked at. */
  #state = 0;

  constructor(store: EngineStore, host: JournalHost) {
    this.#store = store;
    this.#host = host;
  }

  /** Why the store cannot keep anything any more. */
  get failure(): HighwayError | undefined {
    return this.#failure;
  }

  /**
   * What was kept.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID`.
   */
  async *load(): AsyncGenerator<string> {
    try {
      for await (const entry of this.#store.load(this.#ending.signal)) {
        this.#length += entry.length;
        // The end of a state that has taken the place of a journal: no other need be made before there is twice as much.
        if (entry.includes('{"type":"state_kept"')) this.#state = this.#length;
        yield entry;
      }
    } catch (error) {
      if (isHighwayError(error)) throw error;
      const help = "the error it gave is the `cause`; nothing was changed";
      throw storeFailed("the journal could not be read", error, help);
    }
  }

  /** Has the store keep an entry, then releases what follows from it; in the order of the calls. */
  keep(step: Step): void {
    this.#waiting.push(step);
    this.#keeping ??= this.#keep();
  }

  /** Fulfilled once nothing waits to be kept. */
  async settled(): Promise<void> {
    while (this.#keeping) await this.#keeping;
  }

  /** Ends waiting for the store to open. */
  abort(reason: unknown): void {
    this.#ending.abort(reason);
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#store.close?.();
  }

  /** What comes while the store is at work is kept together afterwards. */
  async #keep(): Promise<void> {
    // Who called goes on first, so that this never ends before it is noted.
    await undefined;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#taken();
        try {
          if (!this.#failure) await this.#write(batch);
        } catch (error) {
          const help =
            "the engine stands still, since nothing may happen that is not kept; mend the cause, and open the store with another engine";
          this.#failure = storeFailed("the journal cannot keep what happens", error, help);
          this.#host.failed(this.#failure);
        }
        for (const { release } of batch) release();
      }
    } finally {
      this.#keeping = undefined;
    }
  }

  #taken(): Step[] {
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }

  /** Keeps a batch, which may grow. */
  async #write(batch: Step[]): Promise<void> {
    const hasEntry = batch.some(({ entry }) => entry !== undefined);
    const state = hasEntry ? this.#shorter() : undefined;
    // It says what has happened until now, so it stands for all that waits.
    if (state) batch.push(...this.#taken());
    // The engine may end right after an entry is kept; by then somebody must know when it is needed again.
    const wakes = batch.flatMap(({ wake }) => (wake === undefined ? [] : [wake]));
    if (wakes.length > 0) await this.#host.wakeAt?.(Math.min(...wakes));
    if (state && (await this.#replace(state))) return;
    const entries = batch.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    if (entries.length === 0) return;
    await this.#store.append(entries);
    this.#length += lengthOf(entries);
  }

  /** The entries that rebuild the state, where they are worth taking the place of the journal. */
  #shorter(): readonly string[] | undefined {
    const { checkpoint } = this.#host;
    if (!checkpoint || !this.#store.replace) return undefined;
    if (this.#length <= Math.max(SMALL, FACTOR * this.#state)) return undefined;
    const entries = checkpoint();
    this.#state = lengthOf(entries);
    return this.#length > FACTOR * this.#state ? entries : undefined;
  }

  /** Whether the store took the state in the place of its journal. */
  async #replace(state: readonly string[]): Promise<boolean> {
    try {
      await this.#store.replace?.(state);
      this.#length = this.#state;
      return true;
    } catch (error) {
      // What was kept before is still there. The next attempt comes when there is twice as much.
      this.#state = this.#length;
      console.error("highway-wasm: the journal could not be made shorter, and goes on as it is:", error);
      return false;
    }
  }
}

function lengthOf(entries: readonly string[]): number {
  return entries.reduce((length, entry) => length + entry.length, 0);
}
