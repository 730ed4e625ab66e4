/** The journal of an engine in a file. */

import type { FileHandle } from "node:fs/promises";
import zlib from "node:zlib";
import type { EngineStore } from "../engine/store.js";
import { errorOf } from "../errors.js";
import { checkOptions } from "../options.js";
import { checkWait, takeLock } from "./lock.js";

/** Bytes that are read at once. */
const CHUNK = 1 << 20;

/** How to open a folder. */
export interface FileStoreOptions {
  /** Seconds to wait for a folder that another engine uses; 0 by default, which is an error at once. */
  wait?: number | undefined;
}

/**
 * A store in a folder, for Node, Deno and Bun. What is kept there survives the end of the process at any moment: entries are on
 * the disk before anything follows from them. An entry that the end of the process cut off is dropped, a damaged one before the
 * last is an error with the file and the offset. A folder belongs to one engine at a time, on one machine.
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
 * @throws {ExecutionError} `JOURNAL_INVALID` when the engine first uses it: the folder is in use, or the journal is damaged.
 */
export function fileStore(folder: string, options: FileStoreOptions = {}): EngineStore {
  checkOptions(options, ["wait"], "the store");
  const wait = checkWait(options.wait);
  const path = `${folder}/journal`;
  const fresh = `${folder}/journal.new`;
  let file: FileHandle | undefined;
  let release: (() => Promise<void>) | undefined;
  /** After a failure nobody knows what the file holds, so nothing is written behind it. */
  let failure: { readonly error: unknown } | undefined;

  const open = async (signal?: AbortSignal): Promise<FileHandle> => {
    const fs = await import("node:fs/promises");
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    release = await takeLock(`${folder}/lock`, wait, signal);
    // A replacement that was interrupted: the journal is still what it was.
    await fs.rm(fresh, { force: true });
    file = await fs.open(path, "a+", 0o600);
    await syncFolder(folder);
    return file;
  };
  return {
    async *load(signal) {
      const journal = file ?? (await open(signal));
      let end = 0;
      for await (const { text, from, to } of linesOf(journal)) {
        const entry = entryOf(text);
        if (entry === undefined) {
          const { size } = await journal.stat();
          // The last one may have been cut off; what follows a damaged one would be lost.
          if (to < size) throw damaged(path, from);
          break;
        }
        end = to;
        yield entry;
      }
      await journal.truncate(end);
    },
    async append(entries) {
      if (failure) throw failure.error;
      try {
        const journal = file ?? (await open());
        await journal.appendFile(entries.map(lineOf).join(""));
        await journal.datasync();
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    async replace(entries) {
      if (failure) throw failure.error;
      const old = file ?? (await open());
      const fs = await import("node:fs/promises");
      let next: FileHandle | undefined;
      try {
        next = await fs.open(fresh, "ax+", 0o600);
        await writeLines(next, entries);
        await next.sync();
      } catch (error) {
        // What is kept is untouched.
        await next?.close();
        await fs.rm(fresh, { force: true });
        throw error;
      }
      try {
        // Windows renames nothing onto a file that is open.
        file = undefined;
        await old.close();
        await next.close();
        await fs.rename(fresh, path);
        await syncFolder(folder);
        file = await fs.open(path, "a+", 0o600);
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    async close() {
      const [open, free] = [file, release];
      file = release = undefined;
      try {
        await open?.close();
      } finally {
        await free?.();
      }
    },
  };
}

/** Writes entries, not all of them in one text. */
async function writeLines(file: FileHandle, entries: Iterable<string>): Promise<void> {
  let text = "";
  for (const entry of entries) {
    text += lineOf(entry);
    if (text.length < CHUNK) continue;
    await file.appendFile(text);
    text = "";
  }
  if (text !== "") await file.appendFile(text);
}

/** Waits until the names in a folder are on the disk. Windows offers no such thing, and does it by itself. */
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

const lineOf = (entry: string): string => `${checksum(entry)} ${entry}\n`;

/** The entry of a line, or undefined where it is none. */
function entryOf(line: string): string | undefined {
  const entry = line.slice(9, -1);
  return line.endsWith("\n") && line.slice(0, 9) === `${checksum(entry)} ` ? entry : undefined;
}

interface Line {
  /** With its line break, if it has one. */
  readonly text: string;
  /** Where it begins and ends, in bytes. */
  readonly from: number;
  readonly to: number;
}

async function* linesOf(file: FileHandle): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let from = 0;
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      const text = rest.toString("utf8", start, end + 1);
      yield { text, from: from + start, to: from + end + 1 };
      start = end + 1;
    }
    from += start;
    rest = rest.subarray(start);
  }
  if (rest.length > 0) yield { text: rest.toString("utf8"), from, to: from + rest.length };
}

/** CRC-32 as eight hexadecimal digits. */
function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/** Node's own takes a tenth of the time; it has come after Node 20.0. */
const crc32: (text: string) => number = zlib.crc32 ?? ownCrc32;

function ownCrc32(text: string): number {
  const bytes = Buffer.from(text, "utf8");
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) {
    crc = (table[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ -1) >>> 0;
}

const table = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function damaged(path: string, offset: number): Error {
  return errorOf("JOURNAL_INVALID", `the journal \`${path}\` is damaged at byte ${offset}`, {
    details: { path, offset },
    help: "an entry before the last one is not as it was written; restore the file, or move it away to begin anew",
  });
}
