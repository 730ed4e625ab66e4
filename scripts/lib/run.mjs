// Child processes. Each child leads its own process group, so that ending the group ends everything that it started
// (cargo → rustc, wasm-bindgen-test-runner → chromedriver → chromium). No script leaves a process behind.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { root } from "./paths.mjs";
import { Failure } from "./step.mjs";

const groups = new Set();
const grouped = process.platform !== "win32";

function endGroup(child, signal = "SIGKILL") {
  try {
    if (grouped) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // The group has no process left.
  }
}

process.on("exit", () => {
  for (const child of groups) endGroup(child);
});
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
]) {
  process.on(signal, () => process.exit(128 + number));
}

/**
 * Runs a command and resolves with `{ code, output }`. An exit code never rejects. With `capture`, `output` has the
 * child's output; otherwise the child writes to our own stdout and stderr. After `timeout` milliseconds the whole group
 * is ended and the code is 124.
 */
export function tryRun(command, args, { cwd = root, env = process.env, capture = false, timeout = 0 } = {}) {
  return new Promise((done) => {
    let output = "";
    let timedOut = false;
    const stdio = capture ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"];
    const child = spawn(command, args, { cwd, env, stdio, detached: grouped });
    groups.add(child);
    const timer =
      timeout > 0 &&
      setTimeout(() => {
        timedOut = true;
        endGroup(child);
      }, timeout);
    const finish = (code) => {
      clearTimeout(timer);
      groups.delete(child);
      done({ code: timedOut ? 124 : code, output });
    };
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => {
      output += error.message;
      finish(127);
    });
    child.on("exit", () => endGroup(child));
    child.on("close", (code) => finish(code ?? 1));
  });
}

/** Runs a command that must succeed. Its captured output is part of the failure. */
export async function run(command, args, options = {}) {
  const { code, output } = await tryRun(command, args, options);
  if (code === 0) return output;
  const reason =
    code === 124 ? `took longer than ${options.timeout / 1000} s and was ended` : `exit code ${code}`;
  throw new Failure(`${[command, ...args].join(" ")}: ${reason}${output ? `\n${output.trimEnd()}` : ""}`);
}

/** Standard output of a short command; undefined if it cannot be run or fails. */
export function ask(command, args, options = {}) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: "utf8", ...options });
  return status === 0 ? stdout.trim() : undefined;
}

/** The first executable of that name on a PATH; undefined if there is none. */
export function which(name, path = process.env.PATH ?? "") {
  const candidates = isAbsolute(name) ? [name] : path.split(delimiter).map((dir) => join(dir, name));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}
