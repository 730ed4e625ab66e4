/** The journal of an engine in the storage of a Durable Object of Cloudflare. */

import type { EngineStore } from "./store.js";

/** The storage of a Durable Object (`ctx.storage`), as far as a store needs it. */
export interface DurableObjectStorageLike {
  /** Where the class is not backed by SQLite it throws. */
  readonly sql?: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> };
  transactionSync?<T>(work: () => T): T;
  sync?(): Promise<void>;
  get(key: string): Promise<unknown>;
  put(entries: Record<string, unknown>): Promise<void>;
  delete(keys: string[]): Promise<unknown>;
  list(options: { prefix: string; limit: number; startAfter?: string }): Promise<Map<string, unknown>>;
}

/** Characters of a piece in a row of SQLite, which takes 2 MB. */
const SQL_PIECE = 500_000;
/** Characters of a piece under a key, which takes 128 KiB; a character has up to two bytes there. */
const KEY_PIECE = 60_000;
/** Pieces that are read, written or deleted at once. */
const BATCH = 128;

/**
 * A store in the storage of a Durable Object, `ctx.storage`: in a table `highway_journal` where the class is backed by SQLite, else
 * under keys that begin with `highway:`. Long entries are kept in pieces. A Durable Object exists once, so one engine uses it;
 * make it in the constructor.
 *
 * The object is stopped when nobody asks it anything, with its timers: `onWake` sets an alarm, and the alarm wakes the engine.
 *
 * @example
 * <!-- not run: only Cloudflare Workers have Durable Objects; the example of the README is the same, and runs in workerd -->
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
  return sql && storage.transactionSync ? inTable(storage, sql) : inKeys(storage);
}

function sqlOf(storage: DurableObjectStorageLike): DurableObjectStorageLike["sql"] {
  try {
    // It is there in all classes, but refuses to work in those that are not backed by SQLite.
    storage.sql?.exec("SELECT 1");
    return storage.sql;
  } catch {
    return undefined;
  }
}

function inTable(
  storage: DurableObjectStorageLike,
  sql: NonNullable<DurableObjectStorageLike["sql"]>,
): EngineStore {
  const insert = (entries: Iterable<string>): void => {
    for (const entry of entries) {
      for (const { text, isLast } of piecesOf(entry, SQL_PIECE)) {
        sql.exec("INSERT INTO highway_journal (text, is_last) VALUES (?, ?)", text, Number(isLast));
      }
    }
  };
  const synced = syncOf(storage, { isAtomic: true });
  const write = (change: () => void): Promise<void> => synced(() => storage.transactionSync?.(change));
  return {
    *load() {
      sql.exec(
        "CREATE TABLE IF NOT EXISTS highway_journal (id INTEGER PRIMARY KEY, text TEXT NOT NULL, is_last INTEGER NOT NULL)",
      );
      let entry = "";
      for (let last = 0; ; ) {
        const query = `SELECT id, text, is_last FROM highway_journal WHERE id > ? ORDER BY id LIMIT ${BATCH}`;
        // No cursor stays open while the engine works.
        const rows = [...sql.exec(query, last)] as { id: number; text: string; is_last: number }[];
        for (const { id, text, is_last } of rows) {
          last = id;
          entry += text;
          if (!is_last) continue;
          yield entry;
          entry = "";
        }
        if (rows.length < BATCH) return;
      }
    },
    append: (entries) => write(() => insert(entries)),
    replace: (entries) =>
      write(() => {
        sql.exec("DELETE FROM highway_journal");
        insert(entries);
      }),
  };
}

/** The key that names the journal in use; its number is part of the keys of the pieces. */
const CURRENT = "highway:current";
const prefixOf = (journal: number): string => `highway:${String(journal).padStart(10, "0")}:`;

function inKeys(storage: DurableObjectStorageLike): EngineStore {
  const synced = syncOf(storage);
  let current = 0;
  /** How many pieces there are. */
  let end = 0;
  const keyOf = (journal: number, at: number): string => prefixOf(journal) + String(at).padStart(15, "0");

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

  /** Writes pieces from a position on; gives where they end. */
  const write = async (journal: number, from: number, entries: Iterable<string>): Promise<number> => {
    let at = from;
    let batch: Record<string, string> = {};
    // Nothing is waited for in between, so the runtime writes all batches at once or none.
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
      current = ((await storage.get(CURRENT)) as number | undefined) ?? 0;
      // What an interrupted replacement left behind.
      for (const other of [current - 1, current + 1]) await remove(prefixOf(other));
      let entry = "";
      let at = 0;
      for await (const page of pages(prefixOf(current))) {
        for (const [, piece] of page as [string, string][]) {
          at += 1;
          entry += piece.slice(1);
          if (!piece.startsWith(".")) continue;
          end = at;
          yield entry;
          entry = "";
        }
      }
      // An entry that was cut off.
      if (end < at) await remove(prefixOf(current), end > 0 ? keyOf(current, end - 1) : undefined);
    },
    async append(entries) {
      await synced(async () => {
        end = await write(current, end, entries);
      });
    },
    async replace(entries) {
      const old = current;
      const next = current + 1;
      // What an attempt that failed left behind.
      await remove(prefixOf(next));
      const written = await write(next, 0, entries);
      await synced(async () => {
        await storage.put({ [CURRENT]: next });
        [current, end] = [next, written];
      });
      // What stays is removed at the next opening.
      await remove(prefixOf(old)).catch(() => {});
    },
  };
}

/**
 * Gives how to write and wait for the disk. After a failure nobody knows what is there, so nothing more is written; unless the
 * write itself failed and `isAtomic`.
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

/** The text of an entry in pieces that are not too long; never inside a character. */
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
