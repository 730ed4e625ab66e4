// highway 0.9.1, with the newest stabilize it works with: what its users see of `highway-wasm serve`, and what arrives there. It
// looks every 5 s, so its scenarios run beside each other.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { between } from "./support/between.mjs";
import { ask, runClient, sharedServer, skipWithout } from "./support/clients.mjs";

const SET = "highway-0.9.1";
const skip = skipWithout(SET);

const server = sharedServer(skip);

/** Runs a scenario through a server in between; gives its outcome, what was exchanged, and the run that the real server has. */
async function scenario(t, name, interfere, more) {
  const exchanged = await between(t, server, interfere);
  const outcome = await runClient(t, SET, "highway_0_9_1.py", name, exchanged, more);
  const id = exchanged.submissions().at(-1)?.answer?.data?.workflow_run_id;
  const run = id === undefined ? undefined : await ask(server, `workflows/${id}`);
  return { outcome, exchanged, run };
}

describe("highway 0.9.1", { skip, concurrency: 8 }, () => {
  test("runs tasks in their order, with inputs, and reads the result of the last", async (t) => {
    const { outcome, exchanged, run } = await scenario(t, "happy");
    assert.deepEqual([outcome.status, outcome.state, outcome.error], ["completed", "completed", null]);
    assert.equal(outcome.run_id, run.workflow_run_id);
    assert.deepEqual(Object.keys(outcome.tasks), ["highway_task"]);
    assert.equal(outcome.tasks.highway_task.answer, 42);
    assert.equal(run.status, "completed");
    assert.equal(run.result.first_result.stdout, "hello Ada");
    const [{ status, headers }, ...others] = exchanged.submissions();
    assert.deepEqual([status, others.length], [201, 0]);
    assert.match(headers["x-idempotency-key"], /^stabilize-/);
  });

  test("tells why a run failed", async (t) => {
    const { outcome, run } = await scenario(t, "failed");
    assert.equal(outcome.state, "failed");
    assert.match(outcome.error, /^Highway workflow failed: task `broken` failed: .*exit code 3: oh no$/);
    assert.equal(run.status, "failed");
    const { retries } = await ask(server, `workflows/${run.workflow_run_id}/metrics`);
    assert.equal(retries, 1, "it was tried again");
  });

  test("waits while a run sleeps", async (t) => {
    const { outcome, exchanged } = await scenario(t, "asleep");
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.tasks.highway_task.stdout, "two");
    const states = exchanged.polls().map(({ answer }) => answer.data.status);
    assert.equal(states[0], "sleeping");
    assert.equal(states.at(-1), "completed");
  });

  test("sends a submission again that the server failed at, with the same key", async (t) => {
    const isSubmission = ({ method, path }) => method === "POST" && path === "/api/v1/workflows";
    const { outcome, exchanged, run } = await scenario(t, "one_task", (request, count) =>
      isSubmission(request) && count <= 2 ? { status: 500, body: { status: "error" } } : undefined,
    );
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.run_id, run.workflow_run_id);
    assert.deepEqual(
      exchanged.submissions().map(({ status }) => status),
      [500, 500, 201],
    );
    assert.equal(new Set(exchanged.submissions().map(({ headers }) => headers["x-idempotency-key"])).size, 1);
  });

  test("gets the same run where only the answer was lost", async (t) => {
    let first;
    const { outcome, exchanged } = await scenario(
      t,
      "one_task",
      async ({ method, path, headers, body }, count) => {
        if (method !== "POST" || count > 1) return undefined;
        // The server takes it, but the client hears of a failure.
        const sent = { ...headers };
        delete sent.host;
        delete sent.connection;
        delete sent["content-length"];
        first = await (await fetch(server.url + path, { method, headers: sent, body })).json();
        return { status: 500, body: { status: "error" } };
      },
    );
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.run_id, first.data.workflow_run_id);
    assert.deepEqual(
      exchanged.submissions().map(({ status }) => status),
      [500, 200],
    );
  });

  test("follows the run that its key began before", async (t) => {
    const KEY = "a key with other content";
    const body = { workflow_definition: { name: "earlier", tasks: { a: shellTask("a", "echo earlier") } } };
    const headers = { authorization: `Bearer ${server.key}`, "x-idempotency-key": KEY };
    const earlier = await fetch(`${server.url}/api/v1/workflows`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const { data } = await earlier.json();
    const { outcome, exchanged } = await scenario(t, "one_task", (request) =>
      request.method === "POST"
        ? { ...request, headers: { ...request.headers, "x-idempotency-key": KEY } }
        : undefined,
    );
    const [{ status, answer }] = exchanged.submissions();
    assert.deepEqual([status, answer.existing_run_id], [409, data.workflow_run_id]);
    assert.deepEqual([outcome.status, outcome.run_id], ["completed", data.workflow_run_id]);
    assert.equal(outcome.tasks.highway_task.stdout, "earlier");
  });

  test("gives up where it is told to slow down", async (t) => {
    const { outcome, exchanged } = await scenario(t, "one_task", ({ method }) =>
      method === "POST" ? { status: 429, body: { status: "error", code: "RATE_LIMITED" } } : undefined,
    );
    assert.equal(outcome.state, "failed");
    assert.match(outcome.error, /RATE_LIMITED/);
    assert.equal(exchanged.submissions().length, 1);
  });

  test("shows what the server says to a wrong key, and to a name it is not called by", async (t) => {
    for (const [header, value, status, code] of [
      ["authorization", "Bearer wrong", 401, "UNAUTHORIZED"],
      ["host", "evil.example", 403, "HOST_NOT_ALLOWED"],
    ]) {
      const { outcome, exchanged } = await scenario(t, "one_task", (request) => ({
        ...request,
        headers: { ...request.headers, [header]: value },
      }));
      assert.equal(outcome.state, "failed");
      assert.match(outcome.error, new RegExp(code));
      assert.ok(!outcome.error.includes(server.key));
      assert.deepEqual(
        exchanged.exchanges.map((exchange) => exchange.status),
        [status],
      );
    }
  });

  test("hears that a run was cancelled", async (t) => {
    const { outcome, run } = await scenario(t, "long", async ({ method, path }) => {
      if (method === "GET")
        await ask(server, `${path.replace("/api/v1/", "")}/cancel`, "POST").catch(() => {});
    });
    assert.deepEqual([outcome.state, outcome.error], ["cancelled", null]);
    assert.equal(run.status, "cancelled");
  });

  for (const [name, rule, output] of [
    ["scheduled", "*/5 * * * *", "on time"],
    ["interval", "@every 300s", "now and then"],
  ]) {
    test(`a workflow with the schedule ${rule} runs at once, too`, async (t) => {
      const { outcome, exchanged, run } = await scenario(t, name);
      assert.equal(outcome.status, "completed");
      assert.equal(outcome.tasks.highway_task.stdout, output);
      assert.equal(exchanged.submissions()[0].json.workflow_definition.schedule, rule);
      assert.equal(run.status, "completed");
    });
  }

  test("loops, counts and hears events", async (t) => {
    const { outcome, run } = await scenario(t, "operators");
    assert.equal(outcome.status, "completed", outcome.error);
    assert.equal(outcome.tasks.highway_task.stdout, "counted 4");
    assert.equal(run.progress_percentage, 100);
  });

  test("uploads durable functions, which run with a context", async (t) => {
    const { outcome, exchanged, run } = await scenario(t, "durable");
    assert.equal(outcome.status, "completed", outcome.error);
    assert.equal(outcome.tasks.highway_task.stdout, "40 41");
    const [{ answer }] = exchanged.uploads();
    assert.match(answer.artifact_id, /^[0-9a-f]{64}$/);
    assert.equal(exchanged.submissions()[0].json.inputs._artifact_id, answer.artifact_id);
    assert.deepEqual(run.result.double_result, { value: 41, run: run.workflow_run_id });
    assert.deepEqual(run.result.without_context_result, [1, { two: null }]);
    const { exists, size } = await ask(server, `artifacts/${answer.artifact_id}/exists`);
    assert.deepEqual([exists, size], [true, answer.size]);
  });

  test("counts in a durable loop with variables of the run", async (t) => {
    const { outcome, run } = await scenario(t, "loop");
    assert.equal(outcome.status, "completed", outcome.error);
    assert.equal(outcome.tasks.highway_task.stdout, "counted to 3");
    assert.equal(run.status, "completed");
  });

  test("tells what a durable function raised", async (t) => {
    const { outcome, run } = await scenario(t, "durable_failure");
    assert.equal(outcome.state, "failed");
    assert.match(outcome.error, /ValueError: no such order/);
    const { logs } = await ask(server, `workflows/${run.workflow_run_id}/steps/logs`);
    assert.ok(logs.length > 0);
  });

  test("uploads a package", async (t) => {
    const { outcome, run } = await scenario(t, "package");
    assert.equal(outcome.status, "completed", outcome.error);
    assert.deepEqual(run.result.pay_result, { total: 6, task: "pay" });
  });

  test("sends nothing where it does not wait", async (t) => {
    const { outcome, exchanged } = await scenario(t, "background");
    assert.equal(outcome.status, "submitted");
    assert.equal(exchanged.exchanges.length, 0);
  });
});

const shellTask = (id, command) => ({
  task_id: id,
  operator_type: "task",
  dependencies: [],
  function: "tools.shell.run",
  args: [command],
  result_key: `${id}_result`,
});
