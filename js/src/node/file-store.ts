/** The journal of an engine in a file. */

import { constants } from "node:buffer";
import { fstatSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import zlib from "node:zlib";
import { type EngineStore, lost } from "../engine/store.js";
import { errorOf } from "../errors.js";
import { checkOptions } from "../options.js";
import { checkWait, type FileLock, takeLock } from "./lock.js";

/** Bytes that are read at once. */
const CHUNK = 1 << 20;
const { MAX_STRING_LENGTH } = constants;

/** How to open a folder. */
export interface FileStoreOptions {
  /** Seconds to wait for a folder that another engine uses; 0 by default, which is an error at once. */
  wait?: number | undefined;
}

/**
 * A store in a folder, for Node, Deno and Bun. What is kept there survives the end of the process at any moment: entries are on
 * the disk before anything follows from them. An entry that the end of the process cut off is dropped, a damaged one is an error with
 * the file and the offset. A folder belongs to one engine at a time, on one machine.
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
 * @throws {ExecutionError} when the engine first uses it: `STORE_IN_USE` where another engine has the folder, `JOURNAL_INVALID` where the
 * journal is damaged or cannot be read.
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
      // A replacement that was interrupted: the journal is still what it was.
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
  /** The journal that is open, which nobody else has written to. */
  const own = (): OpenJournal => {
    if (!opened) throw errorOf("JOURNAL_INVALID", `the journal \`${path}\` is not open`);
    if (opened.failure) throw opened.failure.error;
    opened.lock.check();
    const [kept, found] = [fstatSync(opened.file.fd), statSync(path)];
    if (found.ino !== kept.ino || found.size !== opened.end) throw lost("the journal");
    return opened;
  };
  return {
    async *load(signal) {
      const journal = await open(signal);
      const { size } = await journal.file.stat();
      for await (const { bytes, from } of linesOf(journal.file, path)) {
        const to = from + bytes.length;
        const entry = entryOf(bytes, () => tooLong(path, from));
        if (entry === undefined) {
          // What follows a damaged entry would be lost, and a whole one was kept.
          if (to < size || !isCutOff(bytes)) throw damaged(path, from);
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
        // What is kept is untouched.
        await next?.close();
        await fs.rm(fresh, { force: true });
        throw error;
      }
      try {
        // Windows renames nothing onto a file that is open.
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

/** A journal that is in use. */
interface OpenJournal {
  readonly lock: FileLock;
  file: FileHandle;
  /** Bytes of what it holds. */
  end: number;
  /** After a failure nobody knows what the file holds, so nothing is written behind it. */
  failure: { readonly error: unknown } | undefined;
}

/** Writes entries, not all of them in one text; gives how many bytes they take. */
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

/** Bytes of the checksum of a line, and of the blank behind it. */
const HEAD = 9;
const LINE_BREAK = 10;

/** The entry of a line, or undefined where it is none. */
function entryOf(line: Buffer, tooLong: () => Error): string | undefined {
  const entry = line.subarray(HEAD, -1);
  const isWhole = line.at(-1) === LINE_BREAK && line.toString("latin1", 0, HEAD) === `${checksum(entry)} `;
  if (!isWhole) return undefined;
  try {
    return entry.toString("utf8");
  } catch {
    throw tooLong();
  }
}

/**
 * Whether the last line can be one that the end of the process or of the power cut off: the beginning of a line, or one with blocks that
 * never came to the disk, which read as zeros. An entry has no zeros in it.
 */
function isCutOff(line: Buffer): boolean {
  if (line.includes(0)) return true;
  return (
    line.at(-1) !== LINE_BREAK && /^([0-9a-f]{0,8}|[0-9a-f]{8} )$/.test(line.toString("latin1", 0, HEAD))
  );
}

interface Line {
  /** With its line break, if it has one. */
  readonly bytes: Buffer;
  /** Where it begins, in bytes. */
  readonly from: number;
}

/** The lines of a file: each byte is looked at once, and no more than a line and a chunk are held. */
async function* linesOf(file: FileHandle, path: string): AsyncGenerator<Line> {
  /** The beginning of a line whose end is yet to come. */
  let parts: Buffer[] = [];
  let held = 0;
  let from = 0;
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    let start = 0;
    for (
      let at = buffer.indexOf(LINE_BREAK);
      at >= 0 && at < bytesRead;
      at = buffer.indexOf(LINE_BREAK, start)
    ) {
      const bytes = Buffer.concat([...parts, buffer.subarray(start, at + 1)]);
      yield { bytes, from };
      [parts, held, from, start] = [[], 0, from + bytes.length, at + 1];
    }
    if (start < bytesRead) parts.push(buffer.subarray(start, bytesRead));
    held += bytesRead - start;
    // A character takes up to three bytes.
    if (held > 3 * MAX_STRING_LENGTH) throw tooLong(path, from);
  }
  if (held > 0) yield { bytes: Buffer.concat(parts), from };
}

/** CRC-32 as eight hexadecimal digits. */
function checksum(entry: string | Buffer): string {
  return crc32(entry).toString(16).padStart(8, "0");
}

/** Node's own takes a tenth of the time; it has come after Node 20.0. */
const crc32: (entry: string | Buffer) => number = zlib.crc32 ?? ownCrc32;

function ownCrc32(entry: string | Buffer): number {
  const bytes = typeof entry === "string" ? Buffer.from(entry, "utf8") : entry;
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
    help: "an entry is not as it was written; restore the file, or move it away to begin anew",
  });
}

function tooLong(path: string, offset: number): Error {
  return errorOf(
    "JOURNAL_INVALID",
    `the entry at byte ${offset} of the journal \`${path}\` is too long to be read`,
    {
      details: { path, offset },
      help: `a text has ${MAX_STRING_LENGTH} characters at most here; restore the file, or move it away to begin anew`,
    },
  );
}
