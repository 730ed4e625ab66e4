/** Files that are named on the command line, and standard input. */

import { readFileSync, statSync } from "node:fs";
import { text } from "node:stream/consumers";
import { InputError } from "./exit-codes.js";

/** Name of standard input. */
export const STDIN = "-";

/** The text of a file, or of standard input. */
export async function readText(file: string, signal: AbortSignal): Promise<string> {
  if (file === STDIN) return await readStdin(signal);
  checkFile(file);
  return readFileSync(file, "utf8");
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

async function readStdin(signal: AbortSignal): Promise<string> {
  const stop = (): void => void process.stdin.destroy(new Error("interrupted"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await text(process.stdin);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
