/** The journal of an engine in a SQLite database. */

import { type EngineStore, storeFailed } from "../engine/store.js";
import { builtinModule } from "../environment.js";
import { errorOf } from "../errors.js";
import { checkOptions, invalid } from "../options.js";
import { attempts, checkWait, IN_USE } from "./lock.js";

/** Entries that are read at once. */
const PAGE = 500;

/** An open database of `better-sqlite3` or of `node:sqlite`, as far as a store needs it. */
export interface SqliteDatabaseLike {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...parameters: unknown[]): unknown;
    all(...parameters: unknown[]): unknown[];
  };
}

/** How to open a database. */
export interface SqliteStoreOptions {
  /** Seconds to wait for a database that another engine uses; 0 by default, which is an error at once. */
  wait?: number | undefined;
}

/**
 * A store in a SQLite database: an open one of `better-sqlite3` or `node:sqlite` (`DatabaseSync`), or the path of a file, which
 * needs Node 22.5 or newer. Entries are on the disk before anything follows from them.
 *
 * The database is locked for as long as the engine uses it, so give the engine one of its own. A database that was passed in stays
 * open when the engine is closed.
 *
 * @example
 * <!-- not run: Node 20 has no `node:sqlite` -->
 * ```js
 * import { LocalEngine } from "highway-wasm/engine";
 * import { sqliteStore } from "highway-wasm/node";
 *
 * const engine = new LocalEngine({ store: sqliteStore("runs.db") });
 * await engine.close();
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`, also where there is a path but no `node:sqlite`.
 * @throws {ExecutionError} `JOURNAL_INVALID` when the engine first uses it: the database is in use, or cannot be read.
 */
export function sqliteStore(
  database: string | SqliteDatabaseLike,
  options: SqliteStoreOptions = {},
): EngineStore {
  checkOptions(options, ["wait"], "the store");
  const wait = checkWait(options.wait);
  const { name, find, discard, release } = typeof database === "string" ? fileOf(database) : given(database);
  let opened: SqliteDatabaseLike | undefined;

  const open = async (signal?: AbortSignal): Promise<SqliteDatabaseLike> => {
    const found = find();
    try {
      if (!(await attempts(() => take(found) || undefined, wait, signal))) {
        throw errorOf("JOURNAL_INVALID", `${name} is in use by another engine or program`, { help: IN_USE });
      }
    } catch (error) {
      discard(found);
      throw error;
    }
    opened = found;
    return found;
  };
  const insert = (journal: SqliteDatabaseLike, entries: Iterable<string>): void => {
    const statement = journal.prepare("INSERT INTO highway_journal (entry) VALUES (?)");
    for (const entry of entries) statement.run(entry);
  };
  return {
    async *load(signal) {
      const journal = opened ?? (await open(signal));
      const page = journal.prepare(
        `SELECT id, entry FROM highway_journal WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
      );
      for (let last = 0; ; ) {
        const rows = page.all(last) as { id: number; entry: string }[];
        for (const { entry } of rows) yield entry;
        if (rows.length < PAGE) return;
        last = rows.at(-1)?.id ?? last;
      }
    },
    async append(entries) {
      const journal = opened ?? (await open());
      atOnce(journal, () => insert(journal, entries));
    },
    async replace(entries) {
      const journal = opened ?? (await open());
      atOnce(journal, () => {
        journal.exec("DELETE FROM highway_journal");
        insert(journal, entries);
      });
    },
    async close() {
      const journal = opened;
      opened = undefined;
      if (journal) release(journal);
    },
  };
}

/** Where a database comes from, and what becomes of it afterwards. */
interface Source {
  /** What messages call it. */
  readonly name: string;
  readonly find: () => SqliteDatabaseLike;
  /** After it could not be taken. */
  readonly discard: (found: SqliteDatabaseLike) => void;
  /** After it was used. */
  readonly release: (found: SqliteDatabaseLike) => void;
}

/** A database that somebody else opened, and closes. */
function given(database: SqliteDatabaseLike): Source {
  if (!(typeof database?.exec === "function" && typeof database.prepare === "function")) {
    const help = "pass a `Database` of better-sqlite3, a `DatabaseSync` of node:sqlite, or a path";
    throw invalid("the database is neither a path nor one of SQLite", "", help);
  }
  return { name: "the database", find: () => database, discard: () => {}, release: giveBack };
}

/** A file, opened by `node:sqlite`. */
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
  return { name: `the database \`${path}\``, find, discard: close, release: close };
}

interface DatabaseFile extends SqliteDatabaseLike {
  close(): void;
}

/** Databases that an engine of this process uses: SQLite's own locks are between connections. */
const inUse = new WeakSet<SqliteDatabaseLike>();

/** Takes a database for itself, whatever else has it open; false where another one uses it now. */
function take(database: SqliteDatabaseLike): boolean {
  if (inUse.has(database)) return false;
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    // Only a log that was first read in the normal mode can be given back later.
    database.prepare("SELECT count(*) FROM sqlite_master").all();
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    atOnce(database, () =>
      database.exec(
        "CREATE TABLE IF NOT EXISTS highway_journal (id INTEGER PRIMARY KEY, entry TEXT NOT NULL)",
      ),
    );
  } catch (error) {
    if (!isBusy(error)) throw error;
    database.exec("PRAGMA locking_mode = NORMAL");
    return false;
  }
  inUse.add(database);
  return true;
}

/** Lets go of a database that stays open. */
function giveBack(database: SqliteDatabaseLike): void {
  inUse.delete(database);
  try {
    // The lock goes at the end of the next transaction that may write.
    database.exec("PRAGMA locking_mode = NORMAL; BEGIN IMMEDIATE; COMMIT");
  } catch {
    // It was closed before the engine was.
  }
}

/** Both libraries say it, each in its own way. */
function isBusy(error: unknown): boolean {
  const { code, errcode } = Object(error) as { code?: unknown; errcode?: unknown };
  return String(code).startsWith("SQLITE_BUSY") || (typeof errcode === "number" && (errcode & 0xff) === 5);
}

/** Changes a database as a whole or not at all. */
function atOnce(database: SqliteDatabaseLike, change: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    change();
    database.exec("COMMIT");
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // Some failures have rolled it back already.
    }
    throw error;
  }
}
