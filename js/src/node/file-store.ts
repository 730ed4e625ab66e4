/** Stores the journal of an engine in a file. */

import { fstatSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { type EngineStore, lost } from "../engine/stores/store.js";
import { errorOf } from "../shared/errors.js";
import { checkOptions } from "../shared/options.js";
import { CHUNK, damaged, entryOf, isCutOff, lineOf, linesOf } from "./journal-lines.js";
import { checkWait, type FileLock, takeLock } from "./lock.js";

/** Options of {@link fileStore}. */
export interface FileStoreOptions {
  /** Seconds to wait for a folder that another engine uses; default: 0, which fails at once. */
  wait?: number | undefined;
}

/**
 * A store in a folder, for Node, Deno and Bun. Entries are on the disk before the engine acts on them, so they survive
 * the end of the process at any moment. If the process ended while writing, the incomplete last entry is dropped. Any
 * other damage is an error with the file and the offset. That includes zeros at the end, which some file systems leave
 * after a power failure, because they may replace several entries. A journal that was emptied or cut between two
 * entries cannot be recognized as damaged. One engine at a time, on one machine, can use a folder.
 *
 * @example
 * ```js
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { Driver } from "highway-wasm";
 * import { LocalEngine } from "highway-wasm/engine";
 * import { fileStore } from "highway-wasm/node";
 *
 * const folder = await mkdtemp(`${tmpdir()}/journal-`);
 * const tools = { "notes.add": () => "noted" };
 * const first = new LocalEngine({ tools, store: fileStore(folder) });
 * const driver = new Driver({ engine: first });
 * driver.tool("note", "notes.add");
 * const { runId } = await driver.run();
 * await first.close();
 *
 * const second = new LocalEngine({ tools, store: fileStore(folder) });
 * const { state } = await new Driver({ engine: second }).status(runId);
 * console.log(state); // completed
 * await second.close();
 * await rm(folder, { recursive: true });
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 * @throws {ExecutionError} at the engine's first use: `STORE_IN_USE` if another engine uses the folder,
 *   `JOURNAL_INVALID` if the journal is damaged or cannot be read.
 */
export function fileStore(folder: string, options: FileStoreOptions = {}): EngineStore {
  checkOptions(options, ["wait"], "the store");
  const wait = checkWait(options.wait);
  const path = `${folder}/journal`;
  const fresh = `${folder}/journal.new`;
  let opened: OpenJournal | undefined;

  const open = async (signal?: AbortSignal): Promise<OpenJournal> => {
    const fs = await import("node:fs/promises");
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await takeLock(`${folder}/lock`, `the folder \`${folder}\``, wait, signal);
    try {
      // Remains of an interrupted replacement. The journal is unchanged.
      await fs.rm(fresh, { force: true });
      const file = await fs.open(path, "a+", 0o600);
      opened = { lock, file, end: 0, failure: undefined };
      await syncFolder(folder);
      return opened;
    } catch (error) {
      if (!opened) await lock.release();
      throw error;
    }
  };
  /** The open journal. Fails if another program has written to it. */
  const own = (): OpenJournal => {
    if (!opened) throw errorOf("JOURNAL_INVALID", `the journal \`${path}\` is not open`);
    if (opened.failure) throw opened.failure.error;
    opened.lock.check();
    const [kept, found] = [fstatSync(opened.file.fd), statSync(path)];
    if (found.ino !== kept.ino || found.size !== opened.end) throw lost("the journal");
    return opened;
  };
  return {
    name: `the journal \`${path}\``,
    async *load(signal) {
      const journal = await open(signal);
      const { size } = await journal.file.stat();
      for await (const line of linesOf(journal.file, path)) {
        const to = line.from + line.bytes.length;
        const entry = entryOf(line, path);
        if (entry === undefined) {
          // Cutting here would lose the entries after a damaged one, or an entry that is complete.
          if (to < size || !isCutOff(line)) throw damaged(line, path);
          await journal.file.truncate(journal.end);
          return;
        }
        journal.end = to;
        yield entry;
      }
    },
    async append(entries) {
      const journal = own();
      try {
        journal.end += await writeLines(journal.file, entries);
        await journal.file.datasync();
      } catch (error) {
        journal.failure = { error };
        throw error;
      }
    },
    async replace(entries) {
      const journal = own();
      const fs = await import("node:fs/promises");
      let next: FileHandle | undefined;
      let end = 0;
      try {
        next = await fs.open(fresh, "ax+", 0o600);
        end = await writeLines(next, entries);
        await next.sync();
        own();
      } catch (error) {
        // The stored journal is unchanged.
        await next?.close();
        await fs.rm(fresh, { force: true });
        throw error;
      }
      try {
        // Windows cannot replace a file that is open.
        await journal.file.close();
        await next.close();
        await fs.rename(fresh, path);
        await syncFolder(folder);
        journal.file = await fs.open(path, "a+", 0o600);
        journal.end = end;
      } catch (error) {
        journal.failure = { error };
        throw error;
      }
    },
    async close() {
      const journal = opened;
      opened = undefined;
      try {
        await journal?.file.close();
      } finally {
        await journal?.lock.release();
      }
    },
  };
}

/** A journal in use. */
interface OpenJournal {
  readonly lock: FileLock;
  file: FileHandle;
  /** Length in bytes. */
  end: number;
  /** After a failure the file's content is unknown, so nothing more is appended. */
  failure: { readonly error: unknown } | undefined;
}

/** Writes entries in batches, and returns their length in bytes. */
async function writeLines(file: FileHandle, entries: Iterable<string>): Promise<number> {
  let text = "";
  let written = 0;
  const flush = async (): Promise<void> => {
    await file.appendFile(text);
    written += Buffer.byteLength(text);
    text = "";
  };
  for (const entry of entries) {
    text += lineOf(entry);
    if (text.length >= CHUNK) await flush();
  }
  if (text !== "") await flush();
  return written;
}

/** Waits until the names in a folder are on the disk. Windows does this by itself and has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const fs = await import("node:fs/promises");
  const handle = await fs.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
