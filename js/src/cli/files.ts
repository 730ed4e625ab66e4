/** Files that are named on the command line, and standard input. */

import { readFileSync, statSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { InputError } from "./exit-codes.js";

/** Name of standard input. */
export const STDIN = "-";

/** A file as messages name it. */
export const nameOf = (file: string): string => (file === STDIN ? "standard input" : `\`${file}\``);

/** The text of a file, or of standard input, without a byte order mark. */
export async function readText(file: string, signal: AbortSignal): Promise<string> {
  if (file === STDIN) return textOf(await readStdin(signal), file);
  checkFile(file);
  return textOf(readFileSync(file), file);
}

/** Refuses what is no file that can be read. */
export function checkFile(file: string): void {
  let isFolder: boolean;
  try {
    isFolder = statSync(file).isDirectory();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new InputError(`there is no file \`${file}\``, undefined, cause);
    throw new InputError(`\`${file}\` cannot be read: ${message}`, undefined, cause);
  }
  if (isFolder) throw new InputError(`\`${file}\` is a folder`, "name a file in it");
}

function textOf(bytes: Uint8Array, file: string): string {
  const [first, second] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // ASCII in UTF-16 has a zero in each pair.
  if (isMarked || bytes.subarray(0, 2).includes(0)) {
    throw new InputError(`${nameOf(file)} is UTF-16, not UTF-8`, "save it as UTF-8");
  }
  try {
    // Takes a byte order mark off.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(`${nameOf(file)} is no text in UTF-8`, "save it as UTF-8", cause);
  }
}

async function readStdin(signal: AbortSignal): Promise<Uint8Array> {
  const stop = (): void => void process.stdin.destroy(new Error("interrupted"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await buffer(process.stdin);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
