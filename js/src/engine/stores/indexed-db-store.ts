/** Stores the journal of an engine in a browser's IndexedDB. */

import { uuid } from "../../shared/environment.js";
import { errorOf, type HighwayError, isHighwayError } from "../../shared/errors.js";
import { type PageLock, pageLock } from "./page-lock.js";
import { type EngineStore, storeFailed } from "./store.js";

/** The database's object stores: the entries by number, and the owner under {@link CURRENT}. */
const JOURNAL = "journal";
const OWNER = "owner";
const VERSION = 2;
const CURRENT = "current";
/** Key of the id of an owner that has released the database. */
const GONE = "gone";
/** Entries to read at once. */
const PAGE = 1000;
/**
 * Milliseconds between two heartbeats of an owner, and between two looks at them. Browsers extend them to a minute in
 * hidden pages.
 */
const BEAT = 10_000;
const LOOK = 1000;
/**
 * Looks without a heartbeat after which an owner counts as gone. Looks are counted instead of time, because clocks
 * continue while a machine sleeps.
 */
const LOOKS = 120;

interface Owner {
  readonly id: string;
  /** Number of owners so far. */
  readonly epoch: number;
  /** Number of entries in the journal; undefined if not known yet. */
  readonly entries: number | undefined;
  /** Changes with each heartbeat. */
  readonly beats: number;
}

/**
 * A store in a browser's IndexedDB. `name` is the name of the database. One engine at a time can use it. Another engine
 * waits until the first is closed, or its page is closed or in the back/forward cache. A page that returns from that
 * cache continues, if no other engine has used the database meanwhile. Otherwise its engine stops with `STORE_IN_USE`,
 * and the page must create another one.
 *
 * The browser's Web Locks decide which engine has the database. Pages without a secure context (plain HTTP) have no Web
 * Locks. There an owner sends heartbeats, and counts as gone after two minutes without one. In both cases, each
 * transaction checks that the engine still owns the database.
 *
 * If the browser has no space left, the engine stops.
 *
 * @example <!-- not run: only browsers have IndexedDB -->
 * ```js
 * import { indexedDbStore, LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({ store: indexedDbStore("my-workflows") });
 * ```
 *
 * @throws {ExecutionError} `JOURNAL_INVALID` at the engine's first use, if the browser keeps no data for this page, or
 *   the database belongs to another program.
 */
export function indexedDbStore(name: string): EngineStore {
  let opened: Connection | undefined;
  return {
    name: `the database \`${name}\``,
    async *load(signal) {
      opened = await Connection.open(name, signal);
      yield* opened.entries();
    },
    async append(entries) {
      await connected(opened, name).write((journal, count) => count + added(journal, entries));
    },
    async replace(entries) {
      await connected(opened, name).write((journal) => {
        journal.clear();
        return added(journal, entries);
      });
    },
    async close() {
      const connection = opened;
      opened = undefined;
      await connection?.close();
    },
  };
}

function connected(opened: Connection | undefined, name: string): Connection {
  if (opened) return opened;
  throw errorOf("JOURNAL_INVALID", `the database \`${name}\` is not open`);
}

function added(journal: IDBObjectStore, entries: Iterable<string>): number {
  let count = 0;
  for (const entry of entries) {
    journal.add(entry);
    count += 1;
  }
  return count;
}

/** A database that this store owns. */
class Connection {
  readonly #name: string;
  readonly #database: IDBDatabase;
  readonly #id = uuid();
  #lock: PageLock;
  #count = 0;
  /** Why this store no longer owns the database. */
  #lost: HighwayError | undefined;
  #beating: ReturnType<typeof setInterval> | undefined;
  /** Fulfilled when the page returns from the back/forward cache; undefined while it is not there. */
  #away: Promise<void> | undefined;
  #comeBack: () => void = () => {};

  /** Waits until the database is free, and takes it. */
  static async open(name: string, signal: AbortSignal | undefined): Promise<Connection> {
    const lock = await pageLock(`highway-wasm:${name}`, signal);
    let database: IDBDatabase | undefined;
    try {
      database = await open(name);
      const connection = new Connection(name, database, lock);
      await connection.#take(signal);
      return connection;
    } catch (error) {
      database?.close();
      lock.release();
      throw error;
    }
  }

  private constructor(name: string, database: IDBDatabase, lock: PageLock) {
    [this.#name, this.#database, this.#lock] = [name, database, lock];
    const lose = (): void => {
      this.#lost ??= errorOf(
        "JOURNAL_INVALID",
        `the database \`${name}\` was deleted or changed by another program`,
        { help: "reload the page; where the browser's data was cleared, runs begin anew" },
      );
    };
    // Close at once when another program wants to delete or change the database: nothing can be stored in it any more.
    database.onversionchange = () => {
      database.close();
      lose();
    };
    database.onclose = lose;
  }

  /** Records this store as the owner, once there is no other. */
  async #take(signal: AbortSignal | undefined): Promise<void> {
    let seen: string | undefined;
    for (let looks = 0; ; looks++) {
      let owner: Owner | undefined;
      const isTaken = await this.#transact((owners) => {
        const [current, gone] = [owners.get(CURRENT), owners.get(GONE)];
        gone.onsuccess = () => {
          owner = current.result as Owner | undefined;
          // Holding the Web Lock means that there is no other owner.
          const isFree = this.#lock.isCertain || owner === undefined || gone.result === owner.id;
          if (!isFree && looks < LOOKS) return;
          owners.put(this.#owner((owner?.epoch ?? 0) + 1, owner?.entries), CURRENT);
        };
      }).then(async () => (await this.#current())?.id === this.#id);
      if (isTaken) break;
      const sign = `${owner?.id} ${owner?.beats}`;
      if (sign !== seen) [seen, looks] = [sign, 0];
      await sleep(LOOK, signal);
    }
    const events = globalThis as Partial<Pick<Window, "addEventListener">>;
    events.addEventListener?.("pagehide", this.#hidden);
    events.addEventListener?.("pageshow", this.#shown);
    if (!this.#lock.isCertain) this.#beating = setInterval(this.#beat, BEAT);
  }

  /** The stored entries. */
  async *entries(): AsyncGenerator<string> {
    const expected = (await this.#current())?.entries;
    for (let range: IDBKeyRange | null = null; ; ) {
      const journal: IDBObjectStore = this.#database.transaction(JOURNAL).objectStore(JOURNAL);
      const [keys, entries] = (await Promise.all([
        settled(journal.getAllKeys(range, PAGE)),
        settled(journal.getAll(range, PAGE)),
      ])) as [IDBValidKey[], string[]];
      this.#count += entries.length;
      yield* entries;
      if (keys.length < PAGE) break;
      range = IDBKeyRange.lowerBound(keys.at(-1), true);
    }
    // An older version did not record the number of entries.
    if (expected !== undefined && expected !== this.#count) {
      const found = `it holds ${this.#count} entries in the place of ${expected}`;
      throw errorOf("JOURNAL_INVALID", `the database \`${this.#name}\` is damaged: ${found}`, {
        help: "delete the database to begin anew",
      });
    }
  }

  /** Changes the journal in one transaction. `change` gets the number of entries and returns the new one. */
  async write(change: (journal: IDBObjectStore, count: number) => number): Promise<void> {
    while (this.#away) await this.#away;
    let count = this.#count;
    await this.#asOwner((owner, transaction) => {
      count = change(transaction.objectStore(JOURNAL), this.#count);
      return { ...owner, entries: count };
    });
    this.#count = count;
  }

  async close(): Promise<void> {
    const events = globalThis as Partial<Pick<Window, "removeEventListener">>;
    events.removeEventListener?.("pagehide", this.#hidden);
    events.removeEventListener?.("pageshow", this.#shown);
    clearInterval(this.#beating);
    this.#comeBack();
    try {
      await this.#transact((owners) => owners.put(this.#id, GONE));
    } catch {
      // The database is deleted or cannot be written to. Releasing the lock has the same effect.
    }
    this.#database.close();
    this.#lock.release();
  }

  /** Releases the database when the page is hidden. A page in the back/forward cache may return. */
  readonly #hidden = (event: { persisted?: boolean }): void => {
    this.#transact((owners, transaction) => {
      owners.put(this.#id, GONE);
      transaction.commit?.();
    }).catch(() => {});
    if (!event.persisted) return;
    clearInterval(this.#beating);
    this.#lock.release();
    this.#away = new Promise((resolve) => {
      this.#comeBack = resolve;
    });
  };

  readonly #shown = (event: { persisted?: boolean }): void => {
    if (!event.persisted || !this.#away) return;
    this.#takeAgain()
      .catch((error: unknown) => {
        this.#lost ??= isHighwayError(error) ? error : this.#taken();
      })
      .finally(() => {
        this.#away = undefined;
        this.#comeBack();
      });
  };

  async #takeAgain(): Promise<void> {
    const lock = await this.#lock.again();
    if (lock === undefined) throw this.#taken();
    this.#lock = lock;
    await this.#asOwner((owner, transaction) => {
      transaction.objectStore(OWNER).delete(GONE);
      return owner;
    });
    if (!lock.isCertain) this.#beating = setInterval(this.#beat, BEAT);
  }

  readonly #beat = (): void => {
    this.#asOwner((owner) => ({ ...owner, beats: owner.beats + 1 })).catch(() =>
      clearInterval(this.#beating),
    );
  };

  #owner(epoch: number, entries: number | undefined): Owner {
    return { id: this.#id, epoch, entries, beats: 0 };
  }

  async #current(): Promise<Owner | undefined> {
    return await settled(this.#database.transaction(OWNER).objectStore(OWNER).get(CURRENT));
  }

  /** A transaction that is aborted if the database has another owner. */
  #asOwner(change: (owner: Owner, transaction: IDBTransaction) => Owner): Promise<void> {
    return this.#transact((owners, transaction, giveUp) => {
      const asked = owners.get(CURRENT);
      asked.onsuccess = () => {
        try {
          const owner = asked.result as Owner | undefined;
          if (owner?.id !== this.#id) throw this.#taken();
          owners.put(change(owner, transaction), CURRENT);
        } catch (error) {
          giveUp(error);
        }
      };
    });
  }

  /** A transaction on both object stores. Fulfilled when it is complete. */
  #transact(
    work: (owners: IDBObjectStore, transaction: IDBTransaction, giveUp: (error: unknown) => void) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#lost) throw this.#lost;
      const both = [JOURNAL, OWNER];
      const transaction = this.#database.transaction(both, "readwrite", { durability: "strict" });
      const giveUp = (error: unknown): void => {
        reject(error);
        transaction.abort();
      };
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(this.#lost ?? transaction.error ?? new DOMException("", "AbortError"));
      work(transaction.objectStore(OWNER), transaction, giveUp);
    });
  }

  #taken(): HighwayError {
    return errorOf("STORE_IN_USE", `the database \`${this.#name}\` was taken over by another page`, {
      help: "reload the page: the engine of the other one continues the runs, and this one has stopped",
    });
  }
}

async function open(name: string): Promise<IDBDatabase> {
  if (globalThis.indexedDB === undefined) {
    throw errorOf("JOURNAL_INVALID", "there is no IndexedDB here", {
      help: "only browsers have it; `highway-wasm/node` has stores for Node, `durableObjectStore` is for Cloudflare Workers",
    });
  }
  try {
    let isForeign = false;
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => {
      const { result, transaction } = request;
      isForeign = oldVersion > 0 && !result.objectStoreNames.contains(JOURNAL);
      if (isForeign) return transaction?.abort();
      if (oldVersion === 0) result.createObjectStore(JOURNAL, { autoIncrement: true });
      result.createObjectStore(OWNER);
    };
    const found = await settled(request).catch((error: unknown) => {
      throw isForeign ? new DOMException("", "NotFoundError") : error;
    });
    if ([JOURNAL, OWNER].every((store) => found.objectStoreNames.contains(store))) return found;
    found.close();
    throw new DOMException("", "NotFoundError");
  } catch (error) {
    const help =
      "private windows and full disks can be the reason; another program's database needs another name";
    throw storeFailed(`the database \`${name}\` could not be opened`, error, help);
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("", "UnknownError"));
  });
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}
