/**
 * Locks a folder or a database file, so that one engine at a time uses it.
 *
 * The kernel decides who holds the lock, because only the kernel knows for certain when a process has ended: killed, a
 * zombie, or alive but stopped. Process ids, clocks and the content of files are less reliable: ids are reused and
 * differ in each container, clocks jump, and removing the lock of a dead process may remove a lock that was just
 * created. Therefore the lock file is never removed. How it is locked depends on the system:
 *
 * - macOS, the BSDs and Windows lock a file when it is opened.
 * - On Linux, two locks are taken. An abstract socket, named after the file's inode, belongs to one process of a
 *   network namespace. The program `flock` locks the open file, which also works across containers; the lock stays with
 *   the open file when the program ends.
 * - Without either, the process id in the file decides.
 *
 * As a second protection, the owner writes a unique text into the file and checks it before each write ({@link
 * FileLock.check}). An owner that was replaced in any way finds another text and stops.
 */

import { randomUUID } from "node:crypto";
import { type BigIntStats, constants, existsSync, readSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { lost } from "../engine/stores/store.js";
import { errorOf, type HighwayError } from "../shared/errors.js";
import { invalid } from "../shared/options.js";

/** Milliseconds between two attempts to take a lock. */
const LOOK = 50;
/** The most bytes of an owner's text. */
const OWNER = 200;

/** The option `wait` in milliseconds. */
export function checkWait(wait: number | undefined): number {
  if (wait === undefined) return 0;
  if (typeof wait === "number" && wait >= 0) return wait * 1000;
  throw invalid("`wait` is not a number of seconds", "/wait");
}

/** Repeats an attempt until it returns a value, for at most `wait` milliseconds and at least once. */
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

/** The error for a store that another engine uses. */
export function inUse(message: string): HighwayError {
  return errorOf("STORE_IN_USE", message, {
    help: "close the other engine, wait for it with the option `wait`, or give each a store of its own",
  });
}

/** A lock that this process holds. */
export interface FileLock {
  /**
   * Checks that this process still holds the lock. Synchronous, so that nothing can happen between the check and a
   * write; it takes microseconds.
   *
   * @throws {ExecutionError} `STORE_IN_USE`; `JOURNAL_INVALID` if the file was removed.
   */
  check(): void;
  release(): Promise<void>;
}

/**
 * Takes the lock at `path`. `what` is the name of the locked thing in messages.
 *
 * @throws {ExecutionError} `STORE_IN_USE` if another engine holds it for longer than `wait` milliseconds.
 */
export async function takeLock(
  path: string,
  what: string,
  wait: number,
  signal: AbortSignal | undefined,
): Promise<FileLock> {
  const lock = await attempts(() => attempt(path, what), wait, signal);
  if (lock) return lock;
  const fs = await import("node:fs/promises");
  // Windows does not let others read a locked file.
  const [pid] = (await fs.readFile(path, "utf8").catch(() => "")).split(" ");
  throw inUse(`${what} is in use${pid ? ` by process ${pid}` : ""}`);
}

/** Takes the lock; undefined if another process holds it. */
async function attempt(path: string, what: string): Promise<FileLock | undefined> {
  const file = await openLocked(path);
  if (file === undefined) return undefined;
  let unlock = (): Promise<void> => file.close();
  try {
    const kept = await file.stat({ bigint: true });
    const kernel = await lockOpen(file, kept);
    if (kernel === "busy") return await unlock().then(() => undefined);
    if (kernel !== "none") {
      unlock = async () => {
        await file.close();
        await kernel();
      };
    }
    // The file may have been removed before it was locked.
    const isLost = !isSame(kept, path) || (kernel === "none" && (await isAlive(textIn(file))));
    const own = isLost ? undefined : await writeOwner(file);
    const isOurs = (): boolean => isSame(kept, path) && textIn(file) === own;
    // Without a lock by the kernel, the last of two simultaneous writers owns the file.
    if (kernel === "none") await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (!isOurs()) return await unlock().then(() => undefined);
    return lockOf(path, what, file, isOurs, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Writes the owner's text into the file, and returns it. */
async function writeOwner(file: FileHandle): Promise<string> {
  const { pid } = process;
  const own = `${pid} ${(await processOf(pid)).began} ${randomUUID()}`;
  await file.truncate(0);
  await file.write(own, 0);
  return own;
}

function lockOf(
  path: string,
  what: string,
  file: FileHandle,
  isOurs: () => boolean,
  unlock: () => Promise<void>,
): FileLock {
  return {
    check() {
      if (isOurs()) return;
      if (existsSync(path)) throw lost(what);
      throw errorOf("JOURNAL_INVALID", `\`${path}\` was removed while an engine used it`, {
        help: "only the engine may remove its own files",
      });
    },
    async release() {
      // An empty file has no owner.
      if (isOurs()) await file.truncate(0);
      await unlock();
    },
  };
}

/** The flag with which `open` takes a lock: `O_EXLOCK`, on Windows libuv's flag for exclusive files. */
const exclusive = { darwin: 0x20, freebsd: 0x20, openbsd: 0x20, netbsd: 0x20, win32: 0x10000000 } as Partial<
  Record<NodeJS.Platform, number>
>;
// Deno does not accept the flag.
const hasLockingOpen = process.platform in exclusive && !("Deno" in globalThis);

/** Opens the file, with a lock if the system can do that; undefined if another process holds the lock. */
async function openLocked(path: string): Promise<FileHandle | undefined> {
  const fs = await import("node:fs/promises");
  const lock = hasLockingOpen ? (exclusive[process.platform] ?? 0) | (constants.O_NONBLOCK ?? 0) : 0;
  try {
    return await fs.open(path, constants.O_RDWR | constants.O_CREAT | lock, 0o600);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (lock !== 0 && (code === "EAGAIN" || code === "EWOULDBLOCK" || code === "EBUSY")) return undefined;
    throw error;
  }
}

/** Has the kernel lock an open file. Returns a function that releases what closing the file does not release. */
async function lockOpen(
  file: FileHandle,
  { dev, ino }: BigIntStats,
): Promise<(() => Promise<void>) | "busy" | "none"> {
  if (hasLockingOpen) return async () => {};
  const socket = await listen(`\0highway-wasm:${dev}:${ino}`);
  if (socket === "busy") return "busy";
  const unlock = socket === "none" ? async () => {} : socket;
  const flock = await lockWithProgram(file.fd);
  if (flock === "busy") {
    await unlock();
    return "busy";
  }
  return socket === "none" && flock === "none" ? "none" : unlock;
}

/** Takes an abstract socket by its name. Returns a function that releases it. */
async function listen(name: string): Promise<(() => Promise<void>) | "busy" | "none"> {
  // Before version 1.46, libuv treats all such names as the same.
  const [major = 0, minor = 0] = String(process.versions["uv"]).split(".").map(Number);
  if (process.platform !== "linux" || !(major > 1 || minor >= 46)) return "none";
  const { createServer } = await import("node:net");
  const server = createServer((socket) => socket.destroy());
  server.unref();
  return await new Promise((resolve) => {
    server.once("error", ({ code }: { code?: unknown }) => resolve(code === "EADDRINUSE" ? "busy" : "none"));
    // Otherwise the workers of a cluster would share the socket.
    server.listen({ path: name, exclusive: true }, () =>
      resolve(() => new Promise((closed) => server.close(() => closed()))),
    );
  });
}

/** Locks an open file with the program `flock`. */
async function lockWithProgram(fd: number): Promise<"locked" | "busy" | "none"> {
  try {
    const { spawn } = await import("node:child_process");
    // The program gets our open file as file descriptor 3, so that the lock belongs to that file.
    const child = spawn("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "pipe", fd] });
    let errors = "";
    child.stderr?.on("data", (text) => {
      errors += text;
    });
    const code = await new Promise((resolve) => {
      child.once("error", resolve);
      child.once("close", resolve);
    });
    if (code === 0) return "locked";
    return code === 1 && errors === "" ? "busy" : "none";
  } catch {
    // The runtime cannot start programs or pass files to them.
    return "none";
  }
}

function isSame(kept: BigIntStats, path: string): boolean {
  const { dev, ino } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
  return dev === kept.dev && ino === kept.ino;
}

function textIn(file: FileHandle): string {
  const buffer = Buffer.alloc(OWNER);
  return buffer.toString("utf8", 0, readSync(file.fd, buffer, 0, OWNER, 0));
}

/** Whether the process named by a lock is still the one that created it. */
async function isAlive(owner: string): Promise<boolean> {
  const [pid = 0, began] = owner.split(" ").map(Number);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EPERM") return false;
  }
  const found = await processOf(pid);
  return found.isAlive && (!began || found.began === 0 || found.began === began);
}

/** When a process started, in the system's own unit, 0 if unknown; and whether it is alive and not a zombie. */
async function processOf(pid: number): Promise<{ began: number; isAlive: boolean }> {
  const fs = await import("node:fs/promises");
  const text = await fs.readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The process name, in brackets, may contain any character.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { began: Number(fields[19] ?? 0), isAlive: !/^[ZXx]$/.test(fields[0] ?? "") };
}
