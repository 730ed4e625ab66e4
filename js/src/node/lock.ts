/**
 * A folder, or a database in a file, belongs to one engine at a time.
 *
 * The kernel decides who has it, since only the kernel knows for certain when a process is over: killed, a zombie that nobody has waited
 * for, or alive but stopped. Numbers of processes, clocks and the content of files say less: numbers are used again and mean something
 * else in each container, clocks jump, and whoever removes the lock of a dead process may remove the one that somebody has just made.
 * The file that is locked is therefore never removed. It is locked as the system has it:
 *
 * - macOS, the BSDs and Windows lock a file as it is opened.
 * - On Linux an abstract socket with the name of the file's inode belongs to one process of a network namespace, and the program `flock`
 *   locks the open file, also against other containers. Its lock stays with the file that it got from us when it ends.
 * - Where there is neither, the number of the process in the file has to do.
 *
 * Behind that stands a second line: the owner writes a word of its own into the file, and looks at it before each write
 * ({@link FileLock.check}). Whoever was replaced in whatever way finds another word, and stops.
 */

import { randomUUID } from "node:crypto";
import { type BigIntStats, constants, existsSync, readSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { lost } from "../engine/stores/store.js";
import { errorOf, type HighwayError } from "../shared/errors.js";
import { invalid } from "../shared/options.js";

/** Milliseconds after which a lock is looked at again. */
const LOOK = 50;
/** Bytes that the text of an owner has at most. */
const OWNER = 200;

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

/** The refusal of a store that belongs to another engine. */
export function inUse(message: string): HighwayError {
  return errorOf("STORE_IN_USE", message, {
    help: "close the other engine, wait for it with the option `wait`, or give each a store of its own",
  });
}

/** Something that is ours. */
export interface FileLock {
  /**
   * Looks whether it still is. Synchronous, because it takes microseconds, and so that nothing comes between it and a write.
   *
   * @throws {ExecutionError} `STORE_IN_USE`; `JOURNAL_INVALID` where the file was removed.
   */
  check(): void;
  release(): Promise<void>;
}

/**
 * Takes something, which messages call `what`, by a file that is made for that.
 *
 * @throws {ExecutionError} `STORE_IN_USE` when it belongs to another engine for longer than `wait` milliseconds.
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
  // Windows lets nobody read a file that is locked.
  const [pid] = (await fs.readFile(path, "utf8").catch(() => "")).split(" ");
  throw inUse(`${what} is in use${pid ? ` by process ${pid}` : ""}`);
}

/** Takes the lock, or gives undefined where another one has it. */
async function attempt(path: string, what: string): Promise<FileLock | undefined> {
  const file = await openLocked(path);
  if (file === undefined) return undefined;
  let letGo = (): Promise<void> => file.close();
  try {
    const kept = await file.stat({ bigint: true });
    const kernel = await lockOpen(file, kept);
    if (kernel === "busy") return await letGo().then(() => undefined);
    if (kernel !== "none") {
      letGo = async () => {
        await file.close();
        await kernel();
      };
    }
    // It may have been removed before it was locked.
    const isLost = !isSame(kept, path) || (kernel === "none" && (await isAlive(textIn(file))));
    const own = isLost ? undefined : await writeOwner(file);
    const isOurs = (): boolean => isSame(kept, path) && textIn(file) === own;
    // Where the kernel does not decide, it is whoever wrote last of two that came at the same moment.
    if (kernel === "none") await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (!isOurs()) return await letGo().then(() => undefined);
    return lockOf(path, what, file, isOurs, letGo);
  } catch (error) {
    await letGo();
    throw error;
  }
}

/** Writes who has the lock into its file, and gives that text. */
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
  letGo: () => Promise<void>,
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
      // An empty file is nobody's.
      if (isOurs()) await file.truncate(0);
      await letGo();
    },
  };
}

/** Systems whose `open` takes a lock: the value of `O_EXLOCK`, on Windows libuv's word for a file that nobody shares. */
const exclusive = { darwin: 0x20, freebsd: 0x20, openbsd: 0x20, netbsd: 0x20, win32: 0x10000000 } as Partial<
  Record<NodeJS.Platform, number>
>;
// Deno takes no such flag.
const hasLockingOpen = process.platform in exclusive && !("Deno" in globalThis);

/** Opens the file, where the system can do that with a lock on it; undefined where another one has that. */
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

/** Has the kernel lock an open file; gives how to let go of what is not let go of with the file. */
async function lockOpen(
  file: FileHandle,
  { dev, ino }: BigIntStats,
): Promise<(() => Promise<void>) | "busy" | "none"> {
  if (hasLockingOpen) return async () => {};
  const socket = await listen(`\0highway-wasm:${dev}:${ino}`);
  if (socket === "busy") return "busy";
  const letGo = socket === "none" ? async () => {} : socket;
  const flock = await lockWithProgram(file.fd);
  if (flock === "busy") {
    await letGo();
    return "busy";
  }
  return socket === "none" && flock === "none" ? "none" : letGo;
}

/** Takes the name of an abstract socket, and gives how to let go of it. */
async function listen(name: string): Promise<(() => Promise<void>) | "busy" | "none"> {
  // Before 1.46 libuv takes all such names for one and the same.
  const [major = 0, minor = 0] = String(process.versions["uv"]).split(".").map(Number);
  if (process.platform !== "linux" || !(major > 1 || minor >= 46)) return "none";
  const { createServer } = await import("node:net");
  const server = createServer((socket) => socket.destroy());
  server.unref();
  return await new Promise((resolve) => {
    server.once("error", ({ code }: { code?: unknown }) => resolve(code === "EADDRINUSE" ? "busy" : "none"));
    // The workers of a cluster would share it otherwise.
    server.listen({ path: name, exclusive: true }, () =>
      resolve(() => new Promise((closed) => server.close(() => closed()))),
    );
  });
}

/** Locks an open file with the program `flock`. */
async function lockWithProgram(fd: number): Promise<"locked" | "busy" | "none"> {
  try {
    const { spawn } = await import("node:child_process");
    // It gets our open file as number 3, and what it locks is that, not a file of its own.
    const child = spawn("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "pipe", fd] });
    let said = "";
    child.stderr?.on("data", (text) => {
      said += text;
    });
    const code = await new Promise((resolve) => {
      child.once("error", resolve);
      child.once("close", resolve);
    });
    if (code === 0) return "locked";
    return code === 1 && said === "" ? "busy" : "none";
  } catch {
    // A runtime that starts no programs, or passes no files on to them.
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

/** Whether the process that a lock names is still the one that made it. */
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

/** When a process began, in a measure of the system's, 0 where that is not told; and whether it is more than a zombie. */
async function processOf(pid: number): Promise<{ began: number; isAlive: boolean }> {
  const fs = await import("node:fs/promises");
  const text = await fs.readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name in front, in brackets, may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { began: Number(fields[19] ?? 0), isAlive: !/^[ZXx]$/.test(fields[0] ?? "") };
}
