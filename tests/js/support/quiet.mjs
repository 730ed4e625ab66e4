// What a file of tests must not leave behind in its process, whatever its tests do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/** What keeps a process alive: timers, sockets, servers. */
const resources = () =>
  process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate|TCP|Zlib)/.test(name));

/** Called before the tests of a file; gives a function that is called behind them, which checks what is left. */
export function watchProcess() {
  const rejections = [];
  const onRejection = (reason) => rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  const before = resources();
  return () =>
    test("nothing is left behind: no rejection without a listener, no timer, no socket", async () => {
      // Sockets that the runtime keeps for later are closed a moment after their servers.
      for (let turn = 0; turn < 600 && resources().length > before.length; turn++) await sleep(50);
      assert.deepEqual(resources().sort(), before.sort());
      assert.deepEqual(rejections, []);
      process.off("unhandledRejection", onRejection);
    });
}
