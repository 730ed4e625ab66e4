/** Child processes that end when they are told to, with everything they started. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { badArguments, ToolError } from "../engine/tool.js";

/** Bytes of output that are kept of each stream; the rest is dropped and counted. */
const MOST_OUTPUT = 10 * 1024 * 1024;
/** Milliseconds between asking a process to end and ending it. */
const PATIENCE = 1000;

/** What to start. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Text for its standard input. */
  readonly input?: string | undefined;
}

/** How a process ended. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; 128 + signal number where a signal ended it, as shells have it. */
  readonly code: number;
}

/** What must not outlive this process: groups to end, folders to remove. */
const cleanups = new Set<() => void>();
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs a process to its end. @throws {ToolError} `TOOL_UNAVAILABLE` where it cannot be started. */
export function run(command: Command, signal: AbortSignal): Promise<Finished> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let pid: number | undefined;
    // Before it starts: a signal that arrives from then on is answered after the group is known.
    const letGo = untilEnd(() => end(pid, "SIGKILL"));
    const child = start(command, (error) => {
      letGo();
      reject(error);
    });
    if (child === undefined) return;
    pid = child.pid;
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // A process that does not read its input closes the pipe early; that is no failure.
    child.stdin.on("error", () => {});
    child.stdin.end(command.input ?? "");

    let killer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = (): void => {
      end(pid, "SIGTERM");
      killer = setTimeout(() => end(pid, "SIGKILL"), PATIENCE);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    child.on("close", (code, signalName) => {
      clearTimeout(killer);
      signal.removeEventListener("abort", onAbort);
      // What the group left behind goes with it.
      if (signal.aborted) end(pid, "SIGKILL");
      letGo();
      resolve({ stdout: stdout(), stderr: stderr(), code: code ?? 128 + signalNumber(signalName) });
    });
  });
}

/** Starts a process in a group of its own, so that ending it ends what it started; undefined where that failed. */
function start(
  command: Command,
  reject: (error: ToolError) => void,
): ChildProcessWithoutNullStreams | undefined {
  const refuse = (cause: NodeJS.ErrnoException): void => {
    if (cause.code === "ENOENT" && !existsSync(command.cwd)) {
      reject(badArguments(`the working directory \`${command.cwd}\` does not exist`));
    } else if (cause.code === "E2BIG") {
      reject(
        badArguments("the command is too long for this system", "pass long text in a file, or as `env`"),
      );
    } else {
      const help =
        cause.code === "ENOENT" ? `install \`${command.file}\`, or name another program` : undefined;
      // Too many open files or processes passes; a program that is not there stays away.
      const retryable = cause.code === "EMFILE" || cause.code === "ENFILE" || cause.code === "EAGAIN";
      const message = `\`${command.file}\` could not be started: ${cause.message}`;
      reject(new ToolError(message, { code: "TOOL_UNAVAILABLE", help, retryable, cause }));
    }
  };
  try {
    const { file, args, cwd, env } = command;
    const child = spawn(file, args, { cwd, env, detached: process.platform !== "win32", stdio: "pipe" });
    child.on("error", refuse);
    // Without file descriptors left there is a child without pipes, whose error follows.
    return child.stdin && child.stdout && child.stderr ? child : undefined;
  } catch (cause) {
    refuse(cause as NodeJS.ErrnoException);
    return undefined;
  }
}

function end(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, name);
  } catch {
    // It has ended already.
  }
}

/**
 * Has `cleanup` called should this process end, by itself or by a signal, before what is given back is called. A process
 * group of its own does not hear Ctrl-C in the terminal.
 */
export function untilEnd(cleanup: () => void): () => void {
  if (cleanups.size === 0) {
    process.on("exit", cleanUp);
    for (const name of SIGNALS) process.on(name, cleanUpAndRaise);
  }
  cleanups.add(cleanup);
  return () => {
    if (!cleanups.delete(cleanup) || cleanups.size > 0) return;
    process.off("exit", cleanUp);
    for (const name of SIGNALS) process.off(name, cleanUpAndRaise);
  };
}

/** The latest first: a command ends before its folder goes. */
function cleanUp(): void {
  for (const cleanup of [...cleanups].reverse()) cleanup();
}

/** Afterwards the signal does what it would have done. Who else listens for it ends what runs in an order of its own. */
function cleanUpAndRaise(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) return;
  cleanUp();
  process.off(name, cleanUpAndRaise);
  process.kill(process.pid, name);
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let kept = 0;
  let dropped = 0;
  stream.on("data", (chunk: Buffer) => {
    const part = chunk.subarray(0, MOST_OUTPUT - kept);
    if (part.length > 0) chunks.push(part);
    kept += part.length;
    dropped += chunk.length - part.length;
  });
  return () => {
    const text = Buffer.concat(chunks)
      .toString("utf8")
      .replace(/\r?\n$/, "");
    return dropped === 0 ? text : `${text}\n[${dropped} more bytes were dropped]`;
  };
}

function signalNumber(name: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  };
  return (name && numbers[name]) ?? 0;
}
