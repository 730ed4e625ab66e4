/** Child processes that end on request, with all processes that they started. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { badArguments, type ToolContext, ToolError } from "../engine/tools/tool.js";

/** Milliseconds between SIGTERM and SIGKILL. */
const PATIENCE = 1000;

/** A program to start. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Text for its standard input. */
  readonly input?: string | undefined;
  /** Bytes of output to keep of each stream, half of them from the end. The bytes in between are counted. */
  readonly maxOutput: number;
  /** Called with the output while the program runs. */
  readonly output?: ToolContext["output"];
}

/** The outcome of a program. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; 128 + the signal's number if a signal ended it, as in shells. */
  readonly code: number;
}

/** What must end together with this process: process groups to kill, folders to remove. */
const cleanups = new Set<() => void>();
/** Advice for a program that cannot be started, by error code. */
const HELP: Readonly<Record<string, (command: Command) => string>> = {
  ENOENT: ({ file }) => `install \`${file}\`, or name another program`,
  EACCES: ({ file, cwd }) => `allow this user to run \`${file}\` and to enter \`${cwd}\``,
  ENOTDIR: ({ cwd }) => `\`${cwd}\` has to be a directory`,
};
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a program to its end.
 *
 * @throws {ToolError} `TOOL_UNAVAILABLE` if it cannot be started, `TOOL_ARGUMENTS_INVALID` if no program can be started
 *   with such arguments.
 */
export async function run(command: Command, signal: AbortSignal): Promise<Finished> {
  checkTexts(command);
  return await started(command, signal);
}

/** Refuses texts that no system passes to a program. */
function checkTexts({ args, cwd, env, input = "" }: Command): void {
  for (const text of [...args, cwd, ...Object.entries(env).flat()]) {
    if (text?.includes("\0"))
      throw badArguments("the command, its directory or its environment has a NUL character");
  }
  for (const text of [...args, cwd, input, ...Object.entries(env).flat()]) {
    // UTF-8 cannot encode an unpaired surrogate; it would arrive as another character.
    if (text !== undefined && /\p{Surrogate}/u.test(text)) {
      throw badArguments("the command or its environment has half of a surrogate pair");
    }
  }
}

function started(command: Command, signal: AbortSignal): Promise<Finished> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let pid: number | undefined;
    // Registered before the start, so that a signal is handled only when the process group is known.
    const letGo = untilEnd(() => end(pid, "SIGKILL"));
    const child = start(command, (error) => {
      letGo();
      reject(error);
    });
    if (child === undefined) return;
    pid = child.pid;
    const [stdout, stderr] = (["stdout", "stderr"] as const).map((stream) =>
      collect(child[stream], command.maxOutput, (text) => command.output?.(text, stream)),
    ) as [() => string, () => string];
    // A program that does not read its input closes the pipe early, which is no error.
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
      // Also ends the processes that the group left behind.
      if (signal.aborted) end(pid, "SIGKILL");
      letGo();
      resolve({ stdout: stdout(), stderr: stderr(), code: code ?? 128 + signalNumber(signalName) });
    });
  });
}

/** Starts a program in its own process group, so that all its processes can be ended. Undefined if that failed. */
function start(
  command: Command,
  reject: (error: ToolError) => void,
): ChildProcessWithoutNullStreams | undefined {
  const refuse = (cause: NodeJS.ErrnoException): void => {
    if ((cause.code === "ENOENT" || cause.code === "ENOTDIR") && !existsSync(`${command.cwd}/.`)) {
      const how = existsSync(command.cwd) ? "is not a folder" : "does not exist";
      reject(badArguments(`the working directory \`${command.cwd}\` ${how}`));
    } else if (cause.code === "E2BIG") {
      reject(
        badArguments(
          "the command with its environment is too long for this system",
          "pass long text in a file",
        ),
      );
    } else {
      const help = HELP[cause.code ?? ""]?.(command);
      // Too many open files or processes is a temporary state; a missing program is not.
      const retryable = cause.code === "EMFILE" || cause.code === "ENFILE" || cause.code === "EAGAIN";
      const message = `\`${command.file}\` could not be started: ${cause.message}`;
      reject(new ToolError(message, { code: "TOOL_UNAVAILABLE", help, retryable, cause }));
    }
  };
  try {
    const { file, args, cwd, env } = command;
    const child = spawn(file, args, { cwd, env, detached: process.platform !== "win32", stdio: "pipe" });
    child.on("error", refuse);
    // Without file descriptors left, the child has no pipes, and its error follows.
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
    // The process has already ended.
  }
}

/**
 * Calls `cleanup` when this process ends, by itself or by a signal, until the returned function is called. A separate
 * process group does not receive Ctrl-C from the terminal.
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

/** In reverse order: a command ends before its folder is removed. */
function cleanUp(): void {
  for (const cleanup of [...cleanups].reverse()) cleanup();
}

/**
 * Cleans up, then lets the signal take its usual effect. If others listen for the signal, they end the process in their
 * own order.
 */
function cleanUpAndRaise(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) return;
  cleanUp();
  process.off(name, cleanUpAndRaise);
  process.kill(process.pid, name);
}

function collect(stream: NodeJS.ReadableStream, most: number, show: (text: string) => void): () => string {
  // With the same options as the complete output.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const half = Math.ceil(most / 2);
  const beginning: Buffer[] = [];
  let room = half;
  // The later output, of which the end is kept.
  let later: Buffer[] = [];
  let held = 0;
  let written = 0;
  let lines = 0;
  stream.on("data", (chunk: Buffer) => {
    show(decoder.decode(chunk, { stream: true }));
    written += chunk.length;
    lines += lineEnds(chunk);
    const rest = chunk.subarray(room);
    if (room > 0) beginning.push(chunk.subarray(0, room));
    room -= chunk.length - rest.length;
    if (rest.length === 0) return;
    later.push(rest);
    held += rest.length;
    // Seldom, so that each byte is copied only a few times.
    if (held > 2 * most) {
      later = [Buffer.concat(later).subarray(half - most)];
      held = most - half;
    }
  });
  return () => {
    const end = Buffer.concat(later);
    if (written <= most) return trimmed(Buffer.concat([...beginning, end]).toString("utf8"));
    const first = untilLine(Buffer.concat(beginning));
    const last = fromLine(most > half ? end.subarray(half - most) : end.subarray(end.length));
    const bytes = written - first.length - last.length;
    // The last line before the gap ends there, as it is shown.
    const before = Math.max(lineEnds(first), 1);
    const gap = `[${bytes} bytes (${Math.max(lines - before - lineEnds(last), 0)} lines) are left out here]`;
    return trimmed(`${first.toString("utf8").replace(/\n?$/, "\n")}${gap}\n${last.toString("utf8")}`);
  };
}

function lineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count += 1;
  return count;
}

/** The text without its last line break. A regular expression would look at each line. */
function trimmed(text: string): string {
  if (!text.endsWith("\n")) return text;
  return text.slice(0, text.endsWith("\r\n") ? -2 : -1);
}

/** The complete lines at the beginning of an output that continues; all of it if there is none. */
const untilLine = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1 || bytes.length);

/** The complete lines at the end of an output that began earlier; all complete characters if there is none. */
function fromLine(bytes: Buffer): Buffer {
  const line = bytes.indexOf(0x0a) + 1;
  if (line > 0 && line < bytes.length) return bytes.subarray(line);
  const whole = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return bytes.subarray(Math.max(whole, 0));
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
