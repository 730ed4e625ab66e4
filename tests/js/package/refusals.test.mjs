// A refusal of the engine is the same in this process, over HTTP, in the program and through a proxy.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { serve } from "highway-wasm/node";
import { createProxy } from "highway-wasm/proxy";
import { folder, highway as program } from "../support/cli.mjs";
import { rejectionOf } from "../support/errors.mjs";
import { VERBS } from "../support/proxy.mjs";

const KEY = "hw_k1_key-of-these-tests";
const NOBODY = "00000000-0000-4000-8000-000000000000";
const LIMITS = { nameBytes: 100, eventBytes: 100_000, runBytes: 100_000, definitionTasks: 2 };
const tools = { small: () => 1 };

const task = (id, more = {}) => ({
  task_id: id,
  operator_type: "task",
  function: "small",
  args: [],
  kwargs: {},
  dependencies: [],
  trigger_rule: "all_success",
  ...more,
});
const flow = (name, ...tasks) => ({
  name,
  version: "1.0.0",
  tasks: Object.fromEntries(tasks.map((each) => [each.task_id, each])),
});
/** Definitions by the names that the proxy knows, and as files for the program. */
const FLOWS = {
  fine: flow("fine", task("a")),
  many: flow("many", task("a"), task("b"), task("c")),
  unknown: flow("unknown", task("a", { function: "nowhere.to.be.found" })),
  circle: flow("circle", task("a", { dependencies: ["b"] }), task("b", { dependencies: ["a"] })),
  waits: flow("waits", {
    task_id: "a",
    operator_type: "wait_for_event",
    event_name: "never",
    timeout_seconds: 600,
    dependencies: [],
  }),
};
const long = "n".repeat(101);
const wide = "x".repeat(100_100);

/**
 * `[title, server's code, request of a client, command line, whether a proxy passes it on]`. `run` has completed,
 * `active` is running.
 */
const REFUSALS = [
  ["a run that nobody knows", "NOT_FOUND", (h) => h.workflows.get(NOBODY), () => ["status", NOBODY]],
  ["its logs", "NOT_FOUND", (h) => h.steps.logs(NOBODY), () => ["logs", NOBODY]],
  ["its retry", "NOT_FOUND", (h) => h.workflows.retry(NOBODY), () => ["retry", NOBODY]],
  ["its end", "NOT_FOUND", (h) => h.workflows.cancel(NOBODY), () => ["cancel", NOBODY]],
  ["a signal for it", "NOT_FOUND", (h) => h.signals.send(NOBODY, "go", {}), () => ["signal", NOBODY, "go"]],
  ["approvals of it", "NOT_FOUND", (h) => h.workflows.get(NOBODY), () => ["approvals", "--run", NOBODY]],
  ["a step that is not there", "NOT_FOUND", (h, { run }) => h.steps.get(run, "b"), undefined, true],
  [
    "a schedule that is not there",
    "NOT_FOUND",
    (h) => h.schedules.get("s"),
    () => ["schedules", "show", "s"],
  ],
  ["an artifact that is not there", "NOT_FOUND", (h) => h.artifacts.download("a")],
  ["a definition that is not there", "NOT_FOUND", (h) => h.definitions.get("d")],
  [
    "a signal for a run that is over",
    "RUN_FINISHED",
    (h, { run }) => h.signals.send(run, "go", {}),
    ({ run }) => ["signal", run, "go"],
    true,
  ],
  ["an update of it", "RUN_FINISHED", (h, { run }) => h.updates.send(run, "set", { n: 1 }), undefined, true],
  [
    "the retry of what did not fail",
    "RUN_NOT_FAILED",
    (h, { run }) => h.workflows.retry(run),
    ({ run }) => ["retry", run],
    true,
  ],
  [
    "a key with other content",
    "IDEMPOTENCY_CONFLICT",
    async (h) => {
      await h.workflows.submit({ workflow: FLOWS.fine, inputs: { n: 1 }, idempotencyKey: "twice" });
      await h.workflows.submit({ workflow: FLOWS.fine, inputs: { n: 2 }, idempotencyKey: "twice" });
    },
    undefined,
    true,
  ],
  [
    "inputs that are too large",
    "LIMIT_EXCEEDED",
    (h) => h.workflows.submit({ workflow: FLOWS.fine, inputs: { wide } }),
    () => ["run", "fine.json", "--input", `wide=${wide}`],
    true,
  ],
  [
    "a signal that is too large",
    "LIMIT_EXCEEDED",
    (h, { active }) => h.signals.send(active, "go", { wide }),
    ({ active }) => ["signal", active, "go", "--data", `wide=${wide}`],
    true,
  ],
  [
    "a name that is too long",
    "LIMIT_EXCEEDED",
    (h, { active }) => h.signals.send(active, long, {}),
    ({ active }) => ["signal", active, long],
    true,
  ],
  [
    "an update that nobody answers",
    "UPDATE_TIMED_OUT",
    (h, { active }) => h.updates.send(active, "set", { n: 1 }, { timeout: 0.05 }),
    undefined,
    true,
  ],
  [
    "too many tasks",
    "LIMIT_EXCEEDED",
    (h) => h.workflows.submit({ workflow: FLOWS.many }),
    () => ["run", "many.json"],
    true,
  ],
  [
    "a tool that is not there",
    "TOOL_NOT_REGISTERED",
    (h) => h.workflows.submit({ workflow: FLOWS.unknown }),
    () => ["run", "unknown.json"],
    true,
  ],
  ["a circle", "DEPENDENCY_CYCLE", (h) => h.workflows.submit({ workflow: FLOWS.circle })],
  [
    "a schedule in no zone",
    "SCHEDULE_INVALID",
    (h) => h.workflows.register({ workflow: { ...FLOWS.fine, schedule: "CRON_TZ=Mars/Olympus 0 9 * * *" } }),
  ],
  ["what is not served", "NOT_IMPLEMENTED", (h, { run }) => h.workflows.checkpoints(run)],
  ["Python", "NOT_IMPLEMENTED", (h) => h.workflows.register({ pythonDsl: "x = 1" })],
  [
    "a limit of nothing",
    "QUERY_INVALID",
    (h, { run }) => h.workflows.events(run, { limit: 0 }),
    undefined,
    true,
  ],
  [
    "an artifact that is too large",
    "ARTIFACT_TOO_LARGE",
    (h) => h.artifacts.upload(new Uint8Array(8 * 1024 * 1024 + 1)),
  ],
];

/** The content of an error, without who answered, where, and about which run. */
function factsOf({ code, message, help, path, details }, runs) {
  const facts = {
    code,
    message: message.replace(/^the (engine|server) answered/, "it answered"),
    help: help?.replace("check the id and the endpoint", "check the id").replace(/^the server/, "the engine"),
    path,
    details: { ...details, existingRunId: details.existingRunId && "RUN" },
  };
  return JSON.parse(JSON.stringify(facts).replaceAll(new RegExp(Object.values(runs).join("|"), "g"), "RUN"));
}

const cleanups = [];
const all = { after: (cleanup) => cleanups.push(cleanup) };
let engine;
let server;
let cwd;
let ways;
before(async () => {
  engine = new LocalEngine({ tools, limits: LIMITS });
  server = await serve({ port: 0, key: KEY, data: folder(all), tools, engine: { limits: LIMITS } });
  cwd = folder(all, Object.fromEntries(Object.entries(FLOWS).map(([name, each]) => [`${name}.json`, each])));
  const allow = Object.fromEntries(
    Object.entries(FLOWS).map(([name, workflow]) => [name, { verbs: VERBS, workflow }]),
  );
  const proxy = createProxy({ apiKey: KEY, endpoint: server.url, allow });
  ways = {
    inProcess: new Highway({ engine, retry: false }),
    overHttp: new Highway({ endpoint: server.url, apiKey: KEY, retry: false }),
    proxied: new Highway({ endpoint: "https://app.example", auth: false, fetch: proxy, retry: false }),
  };
});
after(async () => {
  await server.close();
  await engine.close();
  for (const cleanup of cleanups) cleanup();
});

/** The ids of a run that has completed, and of one that is running. */
async function runsOf(client) {
  const handle = await client.workflows.submit({ workflow: FLOWS.fine });
  assert.equal((await handle.result()).state, "completed");
  const active = await client.workflows.submit({ workflow: FLOWS.waits });
  return { run: handle.runId, active: active.runId };
}

describe("the refusal of", { concurrency: 2 }, () => {
  for (const [what, serverCode, send, commandLine, isProxied] of REFUSALS) {
    test(what, async (t) => {
      const here = await runsOf(ways.inProcess);
      const error = await rejectionOf(send(ways.inProcess, here));
      const expected = factsOf(error, here);
      assert.ok([error.code, error.details.serverCode].includes(serverCode), JSON.stringify(error));
      const there = await runsOf(ways.overHttp);
      assert.deepEqual(factsOf(await rejectionOf(send(ways.overHttp, there)), there), expected);
      if (isProxied) assert.deepEqual(factsOf(await rejectionOf(send(ways.proxied, there)), there), expected);
      // This error says in its message what to give.
      assert.ok(error.help || serverCode === "QUERY_INVALID", `no help: ${error.message}`);
      if (commandLine === undefined) return;
      const env = { HIGHWAY_API_ENDPOINT: server.url, HIGHWAY_API_KEY: KEY };
      const { code, stdout, stderr } = await program(t, [...commandLine(there), "--json"], { cwd, env });
      assert.ok(code === 1 || code === 2, stderr);
      const text = (stdout || stderr).trim();
      const { help, ...facts } = factsOf(JSON.parse(text).error, there);
      assert.deepEqual({ ...facts, help: expected.help }, expected);
      // In the words of the program, if it has others.
      assert.ok(help, text);
    });
  }
});

test("a driver gets the same refusal", async () => {
  for (const options of [{ engine }, { endpoint: server.url, apiKey: KEY }]) {
    const driver = new Driver({ ...options, retry: false });
    const { code, details } = await rejectionOf(driver.status(NOBODY));
    assert.deepEqual([code, details.serverCode], ["API_NOT_FOUND", "NOT_FOUND"]);
  }
});
