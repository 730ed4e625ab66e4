// Programs that run in their own process.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The environment of a test program: no key, and no settings of the test runner. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME, HIGHWAY_API_KEY: "" };
if (process.env.HIGHWAY_WASM_TEST_RUN) env.HIGHWAY_WASM_TEST_RUN = process.env.HIGHWAY_WASM_TEST_RUN;

/** Runs Node in a folder. Resolves with `{ code, stdout, stderr }`; ends it after `limit` milliseconds. */
export function node(dir, args, { limit = 120_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: dir, env, timeout: limit, killSignal: "SIGKILL" });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
  });
}

/** Runs a program that must succeed and print a single line of JSON. Resolves with the value. */
export async function answer(dir, args, options) {
  const { code, stdout, stderr } = await node(dir, args, options);
  assert.equal(code, 0, `${args.join(" ")}: ${code}\n${stdout}${stderr}`);
  assert.equal(stderr, "", "it wrote to stderr");
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 1, stdout);
  return JSON.parse(lines[0]);
}

let count = 0;

/** {@link answer} for source text: the body of an ES module, or with `type: "cjs"` of a CommonJS module. */
export async function answerOf(dir, source, { type = "mjs" } = {}) {
  count += 1;
  const file = join(dir, `program-${count}.${type}`);
  writeFileSync(file, source);
  return answer(dir, [file]);
}
