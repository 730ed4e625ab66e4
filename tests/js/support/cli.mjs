// The program `highway-wasm` of the built package, in other processes.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRoot } from "../../../scripts/lib/paths.mjs";

export const PROGRAM = inRoot("dist", "esm", "cli", "main.js");

/** The environment of the program: no variable that names a server or says how to draw. */
function environment(env) {
  const all = { ...process.env, NODE_TEST_CONTEXT: undefined, TERM: "xterm", ...env };
  for (const name of [
    "HIGHWAY_API_KEY",
    "HIGHWAY_API_ENDPOINT",
    "NO_COLOR",
    "FORCE_COLOR",
    "NODE_OPTIONS",
    "COLUMNS",
  ]) {
    if (env?.[name] === undefined) delete all[name];
  }
  return all;
}

/** A new folder with files, which is removed after the test. */
export function folder(t, files = {}) {
  const path = mkdtempSync(join(tmpdir(), "highway-cli-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const isText = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(join(path, name), isText ? content : JSON.stringify(content));
  }
  return path;
}

/**
 * Starts a program: `child`, `output` (what it has written), `seen(pattern)` (waits until standard output or error
 * contains it) and `ended` (`{ code, signal, stdout, stderr }`). It is ended after the test, or after `limit`
 * milliseconds.
 */
export function start(
  t,
  args,
  { cwd = tmpdir(), env, input, limit = 120_000, file, node = process.execPath } = {},
) {
  const argv = file === undefined ? [PROGRAM, ...args] : args;
  const child = spawn(file ?? node, argv, {
    cwd,
    env: environment(env),
    timeout: limit,
    killSignal: "SIGKILL",
  });
  t.after(() => child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  const listeners = new Set();
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      output[name] += text;
      for (const listener of listeners) listener();
    });
  }
  child.stdin.on("error", () => {});
  if (input !== null) child.stdin.end(input ?? "");
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code, signal, ...output });
      for (const listener of listeners) listener(true);
    });
  });
  const seen = (pattern) =>
    new Promise((resolve, reject) => {
      const look = (isOver) => {
        const found = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
        if (!found && !isOver) return;
        listeners.delete(look);
        if (found) resolve(found);
        else reject(new Error(`it ended without ${pattern}:\n${output.stdout}${output.stderr}`));
      };
      listeners.add(look);
      look();
    });
  return { child, output, seen, ended };
}

/** Runs the program to its end. */
export const highway = (t, args, options) => start(t, args, options).ended;

/**
 * Starts `highway-wasm serve` on a free port. Returns what `start` returns, with `url`, `key`, and `env` for clients.
 */
export async function startServer(t, args = [], options = {}) {
  const cwd = options.cwd ?? folder(t);
  const server = start(t, ["serve", "--port", "0", ...args], { ...options, cwd });
  const [, url] = await server.seen(/^listening on (\S+)$/m);
  const [, key] = await server.seen(/^new API key, shown this once: (\S+)$|^API key: /m);
  return { ...server, cwd, url, key, env: { HIGHWAY_API_ENDPOINT: url, HIGHWAY_API_KEY: key } };
}

/** The program that gives others a terminal, if there is one. */
export const TERMINAL = process.platform === "linux" ? "/usr/bin/script" : "";

/** Runs the program on a terminal of the given size. Its output is in `stdout`, with the terminal's line ends. */
export function onTerminal(t, args, { size = [100, 30], ...options } = {}) {
  const quoted = [process.execPath, PROGRAM, ...args].map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`);
  const command = `stty cols ${size[0]} rows ${size[1]}; exec ${quoted.join(" ")}`;
  return start(t, ["-qefc", command, "/dev/null"], { ...options, file: TERMINAL });
}

/** A folder with modules that can import the package by its name. */
export function modules(t, files, { isCopy = false } = {}) {
  const cwd = folder(t, files);
  mkdirSync(join(cwd, "node_modules"));
  const target = join(cwd, "node_modules", "highway-wasm");
  if (isCopy) cpSync(inRoot("dist"), target, { recursive: true });
  else symlinkSync(inRoot("dist"), target);
  return cwd;
}

/** A definition of shell commands. Each depends on the one before, unless it is in a list. */
export function shellWorkflow(name, commands, more = {}) {
  const tasks = {};
  let last;
  for (const [id, command] of Object.entries(commands)) {
    const dependencies = last === undefined ? [] : [last];
    tasks[id] = {
      task_id: id,
      operator_type: "task",
      function: "tools.shell.run",
      args: [command],
      dependencies,
    };
    last = id;
  }
  return { name, tasks, ...more };
}
