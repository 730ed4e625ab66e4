// Waiting for what somebody else does: another process, a server, an engine.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which a hang is taken for one. Nothing is measured by it. */
const HANG = 300_000;

/** Waits until a function gives something that is true; resolves with that. */
export async function until(holds) {
  const end = performance.now() + HANG;
  for (;;) {
    const value = await holds();
    if (value) return value;
    assert.ok(performance.now() < end, `it does not come to that: ${holds}`);
    await sleep(10);
  }
}
