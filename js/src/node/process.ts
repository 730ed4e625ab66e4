/** Child processes that end when they are told to, with everything they started. */

import { spawn } from "node:child_process";
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

/** Runs a process to its end. @throws {ToolError} `TOOL_UNAVAILABLE` where it cannot be started. */
export function run(command: Command, signal: AbortSignal): Promise<Finished> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // A process group of its own, so that ending it ends what it started.
    const isGroup = process.platform !== "win32";
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: command.env,
      detached: isGroup,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // A process that does not read its input closes the pipe early; that is no failure.
    child.stdin.on("error", () => {});
    child.stdin.end(command.input ?? "");

    let killer: ReturnType<typeof setTimeout> | undefined;
    const end = (name: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        if (isGroup) process.kill(-child.pid, name);
        else child.kill(name);
      } catch {
        // It has ended already.
      }
    };
    const onAbort = (): void => {
      end("SIGTERM");
      killer = setTimeout(() => end("SIGKILL"), PATIENCE);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(killer);
      signal.removeEventListener("abort", onAbort);
    };
    child.on("error", (cause: NodeJS.ErrnoException) => {
      settle();
      if (cause.code === "ENOENT" && !existsSync(command.cwd)) {
        reject(badArguments(`the working directory \`${command.cwd}\` does not exist`));
        return;
      }
      const help =
        cause.code === "ENOENT" ? `install \`${command.file}\`, or name another program` : undefined;
      reject(
        new ToolError(`\`${command.file}\` could not be started: ${cause.message}`, {
          code: "TOOL_UNAVAILABLE",
          help,
          cause,
        }),
      );
    });
    child.on("close", (code, signalName) => {
      settle();
      // What the group left behind goes with it.
      if (signal.aborted) end("SIGKILL");
      resolve({ stdout: stdout(), stderr: stderr(), code: code ?? 128 + signalNumber(signalName) });
    });
  });
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
