// Finds what a test run left behind. Programs that detach themselves (a browser's crash handler, a daemon) leave their
// process group, but keep the environment they inherited: on Linux every process shows it, so a mark set there finds them.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The environment variable that marks everything this process starts. */
export const mark = { HIGHWAY_WASM_TEST_RUN: randomUUID() };
const text = Object.entries(mark)[0].join("=");

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** `[{ pid, command }]` of the marked processes that still run. Empty where there is no /proc. */
function leftovers() {
  const pids = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return pids
    .map(Number)
    .filter((pid) => pid !== process.pid && read(`/proc/${pid}/environ`).split("\0").includes(text))
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }))
    .filter(({ command }) => command !== "");
}

/** Ends what is still there after a moment's grace, and resolves with what that was. */
export async function endLeftovers() {
  for (let tries = 0; tries < 20 && leftovers().length > 0; tries += 1) await sleep(100);
  const found = leftovers();
  for (const { pid } of found) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  }
  return found;
}
