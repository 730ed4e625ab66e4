// Runs a small program in another Node process, for what must not happen in the test's own.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * Runs the source of a module to its end. Resolves with `{code, signal, stdout, stderr, lines, took}`: `took` is in
 * milliseconds, and `lines` are the lines of the output, each with its time. A program is ended after `limit`
 * milliseconds.
 */
export function runModule(source, { limit = 60_000, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      cwd: root,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limit,
      killSignal: "SIGKILL",
    });
    const output = { stdout: "", stderr: "" };
    const lines = [];
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      output.stdout += chunk;
      for (const line of chunk.trim().split("\n")) lines.push({ line, at: performance.now() - started });
    });
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      output.stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code, signal, ...output, lines, took: performance.now() - started });
    });
  });
}
