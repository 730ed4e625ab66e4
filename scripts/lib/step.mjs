// Progress lines: every long step says what it does when it starts, and how long it took when it is done.
import { realpathSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

/** A failure the reader can act on: printed as its message alone, without a stack. */
export class Failure extends Error {}

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs `work` between a line that announces it and a line that gives its duration. */
export async function step(title, work) {
  const start = performance.now();
  console.log(`· ${title} …`);
  const result = await work();
  console.log(`✓ ${title} (${seconds(start)})`);
  return result;
}

/** The top level of a script: its failure becomes one clear message and exit code 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Failure ? `\n✗ ${error.message}` : error);
    process.exitCode = 1;
  }
}

/** True when `moduleUrl` is the script node was started with. */
export const isMain = (moduleUrl) =>
  process.argv[1] !== undefined && moduleUrl === pathToFileURL(realpathSync(process.argv[1])).href;
