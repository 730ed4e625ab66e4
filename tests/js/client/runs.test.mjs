// What `Highway` does with runs apart from requests and answers: submitting, retrying, drawings, updates, queries.
import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { Driver, Highway, RunHandle, Workflow, WorkflowBuilder } from "highway-wasm";
import { checkRejection } from "../support/errors.mjs";
import { faultServer, json, reset, text } from "../support/fault-server.mjs";

const highwayFor = (server, options) =>
  new Highway({ endpoint: server.url, apiKey: "test-key", retry: false, ...options });
const quick = { retry: { delay: 0.01 } };
const refused = (path, more = {}) => ({ name: "ConfigurationError", code: "OPTION_INVALID", path, ...more });
const api = (code, more = {}) => ({ name: "ApiError", code, ...more });
const success = (data) => json(200, { status: "success", data });

describe("submitting", () => {
  test("exactly one of a definition and a source, and a valid key", async (t) => {
    const server = await faultServer(t, [success({ workflow_run_id: "r" })]);
    const { workflows } = highwayFor(server);
    const workflow = { name: "w", tasks: {} };
    for (const [options, path] of [
      [{}, "/workflow"],
      [{ workflow, pythonDsl: "x" }, "/workflow"],
      [{ pythonDsl: 5 }, "/pythonDsl"],
      [{ workflow, idempotencyKey: "" }, "/idempotencyKey"],
      [{ workflow, idempotencyKey: " " }, "/idempotencyKey"],
      [{ workflow, idempotencyKey: 7 }, "/idempotencyKey"],
    ]) {
      await checkRejection(workflows.submit(options), refused(path));
    }
    const notJson = { name: "ValidationError", code: "VALUE_NOT_JSON", path: "/inputs/a" };
    await checkRejection(workflows.submit({ workflow, inputs: { a: Number.NaN } }), notJson);
    assert.equal(server.requests.length, 0);
  });

  test("definitions and inputs that are not objects are refused, as by the driver", async (t) => {
    const server = await faultServer(t, [success({ workflow_run_id: "r" })]);
    const { workflows } = highwayFor(server);
    const workflow = { name: "w", tasks: {} };
    const sent = [];
    for (const options of [
      { workflow: "text" },
      { workflow: null },
      { workflow: [] },
      { workflow, inputs: [1] },
      { workflow, inputs: "a=1" },
    ]) {
      const outcome = await workflows.submit(options).catch((error) => error.code);
      if (outcome !== "OPTION_INVALID") sent.push(JSON.stringify(options));
    }
    assert.deepEqual(sent, []);
  });

  test("the definitions of the builder and the driver are sent as their data", async (t) => {
    const server = await faultServer(t, [success({ workflow_run_id: "r", definition_id: "d" })]);
    const { workflows } = highwayFor(server);
    const driver = new Driver({ auth: false });
    driver.shell("a", "true");
    const built = new WorkflowBuilder("flow").task("a", "tools.shell.run", { args: ["true"] }).build();
    assert.ok(built instanceof Workflow);
    for (const workflow of [built, driver.build(), built.toJSON()]) {
      const handle = await workflows.submit({ workflow });
      assert.ok(handle instanceof RunHandle);
      assert.deepEqual(handle.submission, { workflow_run_id: "r", definition_id: "d" });
      const { workflow_definition } = server.requests.at(-1).json;
      assert.deepEqual(workflow_definition, JSON.parse(JSON.stringify(workflow)));
    }
  });

  test("submissions are repeated with their key, each has its own, and the answer names the run", async (t) => {
    const answers = [text(503, ""), text(503, ""), success({ workflow_run_id: "r" })];
    const server = await faultServer(t, answers);
    const highway = highwayFor(server, quick);
    await highway.workflows.submit({ workflow: { tasks: {} } });
    await highway.workflows.submit({ workflow: { tasks: {} } });
    const keys = server.requests.map(({ headers }) => headers["x-idempotency-key"]);
    assert.equal(new Set(keys.slice(0, 3)).size, 1);
    assert.notEqual(keys[3], keys[0]);
    const nameless = await faultServer(t, [success({ definition_id: "d" })]);
    const invalid = { name: "SubmissionError", code: "API_RESPONSE_INVALID", message: /id of a run/ };
    await checkRejection(highwayFor(nameless).workflows.submit({ workflow: { tasks: {} } }), invalid);
  });

  test("a registration names no run, and may be repeated", async (t) => {
    const data = { workflow_run_id: null, definition_id: "d", definition_hash: "h" };
    const server = await faultServer(t, [text(503, ""), success(data)]);
    const highway = highwayFor(server, quick);
    assert.deepEqual(await highway.workflows.register({ pythonDsl: "x" }), data);
    assert.equal(server.requests.length, 2);
    await checkRejection(highway.workflows.register({ pythonDsl: "x", inputs: {} }), refused("/inputs"));
    await checkRejection(highway.workflows.register({}), refused("/workflow"));
  });
});

describe("retry", () => {
  test("returns a handle to the new run, which can be followed", async (t) => {
    const server = await faultServer(t, ({ method, path }) => {
      if (method === "POST") {
        return success({ original_workflow_run_id: "old", new_workflow_run_id: "new", new_run_id: "x" });
      }
      return path.endsWith("/new") ? success({ status: "completed", result: { output: 1 } }) : json(404, {});
    });
    const handle = await highwayFor(server).workflows.retry("old");
    assert.equal(handle.runId, "new");
    assert.equal(handle.submission.original_workflow_run_id, "old");
    const { state, result } = await handle.result();
    assert.deepEqual([state, result], ["completed", { output: 1 }]);
  });

  test("an answer without a new run is an error, and nothing is retried twice", async (t) => {
    for (const data of [{}, null, { new_workflow_run_id: "" }, { new_workflow_run_id: 7 }, "x", []]) {
      const server = await faultServer(t, [success(data)]);
      await checkRejection(highwayFor(server).workflows.retry("r"), api("API_RESPONSE_INVALID"));
    }
    for (const answer of [text(503, ""), reset()]) {
      const server = await faultServer(t, [answer]);
      await assert.rejects(highwayFor(server, quick).workflows.retry("r"));
      assert.equal(server.requests.length, 1, "a second request could start a second run");
    }
  });
});

describe("drawings", () => {
  test("as text and as JSON, under each name", async (t) => {
    let answer;
    const server = await faultServer(t, () => answer);
    const { workflows } = highwayFor(server);
    for (const [method, drawn] of [
      ["graph", 'graph TD\n  a["ü"] --> b'],
      ["dot", 'digraph { "a" -> "b" }'],
    ]) {
      for (const shape of [
        text(200, drawn),
        text(200, drawn, "text/vnd.graphviz; charset=utf-8"),
        json(200, { status: "success", data: drawn }),
        json(200, { success: true, data: { graph: drawn } }),
        json(200, { data: { diagram: drawn, format: "x" } }),
        json(200, { [method === "dot" ? "dot" : "mermaid"]: drawn }),
        json(200, drawn),
      ]) {
        answer = shape;
        assert.equal(await workflows[method]("r"), drawn, shape.body);
      }
      for (const wrong of [{}, { nodes: [] }, null, 5, []]) {
        answer = json(200, { status: "success", data: wrong });
        await checkRejection(workflows[method]("r"), api("API_RESPONSE_INVALID", { message: /drawing/ }));
      }
    }
  });

  test("an HTML page is no drawing", async (t) => {
    const server = await faultServer(t, [text(200, "<!doctype html><title>Sign in</title>", "text/html")]);
    const { workflows } = highwayFor(server);
    for (const method of ["graph", "dot"]) {
      const outcome = await workflows[method]("r").catch((error) => error.code);
      assert.equal(outcome, "API_RESPONSE_INVALID");
    }
  });

  test("a replay is text or data, as requested", async (t) => {
    const server = await faultServer(t, [text(200, "line 1\nline 2"), success({ events: [] })]);
    const { workflows } = highwayFor(server);
    assert.equal(await workflows.replay("r", { format: "text" }), "line 1\nline 2");
    assert.deepEqual(await workflows.replay("r"), { events: [] });
  });

  test("a ping returns any value", async (t) => {
    const answers = [text(200, "pong"), json(200, { status: "ok" }), text(200, ""), json(200, "pong")];
    const server = await faultServer(t, [...answers, text(503, "")]);
    const { system } = highwayFor(server);
    const given = [await system.ping(), await system.ping(), await system.ping(), await system.ping()];
    assert.deepEqual(given, ["pong", { status: "ok" }, "", "pong"]);
    await checkRejection(system.ping(), api("API_SERVER_ERROR"));
  });
});

describe("updates", () => {
  const update = (highway, options) => highway.updates.send("r", "change", { n: 1 }, options);

  test("the run may take 30 s by default, or the given time", async (t) => {
    const server = await faultServer(t, [success({ result: 1 })]);
    const highway = highwayFor(server);
    for (const [timeout, seconds] of [
      [undefined, 30],
      [60, 60],
      ["PT2M", 120],
      [{ milliseconds: 500 }, 0.5],
    ]) {
      await update(highway, { timeout });
      assert.equal(server.requests.at(-1).json.timeout_seconds, seconds);
    }
    for (const timeout of [0, -1, "soon", Number.POSITIVE_INFINITY]) {
      const error = await update(highway, { timeout }).catch((error) => error);
      assert.ok(["OPTION_INVALID", "VALUE_NOT_JSON"].includes(error.code), `${timeout}: ${error}`);
    }
    assert.equal(server.requests.length, 4);
  });

  test("the request may take ten seconds longer than the run", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const fetch = () => new Promise(() => {});
      const highway = new Highway({ endpoint: "http://h.example", apiKey: "k", timeout: 1, fetch });
      for (const [timeout, limit] of [
        [60, 70_000],
        [undefined, 40_000],
      ]) {
        let outcome = "waits";
        const sent = update(highway, { timeout }).catch((error) => {
          outcome = error.code;
        });
        const settle = () => new Promise((resolve) => setImmediate(resolve));
        await settle();
        mock.timers.tick(limit - 10);
        await settle();
        assert.equal(outcome, "waits");
        mock.timers.tick(20);
        await sent;
        assert.equal(outcome, "REQUEST_TIMEOUT");
      }
    } finally {
      mock.timers.reset();
    }
  });

  test("a workflow that does not answer in time is a time limit, and the update is not repeated", async (t) => {
    const server = await faultServer(t, [json(408, { status: "error", message: "update timed out" })]);
    const highway = highwayFor(server, quick);
    const late = { name: "TimeoutError", code: "REQUEST_TIMEOUT", message: /update timed out/ };
    await checkRejection(update(highway), late);
    await checkRejection(highway.handle("r").update("change"), late);
    assert.equal(server.requests.length, 2);
    const failing = await faultServer(t, [json(500, { message: "handler error" })]);
    await checkRejection(update(highwayFor(failing, quick)), api("API_SERVER_ERROR"));
    assert.equal(failing.requests.length, 1);
  });

  test("returns the handler's result, whatever is around it", async (t) => {
    const shapes = [
      [success({ result: { status: "success", response: { response: "hi" } } }), "object"],
      [success({ result: null, update_id: "u" }), null],
      [json(200, { success: true, data: { result: 0 } }), 0],
      [json(200, { result: [1] }), [1]],
      [success("plain"), "plain"],
      [success({ answer: 1 }), { answer: 1 }],
      [success(null), null],
      [success([{ result: 1 }]), [{ result: 1 }]],
    ];
    const server = await faultServer(t, (_, index) => shapes[index][0]);
    for (const [, expected] of shapes) {
      const given = await update(highwayFor(server));
      const wanted = expected === "object" ? { status: "success", response: { response: "hi" } } : expected;
      assert.deepEqual(given, wanted);
    }
  });

  test("signals and updates without data send an empty object", async (t) => {
    const server = await faultServer(t, [success({ result: 1 })]);
    const highway = highwayFor(server);
    await highway.signals.send("r", "go");
    await highway.updates.send("r", "go");
    await highway.handle("r").signal("go", null);
    const [signal, sent, nothing] = server.requests.map(({ json: body }) => body);
    assert.deepEqual(signal, { signal_name: "go", signal_payload: {} });
    assert.deepEqual(sent, { update_name: "go", update_payload: {}, timeout_seconds: 30 });
    assert.deepEqual(nothing, { signal_name: "go", signal_payload: null });
  });
});

describe("queries", () => {
  test("the value of a variable, in every shape", async (t) => {
    const shapes = [
      [success({ variable: "n", value: 5 }), 5],
      [success({ n: 5 }), 5],
      [success({ result: 5 }), 5],
      [success({ value: null }), null],
      [success({ n: { value: 1 } }), { value: 1 }],
      [json(200, { success: true, data: { n: [1] } }), [1]],
      [json(200, { n: "x", version: 3 }), "x"],
      [success(5), 5],
      [success([1, 2]), [1, 2]],
      [success(null), null],
      [success({ other: 1 }), { other: 1 }],
      [json(200, "x"), "x"],
    ];
    const server = await faultServer(t, (_, index) => shapes[index][0]);
    const handle = highwayFor(server).handle("r/1");
    for (const [shape, expected] of shapes) assert.deepEqual(await handle.query("n"), expected, shape.body);
    assert.equal(server.requests[0].url, "/api/v1/workflows/r%2F1/query?variable=n");
  });

  test("a variable with the name of a property that every object has", async (t) => {
    const server = await faultServer(t, [success({ other: 1 })]);
    assert.deepEqual(await highwayFor(server).handle("r").query("toString"), { other: 1 });
  });

  test("an unknown one is not found; through `workflows` the answer is returned unchanged", async (t) => {
    const server = await faultServer(t, [json(404, { message: "no variable n" }), success({ value: 5 })]);
    const highway = highwayFor(server);
    await checkRejection(highway.handle("r").query("n"), api("API_NOT_FOUND"));
    assert.deepEqual(await highway.workflows.query("r", { all: true }), { value: 5 });
    await checkRejection(highway.handle("r").query("n", { all: true }), refused("/all"));
  });
});
