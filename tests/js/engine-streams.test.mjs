// Streams of the engine, over time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inRoot } from "../../scripts/lib/paths.mjs";

const { RunStreams } = await import(pathToFileURL(inRoot("dist", "esm", "engine", "streams.js")).href);

test("a stream shows that it lives until it ends, however it does, and not afterwards", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  for (const end of ["the run", "the engine", "the reader"]) {
    const streams = new RunStreams();
    let status = "running";
    const view = () => JSON.stringify({ status });
    const reader = streams.open("r", view).body.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    assert.equal(await next(), 'data: {"status":"running"}\n\n');
    t.mock.timers.tick(15_000);
    assert.equal(await next(), ": alive\n\n");
    if (end === "the run") {
      status = "completed";
      streams.tell(view);
      assert.equal(await next(), 'data: {"status":"completed"}\n\n');
    } else if (end === "the engine") streams.close();
    else await reader.cancel();
    // To write into a stream that has ended would throw, out of a timer.
    t.mock.timers.tick(60_000);
    assert.equal((await reader.read()).done, true, end);
    assert.ok(streams.isEmpty);
  }
});
