// Checks that a test file leaves nothing behind in its process.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/** What keeps a process alive: timers, sockets, servers. */
const resources = () =>
  process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate|TCP|Zlib)/.test(name));

/** Call it before the tests of a file. Returns a function to call after them, which checks what is left. */
export function watchProcess() {
  const rejections = [];
  const onRejection = (reason) => rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  const before = resources();
  return () =>
    test("nothing is left behind: no unhandled rejection, no timer, no socket", async () => {
      // The runtime closes sockets that it keeps for later a moment after their servers.
      for (let turn = 0; turn < 600 && resources().length > before.length; turn++) await sleep(50);
      assert.deepEqual(resources().sort(), before.sort());
      assert.deepEqual(rejections, []);
      process.off("unhandledRejection", onRejection);
    });
}
