/** Stores the journal of an engine in a SQLite database. */

import { type EngineStore, lost, storeFailed } from "../engine/stores/store.js";
import { builtinModule } from "../shared/environment.js";
import { errorOf } from "../shared/errors.js";
import { checkOptions, invalid } from "../shared/options.js";
import { attempts, checkWait, type FileLock, inUse, takeLock } from "./lock.js";

/** Entries to read at once. */
const PAGE = 500;
/** Milliseconds to wait for another program that writes to the database. */
const BUSY = 1000;

/** The part of an open database of `better-sqlite3` or `node:sqlite` that the store uses. */
export interface SqliteDatabaseLike {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...parameters: unknown[]): unknown;
    all(...parameters: unknown[]): unknown[];
  };
}

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** Seconds to wait for a database that another engine uses; default: 0, which fails at once. */
  wait?: number | undefined;
}

/**
 * A store in a SQLite database. Pass an open database of `better-sqlite3` or `node:sqlite` (`DatabaseSync`), or the
 * path of a file, which requires Node 22.5 or newer. Entries are on the disk before the engine acts on them.
 *
 * A file beside the database, with the suffix `-lock`, records which engine uses it. A database that was passed in
 * stays open when the engine is closed. Another program that writes to the database delays the engine.
 *
 * @example <!-- not run: Node 20 has no `node:sqlite` -->
 * ```js
 * import { LocalEngine } from "highway-wasm/engine";
 * import { sqliteStore } from "highway-wasm/node";
 *
 * const engine = new LocalEngine({ store: sqliteStore("runs.db") });
 * await engine.close();
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`, also for a path without `node:sqlite`.
 * @throws {ExecutionError} at the engine's first use: `STORE_IN_USE` if another engine or program uses the database,
 *   `JOURNAL_INVALID` if it cannot be read.
 */
export function sqliteStore(
  database: string | SqliteDatabaseLike,
  options: SqliteStoreOptions = {},
): EngineStore {
  checkOptions(options, ["wait"], "the store");
  const wait = checkWait(options.wait);
  const { name, find, release } = typeof database === "string" ? fileOf(database) : given(database);
  let opened: Owned | undefined;

  /** Changes the journal in one transaction. `work` returns the new number of entries. */
  const change = (work: (owned: Owned) => number): void => {
    const owned = opened;
    if (!owned) throw errorOf("JOURNAL_INVALID", `${name} is not open`);
    const count = atOnce(owned.database, () => {
      if (ownerOf(owned.database)?.epoch !== owned.epoch) throw lost(name);
      const count = work(owned);
      owned.database.prepare("UPDATE highway_owner SET entries = ?").run(count);
      return count;
    });
    owned.count = count;
  };
  const insert = ({ database }: Owned, entries: Iterable<string>): number => {
    const statement = database.prepare("INSERT INTO highway_journal (entry) VALUES (?)");
    let count = 0;
    for (const entry of entries) {
      statement.run(entry);
      count += 1;
    }
    return count;
  };
  return {
    name,
    async *load(signal) {
      const database = find();
      let owned: Owned;
      try {
        owned = await take(database, name, wait, signal);
      } catch (error) {
        release(database);
        throw error;
      }
      opened = owned;
      const page = database.prepare(
        `SELECT id, entry FROM highway_journal WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
      );
      const { entries } = ownerOf(database) ?? {};
      for (let last = 0; ; ) {
        const rows = page.all(last) as { id: number; entry: string }[];
        owned.count += rows.length;
        for (const { entry } of rows) yield entry;
        if (rows.length < PAGE) break;
        last = rows.at(-1)?.id ?? last;
      }
      // An older version did not record the number of entries.
      if (typeof entries === "number" && owned.count !== entries)
        throw incomplete(name, owned.count, entries);
    },
    async append(entries) {
      change((owned) => owned.count + insert(owned, entries));
    },
    async replace(entries) {
      change((owned) => {
        owned.database.exec("DELETE FROM highway_journal");
        return insert(owned, entries);
      });
    },
    async close() {
      const owned = opened;
      opened = undefined;
      if (!owned) return;
      try {
        release(owned.database);
      } finally {
        await owned.lock.release();
      }
    },
  };
}

/** A database that this store owns. */
interface Owned {
  readonly database: SqliteDatabaseLike;
  readonly lock: Pick<FileLock, "release">;
  /** Number of owners so far; changes with each owner. */
  readonly epoch: number;
  /** Number of entries. */
  count: number;
}

/** Where a database comes from, and how it is released. */
interface Source {
  /** Name of the database in messages. */
  readonly name: string;
  readonly find: () => SqliteDatabaseLike;
  /** Called after use, and if the database could not be taken. */
  readonly release: (found: SqliteDatabaseLike) => void;
}

/** A database that the caller opened and closes. */
function given(database: SqliteDatabaseLike): Source {
  if (!(typeof database?.exec === "function" && typeof database.prepare === "function")) {
    const help = "pass a `Database` of better-sqlite3, a `DatabaseSync` of node:sqlite, or a path";
    throw invalid("the database is neither a path nor a database of SQLite", "", help);
  }
  return { name: "the database", find: () => database, release: () => {} };
}

/** A file, opened with `node:sqlite`. */
function fileOf(path: string): Source {
  const sqlite = builtinModule<{ DatabaseSync: new (path: string) => DatabaseFile }>("node:sqlite");
  if (sqlite?.DatabaseSync === undefined) {
    const help = "use Node 22.5 or newer, or pass a `Database` of better-sqlite3";
    throw invalid("this runtime has no `node:sqlite` to open a path with", "", help);
  }
  const find = (): DatabaseFile => {
    try {
      return new sqlite.DatabaseSync(path);
    } catch (error) {
      const help = "its folder has to exist, and the process has to be allowed to write there";
      throw storeFailed(`the database \`${path}\` could not be opened`, error, help);
    }
  };
  const close = (found: SqliteDatabaseLike): void => (found as DatabaseFile).close();
  return { name: `the database \`${path}\``, find, release: close };
}

interface DatabaseFile extends SqliteDatabaseLike {
  close(): void;
}

/** Databases in memory that engines use. */
const inUseHere = new WeakSet<SqliteDatabaseLike>();

/**
 * Takes a database. SQLite's own exclusive mode would also keep others out, but programs that wait for it may block
 * each other for ever, and libraries in one process ignore each other's locks.
 */
async function take(
  database: SqliteDatabaseLike,
  name: string,
  wait: number,
  signal: AbortSignal | undefined,
): Promise<Owned> {
  const [main] = database.prepare("PRAGMA database_list").all() as { file?: string | null }[];
  const lock = main?.file
    ? await takeLock(`${main.file}-lock`, name, wait, signal)
    : lockHere(database, name);
  try {
    // Another program may be writing to it.
    const epoch = await attempts(() => claim(database), wait, signal);
    if (epoch === undefined) throw inUse(`${name} is in use by another program`);
    return { database, lock, epoch, count: 0 };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function lockHere(database: SqliteDatabaseLike, name: string): Pick<FileLock, "release"> {
  if (inUseHere.has(database)) throw inUse(`${name} is in use`);
  inUseHere.add(database);
  return { release: async () => void inUseHere.delete(database) };
}

/** The number of the new owner; undefined if another program has locked the database. */
function claim(database: SqliteDatabaseLike): number | undefined {
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    return atOnce(database, () => {
      database.exec(TABLES);
      database.exec("UPDATE highway_owner SET epoch = epoch + 1");
      return ownerOf(database)?.epoch;
    });
  } catch (error) {
    if (!isBusy(error)) throw error;
    return undefined;
  }
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS highway_journal (id INTEGER PRIMARY KEY, entry TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS highway_owner (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, entries INTEGER);
  INSERT OR IGNORE INTO highway_owner (id, epoch) VALUES (1, 0)`;

function ownerOf(database: SqliteDatabaseLike): { epoch: number; entries: number | null } | undefined {
  const [owner] = database.prepare("SELECT epoch, entries FROM highway_owner").all();
  return owner as { epoch: number; entries: number | null } | undefined;
}

function incomplete(name: string, count: number, entries: number): Error {
  return errorOf(
    "JOURNAL_INVALID",
    `${name} is damaged: it holds ${count} entries in the place of ${entries}`,
    {
      details: { entries: count, expected: entries },
      help: "restore it from a copy, or remove the tables `highway_journal` and `highway_owner` to begin anew",
    },
  );
}

/** The two libraries report a locked database in different ways. */
function isBusy(error: unknown): boolean {
  const { code, errcode } = Object(error) as { code?: unknown; errcode?: unknown };
  return String(code).startsWith("SQLITE_BUSY") || (typeof errcode === "number" && (errcode & 0xff) === 5);
}

/** Changes a database in one transaction. */
function atOnce<T>(database: SqliteDatabaseLike, change: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const value = change();
    database.exec("COMMIT");
    return value;
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // After some failures the transaction is already rolled back.
    }
    throw error;
  }
}
