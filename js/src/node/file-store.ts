/** The journal of an engine in a file. */

import type { FileHandle } from "node:fs/promises";
import type { EngineStore } from "../engine/store.js";
import { errorOf } from "../errors.js";

/** Bytes that are read at once. */
const CHUNK = 1 << 20;

/**
 * A store in a folder, for Node, Deno and Bun. What is kept there survives the end of the process at any moment: entries are on
 * the disk before anything follows from them. An entry that the end of the process cut off is dropped, a damaged one before the
 * last is an error with the file and the offset.
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
 * @throws {ExecutionError} `JOURNAL_INVALID` when the engine first uses it: the folder is in use, or the journal is damaged.
 */
export function fileStore(folder: string): EngineStore {
  const path = `${folder}/journal`;
  const lock = `${folder}/lock`;
  let file: FileHandle | undefined;
  let isLocked = false;
  const open = async (): Promise<FileHandle> => {
    const fs = await import("node:fs/promises");
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    await takeLock(lock);
    isLocked = true;
    file = await fs.open(path, "a+", 0o600);
    return file;
  };
  return {
    async *load() {
      const journal = file ?? (await open());
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
      const journal = file ?? (await open());
      await journal.appendFile(entries.map(lineOf).join(""));
      await journal.datasync();
    },
    async close() {
      await file?.close();
      file = undefined;
      if (!isLocked) return;
      isLocked = false;
      const fs = await import("node:fs/promises");
      await fs.rm(lock, { force: true });
    },
  };
}

/** A folder belongs to one process at a time. A lock whose process is gone counts as none. */
async function takeLock(lock: string): Promise<void> {
  const fs = await import("node:fs/promises");
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await fs.writeFile(lock, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    }
    const owner = Number(await fs.readFile(lock, "utf8").catch(() => ""));
    if (owner !== process.pid && !isAlive(owner)) await fs.rm(lock, { force: true });
    else {
      throw errorOf("JOURNAL_INVALID", `the folder of \`${lock}\` is in use by process ${owner}`, {
        help: "close the other engine, or give each a folder of its own",
      });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
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
  let crc = -1;
  for (const byte of Buffer.from(text, "utf8")) crc = (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return ((crc ^ -1) >>> 0).toString(16).padStart(8, "0");
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
