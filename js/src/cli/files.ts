/** Reads the files that the command line names, and standard input. */

import { createReadStream, readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "./exit-codes.js";
import { didYouMean } from "../workflow/runtime.js";

/** Name of standard input. */
export const STDIN = "-";

/** The largest file or standard input, in bytes. */
export const MOST_BYTES = 64 * 1024 * 1024;

/** Name of a file in messages. */
export const nameOf = (file: string): string => (file === STDIN ? "standard input" : `\`${file}\``);

/** The text of a file or of standard input, without a byte order mark. */
export async function readText(file: string, signal: AbortSignal): Promise<string> {
  if (file !== STDIN) checkFile(file);
  return textOf(await bytesOf(file, signal), file);
}

/** Refuses a file that is not regular or too large. */
export function checkFile(file: string): void {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new InputError(`there is no file \`${file}\``, nearby(file), cause);
    throw unreadable(file, cause);
  }
  if (stats.isDirectory()) throw new InputError(`\`${file}\` is a folder`, "name a file in it");
  // Opening a pipe waits for its writer and ignores signals; a device may have no end.
  if (!stats.isFile()) {
    throw new InputError(
      `\`${file}\` is a pipe or a device`,
      "name a regular file, or give `-` for standard input",
    );
  }
  if (stats.size > MOST_BYTES) throw tooLarge(file);
}

/** Advice for a missing file: a file in its folder with a similar name, or the place where it was sought. */
function nearby(file: string): string {
  const folder = dirname(resolve(file));
  try {
    const found = didYouMean(basename(file), readdirSync(folder), (name) => join(dirname(file), name));
    return found ?? `it was looked for in \`${folder}\``;
  } catch {
    return `there is no folder \`${dirname(file)}\` either`;
  }
}

const unreadable = (file: string, cause: unknown): InputError =>
  new InputError(`${nameOf(file)} cannot be read: ${(cause as Error).message}`, undefined, cause);

function tooLarge(file: string): InputError {
  const help = "a definition, inputs or mocks should be small: pass large data as the name of a file";
  const message = `${nameOf(file)} is larger than ${MOST_BYTES / 1024 ** 2} MiB`;
  return new InputError(message, help, undefined, "LIMIT_EXCEEDED");
}

function textOf(bytes: Uint8Array, file: string): string {
  const [first, second] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // ASCII text in UTF-16 has a zero byte in each pair.
  if (isMarked || bytes.subarray(0, 2).includes(0)) {
    throw new InputError(`${nameOf(file)} is UTF-16, not UTF-8`, "save it as UTF-8");
  }
  try {
    // Removes a byte order mark.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(`${nameOf(file)} is not text in UTF-8`, "save it as UTF-8", cause);
  }
}

/** Reads in pieces: standard input has no known size and perhaps no end, and a file may grow. */
async function bytesOf(file: string, signal: AbortSignal): Promise<Uint8Array> {
  const stream = file === STDIN ? process.stdin : createReadStream(file);
  const stop = (): void => void stream.destroy(new Error("interrupted"));
  signal.addEventListener("abort", stop, { once: true });
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      size += piece.length;
      // Leaving the loop destroys the stream.
      if (size > MOST_BYTES) throw tooLarge(file);
      pieces.push(piece);
    }
  } catch (cause) {
    throw signal.aborted || cause instanceof InputError ? cause : unreadable(file, cause);
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return Buffer.concat(pieces);
}
