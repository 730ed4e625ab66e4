/** Stores the journal of an engine in a Cloudflare Durable Object. */

import { errorOf, type HighwayError } from "../../shared/errors.js";
import { type EngineStore, lost } from "./store.js";

/** The part of a Durable Object's storage (`ctx.storage`) that the store uses. */
export interface DurableObjectStorageLike {
  /** Throws if the class is not backed by SQLite. */
  readonly sql?: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> };
  transactionSync?<T>(work: () => T): T;
  sync?(): Promise<void>;
  get(key: string): Promise<unknown>;
  put(entries: Record<string, unknown>): Promise<void>;
  delete(keys: string[]): Promise<unknown>;
  list(options: { prefix: string; limit: number; startAfter?: string }): Promise<Map<string, unknown>>;
}

/** Characters of a piece in a SQLite row, which holds 2 MB. */
const SQL_PIECE = 500_000;
/** Characters of a piece under a key, which holds 128 KiB; a character takes up to two bytes there. */
const KEY_PIECE = 60_000;
/** Pieces to read, write or delete at once. */
const BATCH = 128;

/**
 * A store in the storage of a Durable Object, `ctx.storage`. It uses a table `highway_journal` if the class is backed
 * by SQLite, otherwise keys that begin with `highway:`. Long entries are stored in pieces. A Durable Object exists
 * once, so one engine uses the store; create it in the constructor.
 *
 * Cloudflare stops an object without requests, and its timers with it. Therefore `onWake` sets an alarm, and the alarm
 * wakes the engine.
 *
 * @example <!-- not run: only Cloudflare Workers have Durable Objects; the example in docs/engine.md is the same, and
 *   runs in workerd -->
 * ```js
 * import { DurableObject } from "cloudflare:workers";
 * import { durableObjectStore, LocalEngine } from "highway-wasm/engine";
 *
 * export class Workflows extends DurableObject {
 *   constructor(ctx, env) {
 *     super(ctx, env);
 *     this.engine = new LocalEngine({
 *       store: durableObjectStore(ctx.storage),
 *       onWake: (at) => ctx.storage.setAlarm(at),
 *     });
 *   }
 *   fetch(request) {
 *     return this.engine.fetch(request);
 *   }
 *   alarm() {
 *     return this.engine.wake();
 *   }
 * }
 * ```
 */
export function durableObjectStore(storage: DurableObjectStorageLike): EngineStore {
  const sql = sqlOf(storage);
  const store = sql && storage.transactionSync ? inTable(storage, sql) : inKeys(storage);
  let isOurs = false;
  const checkOpen = (): void => {
    if (!isOurs) throw errorOf("JOURNAL_INVALID", "the storage is not open");
  };
  return {
    name: JOURNAL_NAME,
    async append(entries) {
      checkOpen();
      await store.append(entries);
    },
    async replace(entries) {
      checkOpen();
      await store.replace(entries);
    },
    async *load(signal) {
      if (inUse.has(storage)) {
        throw errorOf("STORE_IN_USE", "the storage is in use by another engine of this object", {
          help: "make one engine for each object, in its constructor",
        });
      }
      inUse.add(storage);
      isOurs = true;
      yield* store.load(signal);
    },
    async close() {
      if (isOurs) inUse.delete(storage);
      isOurs = false;
    },
  };
}

const JOURNAL_NAME = "the journal in the storage of the object";

/** Storages that an engine uses. If Cloudflare stops the object, this set is gone too. */
const inUse = new WeakSet<DurableObjectStorageLike>();

/** The owner of the journal, and the journal's length. */
interface Owner {
  /** Number of owners so far; changes with each owner. */
  readonly epoch: number;
  /** Number of pieces; undefined if an older version wrote them. */
  readonly pieces: number | undefined;
}

/** Checks that this store still owns the journal, before a write. */
function checkOwner(owner: Owner | undefined, epoch: number): void {
  if (owner === undefined) throw damaged("it was cleared while an engine used it");
  if (owner.epoch !== epoch) throw lost("the storage");
}

function damaged(what: string): HighwayError {
  return errorOf("JOURNAL_INVALID", `${JOURNAL_NAME} is damaged: ${what}`, {
    help: "only the engine may write to it; to start over, clear the storage while no engine uses it",
  });
}

function sqlOf(storage: DurableObjectStorageLike): DurableObjectStorageLike["sql"] {
  try {
    // All classes have `sql`, but it throws if the class is not backed by SQLite.
    storage.sql?.exec("SELECT 1");
    return storage.sql;
  } catch {
    return undefined;
  }
}

function inTable(
  storage: DurableObjectStorageLike,
  sql: NonNullable<DurableObjectStorageLike["sql"]>,
): Required<Omit<EngineStore, "close" | "name">> {
  let epoch = 0;
  let count = 0;
  const insert = (entries: Iterable<string>): number => {
    let pieces = 0;
    for (const entry of entries) {
      for (const { text, isLast } of piecesOf(entry, SQL_PIECE)) {
        sql.exec("INSERT INTO highway_journal (text, is_last) VALUES (?, ?)", text, Number(isLast));
        pieces += 1;
      }
    }
    return pieces;
  };
  const ownerNow = (): Owner | undefined => {
    try {
      const [owner] = sql.exec("SELECT epoch, pieces FROM highway_owner");
      return (
        owner && { epoch: Number(owner["epoch"]), pieces: (owner["pieces"] as number | null) ?? undefined }
      );
    } catch {
      // The table does not exist.
      return undefined;
    }
  };
  let synced = syncOf(storage, { isAtomic: true });
  /** Changes the journal in one transaction. `change` returns the new number of pieces. */
  const write = (change: () => number): Promise<void> =>
    synced(() => {
      let pieces = count;
      storage.transactionSync?.(() => {
        checkOwner(ownerNow(), epoch);
        pieces = change();
        sql.exec("UPDATE highway_owner SET pieces = ?", pieces);
      });
      count = pieces;
    });
  return {
    *load() {
      synced = syncOf(storage, { isAtomic: true });
      storage.transactionSync?.(() => {
        for (const statement of TABLES) sql.exec(statement);
        epoch = ownerNow()?.epoch ?? 0;
      });
      count = 0;
      let entry: string | undefined;
      for (let last = 0; ; ) {
        const query = `SELECT id, text, is_last FROM highway_journal WHERE id > ? ORDER BY id LIMIT ${BATCH}`;
        // No cursor may stay open while the engine works.
        const rows = [...sql.exec(query, last)] as { id: number; text: string; is_last: number }[];
        count += rows.length;
        for (const { id, text, is_last } of rows) {
          last = id;
          entry = (entry ?? "") + text;
          if (!is_last) continue;
          yield entry;
          entry = undefined;
        }
        if (rows.length < BATCH) break;
      }
      const { pieces = count } = ownerNow() ?? {};
      if (count !== pieces || entry !== undefined) throw damaged(`it has ${count} pieces of ${pieces}`);
    },
    append: (entries) => write(() => count + insert(entries)),
    replace: (entries) =>
      write(() => {
        sql.exec("DELETE FROM highway_journal");
        return insert(entries);
      }),
  };
}

const TABLES = [
  "CREATE TABLE IF NOT EXISTS highway_journal (id INTEGER PRIMARY KEY, text TEXT NOT NULL, is_last INTEGER NOT NULL)",
  "CREATE TABLE IF NOT EXISTS highway_owner (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, pieces INTEGER)",
  "INSERT OR IGNORE INTO highway_owner (id, epoch) VALUES (1, 0)",
  "UPDATE highway_owner SET epoch = epoch + 1",
];

/** Key of the journal in use, its owner and its length. An older version stored only the journal's number. */
const CURRENT = "highway:current";
const prefixOf = (journal: number): string => `highway:${String(journal).padStart(10, "0")}:`;
const keyOf = (journal: number, at: number): string => prefixOf(journal) + String(at).padStart(15, "0");

interface Current extends Owner {
  /** Number of the journal, which is part of the keys of its pieces. */
  readonly journal: number;
}

function inKeys(storage: DurableObjectStorageLike): Required<Omit<EngineStore, "close" | "name">> {
  let synced = syncOf(storage);
  let current: Current = { journal: 0, epoch: 0, pieces: 0 };

  const currentNow = async (): Promise<Current | undefined> => {
    const kept = (await storage.get(CURRENT)) as Current | number | undefined;
    return typeof kept === "number" ? { journal: kept, epoch: 0, pieces: undefined } : kept;
  };

  async function* pages(prefix: string, startAfter?: string): AsyncGenerator<[string, unknown][]> {
    for (let after = startAfter; ; ) {
      const options = { prefix, limit: BATCH };
      const page = [
        ...(await storage.list(after === undefined ? options : { ...options, startAfter: after })),
      ];
      if (page.length > 0) yield page;
      if (page.length < BATCH) return;
      after = page.at(-1)?.[0];
    }
  }

  const remove = async (prefix: string, startAfter?: string): Promise<void> => {
    for await (const page of pages(prefix, startAfter)) await storage.delete(page.map(([key]) => key));
  };

  /** Writes pieces from a position on, and returns the position after the last. */
  const write = async (journal: number, from: number, entries: Iterable<string>): Promise<number> => {
    let at = from;
    let batch: Record<string, string> = {};
    // Without an `await` in between, the runtime writes all batches or none.
    const writing: Promise<void>[] = [];
    for (const entry of entries) {
      for (const { text, isLast } of piecesOf(entry, KEY_PIECE)) {
        batch[keyOf(journal, at)] = (isLast ? "." : "+") + text;
        at += 1;
        if ((at - from) % BATCH > 0) continue;
        writing.push(storage.put(batch));
        batch = {};
      }
    }
    if (Object.keys(batch).length > 0) writing.push(storage.put(batch));
    await Promise.all(writing);
    return at;
  };

  return {
    async *load() {
      synced = syncOf(storage);
      const found = (await currentNow()) ?? { journal: 0, epoch: 0, pieces: undefined };
      const { journal, pieces: expected } = found;
      // Remains of an interrupted replacement.
      for (const other of [journal - 1, journal + 1]) await remove(prefixOf(other));
      let entry: string | undefined;
      let at = 0;
      let end = 0;
      for await (const page of pages(prefixOf(journal))) {
        for (const [key, piece] of page as [string, string][]) {
          // Pieces beyond the recorded end were never acknowledged.
          if (at === expected) break;
          if (key !== keyOf(journal, at)) throw damaged(`piece ${at + 1} is missing`);
          at += 1;
          entry = (entry ?? "") + piece.slice(1);
          if (!piece.startsWith(".")) continue;
          end = at;
          yield entry;
          entry = undefined;
        }
        if (at === expected) break;
      }
      if (expected !== undefined && end < expected) throw damaged(`it has ${end} pieces of ${expected}`);
      await remove(prefixOf(journal), end > 0 ? keyOf(journal, end - 1) : undefined);
      current = { journal, epoch: found.epoch + 1, pieces: end };
      await storage.put({ [CURRENT]: current });
    },
    async append(entries) {
      await synced(async () => {
        const { journal, epoch, pieces = 0 } = current;
        checkOwner(await currentNow(), epoch);
        const next = { journal, epoch, pieces: pieces + countOf(entries, KEY_PIECE) };
        // Without an `await` in between, the runtime writes both or neither.
        const written = [write(journal, pieces, entries), storage.put({ [CURRENT]: next })];
        await Promise.all(written);
        current = next;
      });
    },
    async replace(entries) {
      const { journal: old, epoch } = current;
      const journal = old + 1;
      checkOwner(await currentNow(), epoch);
      // Remains of a failed attempt.
      await remove(prefixOf(journal));
      const pieces = await write(journal, 0, entries);
      await synced(async () => {
        checkOwner(await currentNow(), epoch);
        const next = { journal, epoch, pieces };
        await storage.put({ [CURRENT]: next });
        current = next;
      });
      // The next opening removes what remains.
      await remove(prefixOf(old)).catch(() => {});
    },
  };
}

/**
 * A function that writes and waits for the disk. After a failure the content is unknown, so it refuses all further
 * writes, unless the write itself failed and `isAtomic`.
 */
function syncOf(
  storage: DurableObjectStorageLike,
  { isAtomic = false } = {},
): (write: () => Promise<void> | void) => Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  return async (write) => {
    if (failure) throw failure.error;
    let isWritten = false;
    try {
      await write();
      isWritten = true;
      await storage.sync?.();
    } catch (error) {
      if (isWritten || !isAtomic) failure = { error };
      throw error;
    }
  };
}

/** Number of pieces that entries have. */
function countOf(entries: Iterable<string>, longest: number): number {
  let count = 0;
  for (const entry of entries) for (const _ of piecesOf(entry, longest)) count += 1;
  return count;
}

/** The pieces of an entry. A piece never ends inside a surrogate pair. */
function* piecesOf(entry: string, longest: number): Generator<{ text: string; isLast: boolean }> {
  let from = 0;
  do {
    let to = Math.min(from + longest, entry.length);
    const isHalf = to < entry.length && (entry.charCodeAt(to) & 0xfc00) === 0xdc00;
    if (isHalf) to -= 1;
    yield { text: entry.slice(from, to), isLast: to === entry.length };
    from = to;
  } while (from < entry.length);
}
