/** Stores belong to one engine at a time. */

import { randomUUID } from "node:crypto";
import { errorOf } from "../errors.js";
import { invalid } from "../options.js";

/** Milliseconds after which a lock is looked at again. */
const LOOK = 50;

/** The option `wait` in milliseconds. */
export function checkWait(wait: number | undefined): number {
  if (wait === undefined) return 0;
  if (typeof wait === "number" && wait >= 0) return wait * 1000;
  throw invalid("`wait` is not a number of seconds", "/wait");
}

/** Does something again and again until it gives a value, for `wait` milliseconds at most, and once at least. */
export async function attempts<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  wait: number,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const end = performance.now() + wait;
  for (;;) {
    signal?.throwIfAborted();
    const value = await attempt();
    if (value !== undefined || performance.now() >= end) return value;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** What to do where a store is in use. */
export const IN_USE =
  "close the other engine, wait for it with the option `wait`, or give each a store of its own";

/**
 * Makes the file `lock`, which says whose it is; gives how to remove it. One whose process is gone counts as none.
 *
 * @throws {ExecutionError} `JOURNAL_INVALID` when it belongs to another engine for longer than `wait` milliseconds.
 */
export async function takeLock(
  lock: string,
  wait: number,
  signal: AbortSignal | undefined,
): Promise<() => Promise<void>> {
  const fs = await import("node:fs/promises");
  const own = `${process.pid} ${await beginningOf(process.pid)}`;
  let owner = "";
  const attempt = async (): Promise<true | undefined> => {
    if (await place(lock, own)) return true;
    owner = await fs.readFile(lock, "utf8").catch(() => "");
    if (await isAlive(owner)) return undefined;
    // Another process may have been here meanwhile: what is taken away is looked at again, and put back if it is in force.
    const taken = `${lock}.${randomUUID()}`;
    const isTaken = await fs.rename(lock, taken).then(
      () => true,
      () => false,
    );
    if (isTaken && (await isAlive(await fs.readFile(taken, "utf8").catch(() => "")))) {
      await fs.link(taken, lock).catch(() => {});
    }
    await fs.rm(taken, { force: true });
    return await attempt();
  };
  if (!(await attempts(attempt, wait, signal))) {
    const message = `the folder of \`${lock}\` is in use by process ${Number.parseInt(owner, 10)}`;
    throw errorOf("JOURNAL_INVALID", message, { help: IN_USE });
  }
  return () => fs.rm(lock, { force: true });
}

/** Makes a lock with its text at once, so that nobody sees one that is empty; `false` where there is one. */
async function place(lock: string, own: string): Promise<boolean> {
  const fs = await import("node:fs/promises");
  const draft = `${lock}.${randomUUID()}`;
  await fs.writeFile(draft, own);
  try {
    await fs.link(draft, lock);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") return false;
    throw error;
  } finally {
    await fs.rm(draft, { force: true });
  }
}

/** Whether the process that a lock names is still the one that made it. */
async function isAlive(owner: string): Promise<boolean> {
  const [pid = 0, began] = owner.split(" ").map(Number);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EPERM") return false;
  }
  // Numbers are used again: in a container each first process is number 1.
  const begins = await beginningOf(pid);
  return !began || begins === 0 || begins === began;
}

/** When a process began, in a measure of the system's; 0 where that is not told. */
async function beginningOf(pid: number): Promise<number> {
  const fs = await import("node:fs/promises");
  const text = await fs.readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name in front, in brackets, may hold anything.
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? 0);
}
