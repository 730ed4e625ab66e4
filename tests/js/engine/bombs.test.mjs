// Workflows that ask for too much. A real server answers meanwhile, obeys, and opens again.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Highway } from "highway-wasm";
import { BOMBS } from "../support/bombs.mjs";
import { folder, startServer } from "../support/cli.mjs";

/** Signals that are pending at the same time. */
const AT_ONCE = 20;

describe("a busy server", { concurrency: 1 }, () => {
  for (const { workflow, first = [], signals = 0 } of BOMBS) {
    test(`answers and obeys during \`${workflow.name}\`, and opens again`, async (t) => {
      const data = folder(t);
      let server = await startServer(t, ["--data", data]);
      const { key } = server;
      const highway = new Highway({ endpoint: server.url, apiKey: key, retry: false });
      for (const other of first) await highway.workflows.register({ workflow: other });
      const handle = await highway.workflows.submit({ workflow });
      const refusals = new Set();
      const send = async () => {
        for (let count = 0; count < signals / AT_ONCE; count += 1) {
          await handle.signal("again", { text: "x" }).catch((error) => refusals.add(error.status));
        }
      };
      const flood = Promise.all(Array.from({ length: AT_ONCE }, send));
      for (let count = 0; count < 5; count += 1) {
        const response = await fetch(`${server.url}/ping`, { signal: AbortSignal.timeout(300_000) });
        assert.equal(response.status, 200);
      }
      await flood;
      // Signals beyond the limit are refused.
      assert.deepEqual([...refusals], signals > 0 ? [413] : []);
      // The run may have ended.
      await handle.cancel("enough").catch((error) => assert.equal(error.status, 409));
      assert.match((await handle.status()).state, /^(cancelled|failed|completed)$/);
      await highway.workflows.submit({ workflow });
      server.child.kill("SIGTERM");
      assert.equal((await server.ended).code, 0);
      server = await startServer(t, ["--data", data]);
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`${server.url}/api/v1/workflows/${handle.runId}`, { headers });
      const { data: run } = await response.json();
      assert.match(run.status, /^(cancelled|failed|completed)$/);
    });
  }
});
