// Finds processes that a test run left behind. A program that detaches itself (a browser's crash handler, a daemon)
// leaves its process group, but keeps the environment that it inherited. On Linux every process shows its environment,
// so a mark there identifies it.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The environment variable that marks every process started from here. */
export const mark = { HIGHWAY_WASM_TEST_RUN: randomUUID() };
const text = Object.entries(mark)[0].join("=");

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** `[{ pid, command }]` of the marked processes that are running. Empty on systems without /proc. */
function leftovers() {
  const pids = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return pids
    .map(Number)
    .filter((pid) => pid !== process.pid && read(`/proc/${pid}/environ`).split("\0").includes(text))
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }))
    .filter(({ command }) => command !== "");
}

/** Ends the remaining processes after a moment, and resolves with a list of them. */
export async function endLeftovers() {
  for (let tries = 0; tries < 20 && leftovers().length > 0; tries += 1) await sleep(100);
  const found = leftovers();
  for (const { pid } of found) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // The process has ended meanwhile.
    }
  }
  return found;
}
