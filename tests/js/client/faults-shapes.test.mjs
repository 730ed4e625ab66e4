// Answers that are JSON of another shape: every method of the client ends with a value or a typed error.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Highway, isHighwayError } from "highway-wasm";
import { checkRejection } from "../support/errors.mjs";
import { watchProcess } from "../support/quiet.mjs";

const checkLeftovers = watchProcess();

/** A client and a driver whose requests are answered by a function. */
function setUp(answer) {
  const setting = { requests: 0 };
  const fetch = async (request) => {
    setting.requests += 1;
    return answer(request, setting.requests);
  };
  const options = { endpoint: "http://h", apiKey: "test-key", retry: false, circuitBreaker: false, fetch };
  setting.highway = new Highway(options);
  setting.driver = new Driver(options);
  setting.driver.shell("a", "true");
  return setting;
}

/** Bodies of answers: what servers and proxies have been seen to send, and what they never should. */
const shapes = [
  "",
  "null",
  "true",
  "5",
  '"text"',
  "[]",
  "{}",
  "[[]]",
  "[null]",
  "[5, null, {}]",
  '{"data": null}',
  '{"data": {}}',
  '{"status": "success", "data": 5}',
  '{"success": true}',
  '{"success": false, "data": null, "error": "no"}',
  '{"message": "down for maintenance"}',
  '{"items": [null], "total": -1}',
  '{"workflows": [null, {}, {"status": 5}], "total": "many", "has_more": "yes"}',
  '{"steps": [null, 5, {"step_name": 5}, {"step_name": "a", "result": {"stdout": 5}}]}',
  '{"steps": {"a": 5}, "logs": {"b": []}, "runs": 5}',
  '{"logs": [null, {}, {"content": 5}]}',
  '{"artifacts": [null], "artifact_id": 5, "exists": "yes"}',
  '{"workflow_run_id": {}, "status": ["completed"], "state": {}}',
  '{"status": "completed", "result": [[[null]]], "error": [], "progress": {"tasks": [], "total": "x"}}',
  '{"status": "failed", "error": {"message": {}, "code": 5}, "completed_at": 12, "progress": "half"}',
  '{"value": null, "result": {"result": null}, "python_dsl": 5, "workflow_definition": null}',
];

/** Arguments to call a method with. The first list that leads to a request is used. */
const argumentLists = [
  [],
  ["x"],
  ["x", "y"],
  ["x", 1],
  ["x", {}],
  ["x", "y", {}],
  ["x", "y", "z"],
  [{ workflow: { name: "w", tasks: {} } }],
  [{ workflowName: "w", cron: "* * * * *" }],
  [new Uint8Array(3)],
];

/** The outcome of a call; of a list, all its items. */
async function outcomeOf(object, name, args) {
  const given = object[name](...args);
  return await (typeof given?.toArray === "function" ? given.toArray({ limit: 1000 }) : given);
}

/** The methods of an object that send requests, with arguments for each. */
async function methodsOf(object, setting) {
  const found = [];
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(object))) {
    if (name === "constructor" || name === "handle") continue;
    for (const args of argumentLists) {
      setting.requests = 0;
      await Promise.resolve()
        .then(() => outcomeOf(object, name, args))
        .catch(() => {});
      if (setting.requests > 0) {
        found.push([name, args]);
        break;
      }
    }
    assert.equal(found.at(-1)?.[0], name, `no arguments are known for ${name}`);
  }
  return found;
}

/** Calls all methods with every shape. Returns what went wrong. */
async function wrongs(object, setting, methods) {
  const wrong = [];
  for (const shape of shapes) {
    for (const status of [200, 400, 500]) {
      setting.answer = () => new Response(shape, { status });
      for (const [name, args] of methods) {
        setting.requests = 0;
        try {
          await outcomeOf(object, name, args);
          if (status !== 200) wrong.push(`${name}: ${status} was taken for success`);
        } catch (error) {
          if (!isHighwayError(error)) wrong.push(`${name}: ${error} under ${shape || "nothing"}`);
          else if (error.code === "WASM_PANIC") wrong.push(`${name}: the module stopped under ${shape}`);
        }
        if (setting.requests > 50) wrong.push(`${name}: ${setting.requests} requests under ${shape}`);
      }
    }
  }
  return wrong;
}

describe("answers of every shape", () => {
  const setting = setUp((...args) => setting.answer(...args));
  setting.answer = () => Response.json({});
  for (const [part, object] of Object.entries(setting.highway)) {
    test(`give a value or a typed error: highway.${part}`, async () => {
      setting.answer = () => Response.json({});
      const methods = await methodsOf(object, setting);
      assert.ok(methods.length > 0);
      assert.deepEqual(await wrongs(object, setting, methods), []);
    });
  }

  test("give a value or a typed error: a run handle", async () => {
    const handle = setting.highway.handle("r");
    const methods = ["status", "steps", "logs", "cancel"].map((name) => [name, []]);
    methods.push(["signal", ["go"]], ["update", ["set"]], ["query", ["v"]]);
    assert.deepEqual(await wrongs(handle, setting, methods), []);
  });

  test("give a value or a typed error: submitting, following and watching", async () => {
    const { driver } = setting;
    const followed = {
      start: () => driver.start(),
      list: () => driver.list().toArray({ limit: 100 }),
      result: () => driver.handle("r").result({ timeout: 0.001 }),
      watch: async () => {
        for await (const status of driver.handle("r").watch({ timeout: 0.001 })) assert.ok(status.state);
      },
    };
    const methods = Object.keys(followed).map((name) => [name, []]);
    assert.deepEqual(await wrongs(followed, setting, methods), []);
  });
});

describe("lists end", { concurrency: true }, () => {
  /** Reads a list of runs from a server with these pages. The number of requests is limited. */
  async function read(pageOf, most = 60) {
    const setting = setUp((request, count) => {
      assert.ok(count <= most, `the server was asked ${count} times`);
      return Response.json(pageOf(Number(new URL(request.url).searchParams.get("page")), count));
    });
    const items = await setting.driver.list().toArray();
    return { ids: items.map(({ runId }) => runId), requests: setting.requests };
  }
  const run = (id) => ({ workflow_run_id: `r${id}`, status: "running" });

  test("if a server always gives the same page", async () => {
    const { ids, requests } = await read(() => ({ workflows: [run(1), run(2)], has_more: true }));
    // Once could be a list that has just grown by a page.
    assert.deepEqual([ids, requests], [["r1", "r2"], 3]);
  });

  test("after an empty page although there should be more: others may follow", async () => {
    const { ids } = await read((page) => ({
      workflows: page % 9 === 1 ? [run(page)] : [],
      has_more: page < 20,
    }));
    assert.deepEqual(ids, ["r1", "r10", "r19"]);
  });

  test("if only empty pages follow: with an error, because something may be lost", async () => {
    const pages = (page) => ({ workflows: page < 3 ? [run(page)] : [], has_more: true });
    await checkRejection(read(pages, 1100), { name: "ApiError", code: "API_RESPONSE_INVALID" });
  });

  test("if the total goes up and down, as with two servers that disagree", async () => {
    const pages = (page, count) => ({
      workflows: page < 9 ? [run(page)] : [],
      total: 8 + (count % 2),
      page_size: 1,
    });
    const { ids } = await read(pages);
    assert.deepEqual(ids, ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"]);
  });

  test("if the total is far too large, negative or not a number", async () => {
    for (const total of [1e12, -5, "many", null]) {
      const { ids } = await read((page) => ({
        workflows: page === 1 ? [run(1), run(2)] : [],
        total,
        page_size: 2,
      }));
      assert.deepEqual(ids, ["r1", "r2"], `${total}`);
    }
  });

  test("if a later page fails: the items before it were given", async () => {
    const setting = setUp((_, count) =>
      count < 3
        ? Response.json({ workflows: [run(count)], has_more: true })
        : Response.json({}, { status: 403 }),
    );
    const seen = [];
    const reading = (async () => {
      for await (const { runId } of setting.driver.list()) seen.push(runId);
    })();
    await checkRejection(reading, { name: "ApiError", code: "API_FORBIDDEN" });
    assert.deepEqual(seen, ["r1", "r2"]);
  });
});

checkLeftovers();
