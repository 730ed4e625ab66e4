/** Has the store keep every change of the engine before the change takes effect. */

import { errorOf, type HighwayError, isHighwayError } from "../../shared/errors.js";
import { describe } from "../../shared/environment.js";
import { Chain } from "./chain.js";
import { type EngineStore, storeFailed } from "./store.js";
import { Breaks } from "../../shared/turns.js";

/** A shorter journal, in characters, is not replaced by a snapshot. */
const SMALL = 1 << 20;
/** Characters after which the entries of a batch are stored. More would hold the thread. */
const LARGE = 1 << 23;
/** A snapshot replaces a journal that is this many times as long. */
const FACTOR = 2;

/** A change of the engine. */
export interface Change {
  /** The journal entry of the change, if there is one. */
  readonly entry: string | undefined;
  /** When the engine must run again, in milliseconds since the Unix epoch. */
  readonly wake: number | undefined;
  /** Carries out the effects. Also called if the entry could not be stored: see {@link Journal.failure}. */
  readonly release: () => void;
}

/** What a journal needs from its engine. */
export interface JournalHost {
  /**
   * The entries of a snapshot. The state must not change while they are read. Without it, the journal is never
   * replaced.
   */
  readonly snapshot?: (() => Iterable<string>) | undefined;
  /** Ensures that the engine runs again at that time. */
  readonly wakeAt?: ((at: number) => void | Promise<void>) | undefined;
  /** Called when the store has failed. Nothing is stored after that. */
  readonly failed: (error: HighwayError) => void;
}

/** The journal that uses a store. */
const users = new WeakMap<EngineStore, Journal>();

/** The journal of one engine. */
export class Journal {
  readonly #store: EngineStore;
  readonly #host: JournalHost;
  readonly #ending = new AbortController();
  #chain: Chain;
  #waiting: Change[] = [];
  #keeping: Promise<void> | undefined;
  #failure: HighwayError | undefined;
  /** Fulfilled when the store is free for another engine. */
  #release: Promise<void> | undefined;
  #isReleased: () => void = () => {};
  readonly #released = new Promise<void>((resolve) => {
    this.#isReleased = resolve;
  });
  /** Characters in the store. */
  #length = 0;
  /** Characters of the latest snapshot; if not known, those of the journal. */
  #snapshotLength = 0;
  readonly #breaks = new Breaks();

  constructor(store: EngineStore, host: JournalHost) {
    this.#store = store;
    this.#chain = new Chain(store.name);
    this.#host = host;
  }

  /** Why the store could not be read or written. The store is free by then or soon after. */
  get failure(): HighwayError | undefined {
    return this.#failure;
  }

  /**
   * Takes the store and passes each stored entry to `replay`, which says whether a snapshot ends with it. `end` checks
   * that nothing is missing after the last one.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID`, `STORE_IN_USE`.
   */
  async open(replay: (entry: string) => boolean, end = (): void => {}): Promise<void> {
    const { signal } = this.#ending;
    let count = 0;
    try {
      await this.#take();
      for await (const text of this.#store.load(signal)) {
        signal.throwIfAborted();
        const entry = this.#chain.read(text);
        this.#length += entry.length;
        count += 1;
        try {
          // The next snapshot is made when there is twice as much.
          if (replay(entry)) this.#snapshotLength = this.#length;
        } catch (error) {
          throw unreadable(error, count, entry.length);
        }
        // There may be many entries, and an abort must be noticed meanwhile.
        await this.#breaks.turn();
      }
      signal.throwIfAborted();
      end();
    } catch (error) {
      // `close` also releases the store.
      if (signal.aborted) throw signal.reason;
      const help = "the error it gave is the `cause`; nothing was changed";
      const failure = isHighwayError(error)
        ? error
        : storeFailed("the journal could not be opened", error, help);
      this.#failure = failure;
      await this.#giveBack().catch(() => {});
      throw failure;
    }
  }

  /** Takes the store. Waits for an engine that is closing; refuses if another engine uses it. */
  async #take(): Promise<void> {
    for (let user = users.get(this.#store); user !== undefined; user = users.get(this.#store)) {
      if (!user.#ending.signal.aborted && user.#failure === undefined) {
        throw errorOf("STORE_IN_USE", "the store is in use by another engine of this program", {
          help: "close the other engine, or give each a store of its own",
        });
      }
      await user.#released;
      this.#ending.signal.throwIfAborted();
    }
    users.set(this.#store, this);
  }

  /** Releases the store. Repeated calls have no effect. */
  #giveBack(): Promise<void> {
    this.#release ??= (async () => {
      try {
        if (users.get(this.#store) === this) await this.#store.close?.();
      } finally {
        if (users.get(this.#store) === this) users.delete(this.#store);
        this.#isReleased();
      }
    })();
    return this.#release;
  }

  /** Stores the entry of a change, then releases its effects. Changes are handled in the order of the calls. */
  keep(step: Change): void {
    this.#waiting.push(step);
    this.#keeping ??= this.#keep();
  }

  /** Fulfilled when no change waits to be stored. */
  async settled(): Promise<void> {
    while (this.#keeping) await this.#keeping;
  }

  /** Aborts the opening of the store. */
  abort(reason: unknown): void {
    this.#ending.abort(reason);
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#giveBack();
  }

  /** Stores all waiting changes. Those that arrive meanwhile form the next batch. */
  async #keep(): Promise<void> {
    // Lets the caller set `#keeping` first, so that this function never ends before.
    await undefined;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#takeBatch(LARGE);
        try {
          if (!this.#failure) await this.#write(batch);
        } catch (error) {
          this.#failure = isHighwayError(error, "STORE_IN_USE") ? error : cannotKeep(error);
          this.#host.failed(this.#failure);
          // The next engine that opens the store gets the store's own error.
          this.#giveBack().catch(() => {});
        }
        for (const { release } of batch) release();
      }
    } finally {
      this.#keeping = undefined;
    }
  }

  #takeBatch(most = Number.POSITIVE_INFINITY): Change[] {
    let [count, length] = [0, 0];
    while (count < this.#waiting.length && length < most) {
      length += this.#waiting[count]?.entry?.length ?? 0;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** Stores a batch. Changes may be added to it meanwhile. */
  async #write(batch: Change[]): Promise<void> {
    let snapshot: SnapshotJournal | undefined;
    if (this.#isLong && batch.some(({ entry }) => entry !== undefined)) {
      // A snapshot contains all changes up to now, so it covers all that wait.
      for (const step of this.#takeBatch()) batch.push(step);
      snapshot = await this.#worthwhileSnapshot();
    }
    // The process may end right after the entry is stored. The time of the next wake-up must be known before.
    const wake = batch.reduce((first, { wake }) => Math.min(first, wake ?? first), Number.POSITIVE_INFINITY);
    if (wake !== Number.POSITIVE_INFINITY) await this.#host.wakeAt?.(wake);
    if (snapshot && (await this.#replace(snapshot))) return;
    const entries = batch.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    if (entries.length === 0) return;
    await this.#store.append(entries.map((entry) => this.#chain.write(entry)));
    this.#length += lengthOf(entries);
  }

  /** Whether a snapshot may be worthwhile. */
  get #isLong(): boolean {
    const canBeShorter = this.#host.snapshot !== undefined && this.#store.replace !== undefined;
    return canBeShorter && this.#length > Math.max(SMALL, FACTOR * this.#snapshotLength);
  }

  /** A snapshot, if it is worthwhile. The event loop takes turns while it is written. */
  async #worthwhileSnapshot(): Promise<SnapshotJournal | undefined> {
    // A journal that begins with a snapshot starts its numbers at 1.
    const snapshot: SnapshotJournal = { chain: new Chain(this.#store.name), texts: [] };
    let length = 0;
    for (const entry of this.#host.snapshot?.() ?? []) {
      length += entry.length;
      if (this.#length <= FACTOR * length || this.#ending.signal.aborted) {
        // Not worthwhile, or the engine is closing. The next attempt comes when the journal is twice as long.
        this.#snapshotLength = this.#length;
        return undefined;
      }
      snapshot.texts.push(snapshot.chain.write(entry));
      await this.#breaks.turn();
    }
    this.#snapshotLength = length;
    return snapshot;
  }

  /** Replaces the journal by the snapshot. Returns whether the store did so. */
  async #replace({ chain, texts }: SnapshotJournal): Promise<boolean> {
    try {
      await this.#store.replace?.(texts);
      this.#chain = chain;
      this.#length = this.#snapshotLength;
      return true;
    } catch (error) {
      if (isHighwayError(error, "STORE_IN_USE")) throw error;
      // The old journal is still there. The next attempt comes when it is twice as long.
      this.#snapshotLength = this.#length;
      console.error(
        "highway-wasm: the journal could not be replaced by a snapshot, and continues as it is:",
        error,
      );
      return false;
    }
  }
}

/** A snapshot as a new journal. */
interface SnapshotJournal {
  readonly chain: Chain;
  readonly texts: string[];
}

function cannotKeep(error: unknown): HighwayError {
  const help =
    "the engine has stopped, because it may do nothing that the store does not keep; remove the cause, and open the store with another engine";
  return storeFailed("the store cannot keep the journal", error, help);
}

function unreadable(error: unknown, entry: number, length: number): HighwayError {
  const help =
    "it was written by a newer version, or is too large for the memory that is left; nothing was changed, and the error behind it is the `cause`";
  const isOurs = isHighwayError(error, "JOURNAL_INVALID");
  const reason = isOurs ? error.message : `the journal cannot be read: ${describe(error)}`;
  return errorOf("JOURNAL_INVALID", `${reason} (entry ${entry}, ${length} characters)`, {
    details: { entry, length },
    help,
    cause: error,
  });
}

function lengthOf(entries: readonly string[]): number {
  return entries.reduce((length, entry) => length + entry.length, 0);
}
