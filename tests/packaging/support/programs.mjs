// Programs that run in a process of their own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a program of ours may see of the environment: no key, and no test runner's settings. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME, HIGHWAY_API_KEY: "" };
if (process.env.HIGHWAY_WASM_TEST_RUN) env.HIGHWAY_WASM_TEST_RUN = process.env.HIGHWAY_WASM_TEST_RUN;

/** Runs Node in a folder and resolves with `{ code, stdout, stderr }`; it is ended after `limit` milliseconds. */
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

/** Runs a program that has to succeed and to print one line of JSON and nothing else; resolves with what it says. */
export async function answer(dir, args, options) {
  const { code, stdout, stderr } = await node(dir, args, options);
  assert.equal(code, 0, `${args.join(" ")}: ${code}\n${stdout}${stderr}`);
  assert.equal(stderr, "", "it wrote to stderr");
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 1, stdout);
  return JSON.parse(lines[0]);
}

let count = 0;

/** The same for source text: the body of an ES module, or with `type: "cjs"` of a CommonJS one. */
export async function answerOf(dir, source, { type = "mjs" } = {}) {
  count += 1;
  const file = join(dir, `program-${count}.${type}`);
  writeFileSync(file, source);
  return answer(dir, [file]);
}
