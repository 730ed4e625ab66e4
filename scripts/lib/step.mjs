// Progress lines: a long step prints what it does when it starts, and its duration when it ends.
import { realpathSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

/** A failure that the reader can act on. Only its message is printed, without a stack. */
export class Failure extends Error {}

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs `work` between a line that announces it and a line with its duration. */
export async function step(title, work) {
  const start = performance.now();
  console.log(`· ${title} …`);
  const result = await work();
  console.log(`✓ ${title} (${seconds(start)})`);
  return result;
}

/** The top level of a script. A failure becomes a message and exit code 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Failure ? `\n✗ ${error.message}` : error);
    process.exitCode = 1;
  }
}

/** Whether `moduleUrl` is the script that node was started with. */
export const isMain = (moduleUrl) =>
  process.argv[1] !== undefined && moduleUrl === pathToFileURL(realpathSync(process.argv[1])).href;
