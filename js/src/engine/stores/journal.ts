/** Has a store keep what happens, before anything follows from it. */

import { errorOf, type HighwayError, isHighwayError } from "../../shared/errors.js";
import { describe } from "../../shared/environment.js";
import { Chain } from "./chain.js";
import { type EngineStore, storeFailed } from "./store.js";
import { Breaks } from "../../shared/turns.js";

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
  /** Entries that rebuild the state as it is now, which does not change while they are taken. Without it the journal only grows. */
  readonly snapshot?: (() => Iterable<string>) | undefined;
  /** Makes sure that the engine is there again at that time. */
  readonly wakeAt?: ((at: number) => void | Promise<void>) | undefined;
  /** The store has failed, and nothing is kept any more. */
  readonly failed: (error: HighwayError) => void;
}

/** Which journal uses a store now. */
const users = new WeakMap<EngineStore, Journal>();

/** The journal of one engine. */
export class Journal {
  readonly #store: EngineStore;
  readonly #host: JournalHost;
  readonly #ending = new AbortController();
  #chain: Chain;
  #waiting: Step[] = [];
  #keeping: Promise<void> | undefined;
  #failure: HighwayError | undefined;
  /** Fulfilled once the store is free for another engine. */
  #release: Promise<void> | undefined;
  #isReleased: () => void = () => {};
  readonly #released = new Promise<void>((resolve) => {
    this.#isReleased = resolve;
  });
  /** Characters that the store keeps. */
  #length = 0;
  /** Characters of the entries that rebuilt the state when that was last looked at; those of the journal where they are not known. */
  #state = 0;
  readonly #breaks = new Breaks();

  constructor(store: EngineStore, host: JournalHost) {
    this.#store = store;
    this.#chain = new Chain(store.name);
    this.#host = host;
  }

  /** Why the store could not be read, or cannot keep anything any more. It is free by then, or will be soon. */
  get failure(): HighwayError | undefined {
    return this.#failure;
  }

  /**
   * Takes the store, and gives each entry that it has kept to `replay`.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID`; `STORE_IN_USE`.
   */
  async open(replay: (entry: string) => void): Promise<void> {
    const { signal } = this.#ending;
    let count = 0;
    try {
      await this.#take();
      for await (const text of this.#store.load(signal)) {
        signal.throwIfAborted();
        const entry = this.#chain.read(text);
        this.#length += entry.length;
        // The end of a state that has taken the place of a journal: no other need be made before there is twice as much.
        if (entry.includes('{"type":"state_kept"')) this.#state = this.#length;
        count += 1;
        try {
          replay(entry);
        } catch (error) {
          throw unreadable(error, count, entry.length);
        }
        // There may be many, and a signal to end is to be obeyed meanwhile.
        await this.#breaks.turn();
      }
      signal.throwIfAborted();
    } catch (error) {
      // Who closes the engine also has it let go.
      if (signal.aborted) throw signal.reason;
      const help = "the error it gave is the `cause`; nothing was changed";
      const failure = isHighwayError(error)
        ? error
        : storeFailed("the journal could not be opened", error, help);
      this.#failure = failure;
      await this.#letGo().catch(() => {});
      throw failure;
    }
  }

  /** Waits for an engine that is closing, and refuses where another one is at work. */
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

  /** Lets go of the store; once. */
  #letGo(): Promise<void> {
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
    await this.#letGo();
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
          this.#failure = isHighwayError(error, "STORE_IN_USE") ? error : cannotKeep(error);
          this.#host.failed(this.#failure);
          // Whoever opens it next is told by the store itself what is wrong with it.
          this.#letGo().catch(() => {});
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
    let state: StateJournal | undefined;
    if (this.#isLong && batch.some(({ entry }) => entry !== undefined)) {
      // The state says what has happened until now, so it stands for all that waits.
      for (const step of this.#taken()) batch.push(step);
      state = await this.#shorter();
    }
    // The engine may end right after an entry is kept; by then somebody must know when it is needed again.
    const wake = batch.reduce((first, { wake }) => Math.min(first, wake ?? first), Number.POSITIVE_INFINITY);
    if (wake !== Number.POSITIVE_INFINITY) await this.#host.wakeAt?.(wake);
    if (state && (await this.#replace(state))) return;
    const entries = batch.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    if (entries.length === 0) return;
    await this.#store.append(entries.map((entry) => this.#chain.write(entry)));
    this.#length += lengthOf(entries);
  }

  /** Whether the state may be worth taking the place of the journal. */
  get #isLong(): boolean {
    const canBeShorter = this.#host.snapshot !== undefined && this.#store.replace !== undefined;
    return canBeShorter && this.#length > Math.max(SMALL, FACTOR * this.#state);
  }

  /** The state, where it is worth it. Others have their turn while it is written. */
  async #shorter(): Promise<StateJournal | undefined> {
    // A journal begins with its first entry, also where the state takes the place of another one.
    const snapshot: StateJournal = { chain: new Chain(this.#store.name), texts: [] };
    let length = 0;
    for (const entry of this.#host.snapshot?.() ?? []) {
      length += entry.length;
      if (this.#length <= FACTOR * length || this.#ending.signal.aborted) {
        // Not worth it, or too late. The next attempt comes when there is twice as much.
        this.#state = this.#length;
        return undefined;
      }
      snapshot.texts.push(snapshot.chain.write(entry));
      await this.#breaks.turn();
    }
    this.#state = length;
    return snapshot;
  }

  /** Whether the store took the state in the place of its journal. */
  async #replace({ chain, texts }: StateJournal): Promise<boolean> {
    try {
      await this.#store.replace?.(texts);
      this.#chain = chain;
      this.#length = this.#state;
      return true;
    } catch (error) {
      if (isHighwayError(error, "STORE_IN_USE")) throw error;
      // What was kept before is still there. The next attempt comes when there is twice as much.
      this.#state = this.#length;
      console.error(
        "highway-wasm: the journal could not be replaced by a snapshot, and continues as it is:",
        error,
      );
      return false;
    }
  }
}

/** The state as a journal of its own. */
interface StateJournal {
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
  const isSaid = isHighwayError(error, "JOURNAL_INVALID");
  const reason = isSaid ? error.message : `the journal cannot be read: ${describe(error)}`;
  return errorOf("JOURNAL_INVALID", `${reason} (entry ${entry}, ${length} characters)`, {
    details: { entry, length },
    help,
    cause: error,
  });
}

function lengthOf(entries: readonly string[]): number {
  return entries.reduce((length, entry) => length + entry.length, 0);
}
