// Waits for another process, a server or an engine.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which a test counts as hanging. Nothing is measured with it. */
const HANG = 300_000;

/** Waits until a function returns a true value. Resolves with it. */
export async function until(holds) {
  const end = performance.now() + HANG;
  for (;;) {
    const value = await holds();
    if (value) return value;
    assert.ok(performance.now() < end, `it does not come to that: ${holds}`);
    await sleep(10);
  }
}
