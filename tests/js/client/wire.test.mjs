// Recorded conversations of public clients, repeated with this package: it sends the same requests and understands
// every answer.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Highway, isHighwayError } from "highway-wasm";
import { folderWith } from "../support/artifacts.mjs";
import { checkError, checkRejection, rejectionOf } from "../support/errors.mjs";
import {
  answerOf,
  checkRequests,
  credentialOf,
  operationOf,
  recordings,
  replayServer,
} from "../support/wire.mjs";
import { faultServer } from "../support/fault-server.mjs";

/** Recordings that cannot be repeated, and why. */
const notReplayed = {
  "highway-0.9.1_stabilize-0.12.2__connection_refused": "there was no server, so nothing was recorded",
  "highway-0.9.1_stabilize-0.12.2__schedule_cron": "Python's `wait=False` sends nothing",
  "highway-0.9.1_stabilize-0.12.2__wait_false_status_cancel_logs": "Python's `wait=False` sends nothing",
  "highway-0.9.1_stabilize-0.14.9__wait_true_happy": "Python failed before it sent anything",
  "highway-0.9.1_stabilize-0.15.3__wait_true_happy": "Python failed before it sent anything",
  "highway-0.9.1_stabilize-0.33.1__submit_401": "Python failed before it sent anything",
  "highway-0.9.1_stabilize-0.33.1__wait_true_failed": "Python failed before it sent anything",
  "highway-0.9.1_stabilize-0.33.1__wait_true_happy": "Python failed before it sent anything",
  "highway-0.9.1_stabilize-0.9.0__wait_true_happy": "Python failed before it sent anything",
  "stabilize-0.33.1_highwaytask_response_tolerance_matrix":
    "a list of answers without requests; tested below",
};

const CODES = {
  400: "API_BAD_REQUEST",
  401: "API_UNAUTHORIZED",
  403: "API_FORBIDDEN",
  404: "API_NOT_FOUND",
  409: "API_CONFLICT",
  422: "API_BAD_REQUEST",
  429: "API_RATE_LIMITED",
  500: "API_SERVER_ERROR",
  503: "API_SERVER_ERROR",
};
const FINAL = ["completed", "failed", "cancelled", "timed_out"];

const replayed = new Set();

/** A test of one recording. `replay(context)` sends its requests, which are then compared. */
function testReplay(name, replay, options) {
  replayed.add(name);
  test(name, async (t) => {
    const recording = recordings.get(name);
    const server = await replayServer(t, recording);
    const credential = credentialOf(recording);
    const client = {
      endpoint: server.url,
      retry: false,
      ...(credential === undefined ? { auth: false } : { apiKey: credential }),
    };
    await replay({ t, client, exchanges: recording.exchanges, server });
    await checkRequests(recording, server.asked, options);
  });
}

/** The data of a recorded run. */
const dataOf = ({ response: { body } }) => body.data ?? body;
const stateOf = (exchange) => dataOf(exchange).status ?? dataOf(exchange).state;
const isLook = ({ request }) => request.method === "GET" && /\/workflows\/[^/]+$/.test(request.path);
const isSubmission = ({ request }) => request.method === "POST" && request.path === "/api/v1/workflows";

/** A driver with the tasks of a recorded definition. */
function driverOf(client, { name, tasks, schedule }, register) {
  // Python 0.1.1 and packages have their own names. Other names come from the first task, as ours do.
  const driver = new Driver({ ...client, ...(name.startsWith("workflow_") ? {} : { name }) });
  if (register) register(driver);
  else {
    for (const { task_id, args } of Object.values(tasks)) {
      driver.shell(task_id, args[0], schedule ? { schedule: { minutes: 5 } } : {});
    }
  }
  return driver;
}

/** The options of a recorded submission. */
const startOf = ({ request: { body } }) => ({
  inputs: body.workflow_definition.variables,
  timeout: body.workflow_definition.timeout_seconds,
});

describe("runs of the Python driver", { concurrency: true }, () => {
  const names = [...recordings.keys()].filter(
    (name) => name.startsWith("highway-0.") && !(name in notReplayed),
  );
  /** The recordings that are repeated in one of these ways. */
  const ways = new Set();
  const registered = {
    "highway-0.9.1_stabilize-0.12.2__all_task_kinds_definition": (driver) => {
      const a = driver.shell("a", "echo hello");
      driver.python("p", "def p():\n    return 1", {
        depends: a,
        timeout: 42,
        retries: 2,
        retryDelay: 1.5,
        backoff: 3,
      });
      driver.http("h", { url: "https://example.com", method: "POST", json: { a: 1 } }, { depends: "p" });
      const llm = { prompt: "hi", model: "m", provider: "ollama" };
      driver.tool("t", "tools.llm.call", llm, { depends: "h", delay: 90 });
      driver.workflow("wname", { name: "child_wf", inputs: { d: 1 } }, { depends: "t" });
      driver.workflow("wid", { id: "aaaaaaaa-0000-4000-8000-000000000000" }, { depends: "t" });
      driver.foreach("fe", { items: a.result.items, py: "def fe():\n    return 1", depends: a });
      const body = "def wl():\n    return 1";
      driver.whileLoop("wl", { condition: "{{n}} < 3", py: body, durable: false, depends: a });
      driver.emit("em", { event: "ev", payload: { p: "{{a_result.stdout}}" }, depends: a });
      driver.waitFor("wf", { event: "ev", timeout: 9, depends: "em" });
    },
    "highway-0.9.1_stabilize-0.12.2__durable_upload": (driver) => {
      driver.task("d", { durable: "def d(ctx, n, q=0):\n    return n", funcArgs: [1], funcKwargs: { q: 2 } });
    },
    "highway-0.9.1_stabilize-0.12.2__durable_upload_enveloped_response": (driver) => {
      driver.task("d", { durable: "def d(ctx):\n    return 1" });
    },
  };

  for (const name of names) {
    const { exchanges } = recordings.get(name);
    const looks = exchanges.filter(isLook);
    const submissions = exchanges.filter(isSubmission);
    const states = looks.map((look) => (look.response.status === 200 ? stateOf(look) : look.response.status));
    const isFollowed =
      submissions.at(-1)?.response.status < 300 &&
      submissions.filter(({ response }) => response.status < 300).length === 1 &&
      FINAL.includes(states.at(-1)) &&
      !states.slice(0, -1).some((state) => FINAL.includes(state));

    // Followed to the end of the run, including uploads and repetitions.
    if (isFollowed) {
      const upload = exchanges.find(({ request }) => request.path === "/api/v1/artifacts");
      const artifactId = upload && dataOf(upload).artifact_id;
      const register = registered[name];
      if (/package_dir/.test(name)) continue;
      testReplay(
        name,
        async ({ client }) => {
          const [{ request }] = submissions;
          const more = { retry: { delay: 0.01 } };
          const driver = driverOf({ ...client, ...more }, request.body.workflow_definition, register);
          const result = await driver.run(startOf(submissions[0]));
          const { status, state, result: given } = dataOf(looks.at(-1));
          assert.equal(result.status, status ?? state);
          assert.deepEqual(result.result, given ?? null);
          assert.equal(result.isSuccess, result.state === "completed");
          if (result.isSuccess) assert.equal(result.error, null);
          if (["failed", "timed_out"].includes(result.state)) assert.ok(result.error.message);
        },
        { artifactId },
      );
      ways.add(name);
    }
  }

  // Python repeats these requests although the run has ended or the server refuses; ours are sent as often.
  const looked = [
    "highway-0.1.1__poll_500_once",
    "highway-0.1.1__state_key_only",
    "highway-0.9.1_stabilize-0.12.2__poll_404",
    "highway-0.9.1_stabilize-0.12.2__poll_429",
    "highway-0.9.1_stabilize-0.12.2__wait_true_timed_out_state",
  ];
  for (const name of looked) {
    testReplay(name, async ({ client, exchanges: [submission, ...looks] }) => {
      const driver = driverOf(client, submission.request.body.workflow_definition);
      const handle = await driver.start(startOf(submission));
      for (const look of looks) {
        const { status } = look.response;
        if (status === 200) assert.equal((await handle.status()).status, stateOf(look));
        else await checkRejection(handle.status(), { name: "ApiError", code: CODES[status] });
      }
    });
    ways.add(name);
  }

  // Submissions that the server refuses.
  const refused = names.filter((name) => /__submit_(\d+|409_\w+)$/.test(name));
  for (const name of refused) {
    testReplay(name, async ({ client, exchanges: [submission, ...looks] }) => {
      const driver = driverOf(client, submission.request.body.workflow_definition);
      const { status, body } = submission.response;
      const error = await rejectionOf(driver.run(startOf(submission)));
      checkError(error, { name: "SubmissionError", code: CODES[status] });
      const existing = body.existing_run_id ?? body.details?.existing_run_id;
      assert.equal(error.existingRunId, existing);
      for (const look of looks) {
        assert.match(look.request.path, new RegExp(`/${existing}$`), "Python adopts the run");
        const { state } = await driver.handle(error.existingRunId).result();
        assert.equal(state, stateOf(look));
      }
    });
    ways.add(name);
  }

  const others = {
    "highway-0.9.1_stabilize-0.12.2__missing_run_id": async ({ client, exchanges: [submission] }) => {
      const driver = driverOf(client, submission.request.body.workflow_definition);
      const expected = { name: "SubmissionError", code: "API_RESPONSE_INVALID", message: /id of a run/ };
      await checkRejection(driver.run(startOf(submission)), expected);
    },
    "highway-0.9.1_stabilize-0.12.2__durable_upload_fails_500": async ({ client }) => {
      const driver = new Driver(client);
      driver.task("d", { durable: "def d(ctx):\n    return 1" });
      const expected = { name: "SubmissionError", code: "ARTIFACT_UPLOAD_FAILED" };
      await checkRejection(driver.run(), expected);
    },
    "highway-0.9.1_stabilize-0.12.2__durable_upload_package_dir": async ({ t, client, exchanges }) => {
      const folder = folderWith(t, {
        "mypkg/main.py": "def run(ctx, x):\n    return x",
        "mypkg/__init__.py": "",
        "mypkg/sub/m.py": "",
        "mypkg/notes.txt": "",
      });
      const driver = driverOf(client, exchanges[1].request.body.workflow_definition, (driver) => {
        const options = { package: `${folder}/mypkg`, entrypoint: "main:run", funcKwargs: { x: 5 } };
        driver.task("d", { durable: true, ...options });
      });
      assert.equal((await driver.run({ timeout: 60 })).state, "completed");
    },
    // Two runs, one after the other, with the same id.
    "highway-0.9.1_stabilize-0.12.2__workflow_id_idempotency": async ({ client, exchanges }) => {
      for (const [index, submission] of exchanges.filter(isSubmission).entries()) {
        const driver = driverOf(client, submission.request.body.workflow_definition);
        const result = await driver.run({ ...startOf(submission), workflowId: `order-${index}` });
        assert.equal(result.runId, dataOf(submission).workflow_run_id);
      }
    },
    // Two runs at the same time, looked at in turns.
    "highway-0.9.1_stabilize-0.12.2__wait_false_then_second_driver_run": async ({ client, exchanges }) => {
      const handles = new Map();
      for (const exchange of exchanges) {
        if (isSubmission(exchange)) {
          const driver = driverOf(client, exchange.request.body.workflow_definition);
          const handle = await driver.start(startOf(exchange));
          handles.set(handle.runId, handle);
        } else {
          const handle = handles.get(exchange.request.path.split("/").at(-1));
          assert.equal((await handle.status()).status, stateOf(exchange));
        }
      }
    },
    "highway-0.1.1__wait_false_status_cancel_logs": async ({ client, exchanges }) => {
      const [submission] = exchanges;
      const driver = driverOf(client, submission.request.body.workflow_definition);
      const result = await driver.run({ ...startOf(submission), wait: false, workflowId: "order-1" });
      assert.equal(result.state, "submitted");
      assert.equal((await driver.status(result.runId)).state, "running");
      assert.equal(await driver.cancel(result.runId), true);
      const status = await driver.status(result.runId);
      assert.deepEqual([status.state, status.error.message], ["cancelled", "cancelled"]);
      await checkRejection(driver.status("nope"), { name: "ApiError", code: "API_NOT_FOUND" });
      await checkRejection(driver.cancel("nope"), { name: "ApiError", code: "API_NOT_FOUND" });
    },
  };
  for (const [name, replay] of Object.entries(others)) {
    testReplay(name, replay);
    ways.add(name);
  }

  test("each of them is repeated in one way", () => {
    assert.deepEqual([...ways].sort(), names);
  });
});

/** Sends a recorded request with the method for it. Returns a promise. */
function ask(highway, { method, path, query, body, headers }) {
  const [, first, id, what] = path.split("/").slice(2);
  const one = Object.fromEntries(Object.entries(query).map(([name, [value]]) => [name, value]));
  switch (`${method} ${first} ${what ?? ""}`.trim()) {
    case "POST workflows": {
      const source =
        body.python_dsl === undefined
          ? { workflow: body.workflow_definition }
          : { pythonDsl: "def get_workflow(): ..." };
      if (body.execute === false) return highway.workflows.register(source);
      const key = headers.find(([name]) => name === "X-Idempotency-Key")?.[1];
      return highway.workflows.submit({ ...source, inputs: body.inputs, idempotencyKey: key });
    }
    case "GET workflows":
      return id === "schedules" ? highway.schedules.jobs() : highway.workflows.get(id);
    case "POST workflows cancel":
      return highway.workflows.cancel(id, body.reason);
    case "POST workflows updates":
      return highway.updates.send(id, body.update_name, body.update_payload, {
        timeout: body.timeout_seconds,
      });
    case "POST workflows signals":
      return highway.signals.send(id, body.signal_name, body.signal_payload);
    case "GET approvals":
      return highway.approvals.list({ workflowRunId: one.workflow_run_id, status: one.status });
    case "POST approvals approve":
    case "POST approvals reject":
      return highway.approvals[what](id, { comment: body.comment });
    case "POST artifacts":
      return highway.artifacts.upload(Buffer.from("abcd"), { filename: "x.zip" });
    default:
      return highway.request(method, path, { query: one, ...(body === null ? {} : { body }) });
  }
}

describe("other clients", { concurrency: true }, () => {
  const others = [...recordings.keys()].filter(
    (name) => /^(highway-mcp|travel|stabilize-[\d.]+_example)/.test(name) && !(name in notReplayed),
  );
  for (const name of others) {
    testReplay(name, async ({ client, exchanges, server }) => {
      for (const { request, response } of exchanges) {
        // One of the clients has another key for its uploads.
        const apiKey = credentialOf({ exchanges: [{ request }] });
        const outcome = ask(new Highway({ ...client, apiKey }), request);
        if (response.status < 300) await outcome;
        else {
          const code = CODES[response.status];
          const error = await rejectionOf(outcome);
          assert.ok(isHighwayError(error, code), `${request.path}: ${error}`);
          assert.equal(error.details.status, response.status);
        }
      }
      assert.equal(server.asked.length, exchanges.length);
    });
  }

  test("the result of these answers in a client equals ours", async (t) => {
    const { exchanges } = recordings.get("travel-demo_repo-beefd4b__full_flow");
    const server = await replayServer(t, { exchanges });
    const highway = new Highway({ endpoint: server.url, apiKey: "k", retry: false });
    const given = [];
    for (const { request } of exchanges) given.push(await ask(highway, request));
    const [handle, first, , update, , approvals, , approved, , completed, , signal, cancelled] = given;
    assert.equal(first.currentStep, "analyze_request");
    assert.deepEqual(update, { status: "success", response: { response: "LLM says hi" } });
    assert.equal(approvals[0].title, "Approve Travel Booking");
    assert.equal(approved.workflow_run_id, handle.runId);
    assert.equal(completed.state, "completed");
    assert.deepEqual([signal, cancelled], [undefined, true]);
  });
});

describe("the client with all operations", { concurrency: true }, () => {
  const names = [...recordings.keys()].filter((name) => name.startsWith("highway-sdk-"));
  const pages = { "/": "text", "/login": "text", "/ping": "text", "/favicon.ico": "bytes" };
  const retries = ["highway-sdk-1.0.1__get_429_retry_after_autoretry"];
  const isDownload = /artifact_download$/;

  for (const name of names) {
    testReplay(
      name,
      async ({ client, exchanges }) => {
        const highway = new Highway({ ...client, ...(retries.includes(name) ? { retry: {} } : {}) });
        // A repeated request is recorded as often.
        const requests = retries.includes(name) ? exchanges.slice(-1) : exchanges;
        for (const { request, response } of requests) {
          const { method, path, query } = request;
          const { template, params } = operationOf(request);
          const body = typeof request.body === "string" ? JSON.parse(request.body) : undefined;
          const one = Object.fromEntries(Object.entries(query).map(([key, [value]]) => [key, value]));
          const how = response.headers["Content-Type"]?.includes("html") ? pages[path] : "json";
          const headers = Object.fromEntries(request.headers.filter(([key]) => /^x-/i.test(key)));
          const outcome = isDownload.test(name)
            ? highway.artifacts.download(path.split("/").at(-1))
            : highway.request(method, template, { params, query: one, body, expects: how, headers });
          if (response.status >= 300) {
            await checkRejection(outcome, { name: "ApiError", code: CODES[response.status] });
            continue;
          }
          const { body: sent } = answerOf(response);
          const data = await outcome;
          if (data instanceof Uint8Array) assert.deepEqual(Buffer.from(data), Buffer.from(sent));
          else if (how === "text") assert.equal(data, sent);
          else assert.deepEqual(data, response.body.data);
        }
      },
      // `request()` sends its argument unchanged.
      { isVerbatim: true },
    );
  }

  test("the content of its errors", async (t) => {
    const { exchanges } = recordings.get("highway-sdk-1.0.1__error_429");
    const server = await replayServer(t, { exchanges });
    const highway = new Highway({ endpoint: server.url, apiKey: "k", retry: false });
    const error = await rejectionOf(highway.artifacts.list());
    assert.deepEqual(
      [error.status, error.requestId, error.details.serverCode, error.details.serverDetails],
      [429, "rq-1", "SOME_CODE", { a: 1 }],
    );
    const { exchanges: list } = recordings.get("highway-sdk-1.0.1__error_422");
    const other = await replayServer(t, { exchanges: list });
    const invalid = await rejectionOf(new Highway({ endpoint: other.url, apiKey: "k" }).artifacts.list());
    assert.match(invalid.message, /page: bad/);
  });
});

describe("answers on which clients disagree", { concurrency: true }, () => {
  const matrix = recordings.get("stabilize-0.33.1_highwaytask_response_tolerance_matrix");
  // The outcome in this package: the state of the run, its id, or the code of the error.
  const expected = {
    "poll state_null_status_completed": "completed",
    "poll status_COMPLETED_upper": "completed",
    "poll status_succeeded": "completed",
    "poll status_canceled_one_l": "cancelled",
    "poll data_null": "API_RESPONSE_INVALID",
    "poll data_list": "API_RESPONSE_INVALID",
    "poll bare_status_completed": "completed",
    "poll envelope_status_only": "API_RESPONSE_INVALID",
    "poll top_level_list": "API_RESPONSE_INVALID",
    "poll not_json": "API_RESPONSE_INVALID",
    "poll empty_204": "API_RESPONSE_INVALID",
    "poll progress_float": "running",
    "poll progress_zero": "running",
    "poll progress_percentage": "running",
    "poll error_object": "failed",
    "poll error_empty_failure_reason": "failed",
    "poll 408": "REQUEST_TIMEOUT",
    "poll 410": "API_BAD_REQUEST",
    "poll 422": "API_BAD_REQUEST",
    "poll 502": "API_SERVER_ERROR",
    "poll 302_relative": "API_REDIRECTED",
    "submit 201_data_workflow_run_id": "A",
    "submit 200_data_run_id_only": "B",
    "submit both_ids": "A",
    "submit top_level": "C",
    "submit 202": "D",
    "submit numeric_id": "API_RESPONSE_INVALID",
    "submit 409_existing_top": "API_CONFLICT E",
    "submit 409_existing_data": "API_CONFLICT E",
    "submit 409_html": "API_CONFLICT",
    "submit 408": "REQUEST_TIMEOUT",
    "submit 422": "API_BAD_REQUEST",
    "submit 503": "API_SERVER_ERROR",
    "submit 307": "API_REDIRECTED",
  };
  const titled = matrix.map((entry) => ({ ...entry, title: `${entry.phase} ${entry.name}` }));

  /** The recorded answer, with a redirect whose target exists. */
  function sent([status, body]) {
    const headers = {
      "content-type": "application/json",
      ...(status < 400 && status >= 300 ? { location: "/x" } : {}),
    };
    if (status === 204) return { status, headers: {} };
    return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
  }

  test("all of them are known", () => {
    assert.deepEqual(titled.map(({ title }) => title).sort(), Object.keys(expected).sort());
  });

  for (const { title, phase, response } of titled) {
    test(title, async (t) => {
      const server = await faultServer(t, [sent(response)]);
      const driver = new Driver({ endpoint: server.url, apiKey: "k", retry: false });
      driver.shell("a", "true");
      const outcome =
        phase === "submit"
          ? driver.start().then(({ runId }) => runId)
          : driver.status("R").then(({ state }) => state);
      const told = await outcome.catch((error) => {
        assert.ok(isHighwayError(error), error.stack);
        return [error.code, error.existingRunId].filter(Boolean).join(" ");
      });
      assert.equal(told, expected[title]);
      if (phase !== "poll") return;
      // Following a run ends too: with its result, with an error, or with the time limit.
      const followed = await driver
        .handle("R")
        .result({ timeout: 0.3 })
        .then(
          ({ state }) => state,
          (error) => error.code,
        );
      assert.ok([expected[title], "WAIT_TIMEOUT"].includes(followed), `${followed}`);
    });
  }
});

test("every recording is repeated, or has a reason why not", () => {
  const names = [...recordings.keys()];
  assert.deepEqual([...replayed, ...Object.keys(notReplayed)].sort(), names.sort());
  assert.equal(replayed.size, 75);
  for (const [name, reason] of Object.entries(notReplayed)) {
    const { exchanges = [] } = recordings.get(name);
    assert.equal(exchanges.length, 0, `${name}: ${reason}`);
  }
});
