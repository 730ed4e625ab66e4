// Following runs in a hidden page: no requests, and the client continues afterwards.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { driverFor, faultServer, json } from "../support/fault-server.mjs";

/** The part of a document that the client uses. It is removed after the test. */
function showPage(t) {
  const document = new EventTarget();
  document.visibilityState = "visible";
  globalThis.document = document;
  t.after(() => {
    delete globalThis.document;
  });
  return (state) => {
    document.visibilityState = state;
    document.dispatchEvent(new Event("visibilitychange"));
  };
}

test("polling pauses while the page is hidden, and continues when it is shown", async (t) => {
  const show = showPage(t);
  let state = "running";
  const server = await faultServer(t, ({ path }) =>
    path.endsWith("/stream") ? json(404, {}) : json(200, { workflow_run_id: "r", status: state }),
  );
  const seen = [];
  const result = driverFor(server)
    .handle("r")
    .result({ onProgress: (status) => seen.push(status.state) });
  while (seen.length === 0) await pause(5);
  show("hidden");
  // Pending requests still end.
  await pause(100);
  const before = server.requests.length;
  await pause(1500);
  assert.equal(server.requests.length, before, "nothing is asked");
  state = "completed";
  show("visible");
  assert.equal((await result).state, "completed");
  assert.deepEqual(seen, ["running", "completed"]);
});
