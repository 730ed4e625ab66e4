// Integers beyond 2^53 keep every digit between tools, templates, results, inputs and definitions.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Driver, Highway, Workflow } from "highway-wasm";
import { LocalEngine, simulate } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const { parseJson } = await import(pathToFileURL(inRoot("dist", "esm", "shared", "json.js")).href);

const BIG = 9007199254740993n;

function start(t, tools = {}) {
  const engine = new LocalEngine({ tools });
  t.after(() => engine.close());
  return { engine, driver: new Driver({ engine }) };
}

test("the arguments and results of tools keep their digits", async (t) => {
  const seen = [];
  const { driver } = start(t, {
    "ids.give": () => ({
      id: BIG,
      list: [-BIG, 12345678901234567890123n],
      small: 5n,
      text: "9007199254740993",
    }),
    "ids.take": (call) => {
      seen.push(call.kwargs, call.variables());
      call.setVariable("last", BIG);
      call.heartbeat({ at: BIG });
      return null;
    },
  });
  const give = driver.tool("give", "ids.give");
  driver.tool("take", "ids.take", { id: `${give.result.id}`, all: "{{give_result}}" }, { depends: [give] });
  const { tasks, result } = await driver.run({ inputs: { user: BIG } });
  assert.deepEqual(tasks.give.result, {
    id: BIG,
    list: [-BIG, 12345678901234567890123n],
    small: 5,
    text: "9007199254740993",
  });
  assert.equal(result.give_result.id, BIG);
  assert.equal(seen[0].id, BIG);
  assert.equal(seen[0].all.list[0], -BIG);
  assert.equal(seen[1].user, BIG);
});

test("an id from an HTTP answer or from Python arrives in URLs and commands", async (t) => {
  const urls = [];
  const server = createServer((request, response) => {
    urls.push(request.url);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      '{"id": 1234567890123456789, "exact": 9007199254740991, "float": 1234567890.5e-10, "list": [12345678901234567]}',
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { driver } = start(t, nodeTools());
  const base = `http://127.0.0.1:${server.address().port}`;
  const first = driver.http("first", `${base}/items`);
  driver.http("second", `${base}/items/${first.result.response.id}`, { depends: [first] });
  const python = driver.python("python", "def number():\n    return {'id': 2 ** 64 + 1}");
  driver.shell("shell", `echo ${python.result.result.id}`, { depends: [python] });
  const { tasks } = await driver.run();
  assert.equal(urls[1], "/items/1234567890123456789");
  assert.deepEqual(tasks.first.result.response, {
    id: 1234567890123456789n,
    exact: 9007199254740991,
    float: 0.12345678905,
    list: [12345678901234567n],
  });
  assert.equal(tasks.shell.stdout, "18446744073709551617");
});

test("conditions distinguish big integers", async (t) => {
  const { driver } = start(t, { "x.done": () => null });
  const task = (id) => ({ task_id: id, operator_type: "task", function: "x.done" });
  const workflow = {
    name: "b",
    start_task: "c",
    tasks: {
      c: {
        task_id: "c",
        operator_type: "condition",
        condition: "{{one}} == {{other}}",
        if_true: "same",
        if_false: "different",
      },
      same: { ...task("same"), dependencies: ["c"] },
      different: { ...task("different"), dependencies: ["c"] },
    },
  };
  const states = async (other) => {
    const { tasks } = await driver.run({ workflow, inputs: { one: BIG, other } });
    return [tasks.same.state, tasks.different.state];
  };
  assert.deepEqual(await states(BIG), ["completed", "skipped"]);
  assert.deepEqual(await states(BIG - 1n), ["skipped", "completed"]);
});

test("definitions keep the digits of their variables", async () => {
  const driver = new Driver();
  driver.tool("a", "x.y", { id: BIG });
  const definition = driver.build({ inputs: { v: BIG } });
  assert.equal(definition.variables.v, BIG);
  assert.equal(definition.tasks.a.kwargs.id, BIG);
  const workflow = Workflow.fromJSON(`{"name": "w", "tasks": {}, "variables": {"v": ${BIG}}}`);
  assert.equal(workflow.toJSON().variables.v, BIG);
  assert.match(workflow.toJSONString(), /"v": 9007199254740993\b/);
  assert.match(workflow.toYAML(), /v: 9007199254740993\b/);
  assert.equal(
    Workflow.fromYAML("name: w\ntasks: {}\nvariables: {v: 9007199254740993}").toJSON().variables.v,
    BIG,
  );
});

test("the client returns a server's digits", async () => {
  const fetch = async () =>
    new Response(
      `{"status": "success", "data": {"id": ${BIG}, "quoted": "\\"${BIG}", "${BIG}": [1, ${BIG}]}}`,
      {
        headers: { "content-type": "application/json" },
      },
    );
  const highway = new Highway({ endpoint: "https://example.org", apiKey: "k", fetch });
  const answer = await highway.request("GET", "/api/v1/anything");
  assert.deepEqual(answer.data ?? answer, { id: BIG, quoted: `"${BIG}`, [BIG]: [1, BIG] });
});

test("a program that gives `bigint` a `toJSON` changes nothing", async (t) => {
  Object.defineProperty(BigInt.prototype, "toJSON", {
    value() {
      return String(this);
    },
    configurable: true,
  });
  t.after(() => Reflect.deleteProperty(BigInt.prototype, "toJSON"));
  const driver = new Driver();
  driver.tool("a", "x.y", { id: BIG });
  assert.equal(driver.build().tasks.a.kwargs.id, BIG);
});

test("a simulation has the same values", async () => {
  const driver = new Driver();
  const a = driver.tool("a", "ids.give");
  driver.tool("b", "ids.take", { id: `${a.result.id}` }, { depends: [a] });
  const seen = [];
  const { result } = await simulate(driver, {
    tools: { a: { id: BIG }, b: ({ kwargs }) => ({ result: seen.push(kwargs.id) }) },
  });
  assert.deepEqual(seen, [BIG]);
  assert.equal(result.a_result.id, BIG);
});

test("doubles of that size stay numbers", async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"float": 13835058055282163712.0, "negative": -1e17, "integer": 12345678901234567890}');
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const seen = [];
  const { driver } = start(t, {
    ...nodeTools(),
    "numbers.give": () => ({ large: 2 ** 69, list: [-(2 ** 53), 2 ** 53 - 1, 1e21, 0.1] }),
    "numbers.take": ({ kwargs }) => {
      seen.push(kwargs);
    },
  });
  const give = driver.tool("give", "numbers.give");
  const get = driver.http("get", `http://127.0.0.1:${server.address().port}/`);
  driver.tool("take", "numbers.take", {
    given: give.result.large,
    got: get.result.response,
    own: 2 ** 60,
    input: "{{inputs.n}}",
  });
  const { tasks } = await driver.run({ inputs: { n: 2 ** 70 } });
  const got = { float: 2 ** 64 - 2 ** 62, negative: -1e17, integer: 12345678901234567890n };
  assert.deepEqual(tasks.give.result, { large: 2 ** 69, list: [-(2 ** 53), 2 ** 53 - 1, 1e21, 0.1] });
  assert.deepEqual(tasks.get.result.response, got);
  assert.deepEqual(seen, [{ given: 2 ** 69, got, own: 2 ** 60, input: 2 ** 70 }]);
  assert.equal(driver.build({ inputs: { n: 2 ** 70 } }).variables.n, 2 ** 70);
});

test("only large integers become `bigint`, at every position", () => {
  for (const [text, value] of [
    [`${BIG}`, BIG],
    [`-${BIG}`, -BIG],
    [
      `[${BIG},${BIG}e1,${BIG}.5,1e-${BIG},1.${BIG}]`,
      [BIG, Number(`${BIG}e1`), Number(`${BIG}.5`), 0, Number(`1.${BIG}`)],
    ],
    [`"${BIG}"`, `${BIG}`],
    [`["\\"", ${BIG}, "\\\\", ${BIG}, "\\\\\\"${BIG}", ${BIG}]`, ['"', BIG, "\\", BIG, `\\"${BIG}`, BIG]],
    [`{"${BIG}":{"a":"${BIG} ${BIG}","b":[[${BIG}]]}}`, { [BIG]: { a: `${BIG} ${BIG}`, b: [[BIG]] } }],
    [`[${"9".repeat(4_300)}]`, [BigInt("9".repeat(4_300))]],
    [`[${"9".repeat(4_301)},${"9".repeat(9_000)}]`, [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]],
    [`${"[".repeat(50_000)}${"]".repeat(50_000)}`, undefined],
    [`${"[".repeat(50_000)}${BIG}${"]".repeat(50_000)}`, undefined],
  ]) {
    const got = parseJson(text);
    if (value !== undefined) assert.deepEqual(got, value, text.slice(0, 80));
  }
  const odd = parseJson(`{"__proto__":${BIG},"constructor":${BIG}}`);
  assert.deepEqual(Object.entries(odd), [
    ["__proto__", BIG],
    ["constructor", BIG],
  ]);
  assert.equal(Object.getPrototypeOf(odd), Object.prototype);
});

test("no reviver is called for large integers", (t) => {
  let calls = 0;
  const counted = (callback) =>
    typeof callback !== "function"
      ? callback
      : function (...args) {
          calls += 1;
          return callback.apply(this, args);
        };
  const { parse } = JSON;
  const { replace } = String.prototype;
  t.mock.method(JSON, "parse", (text, reviver) => parse(text, counted(reviver)));
  t.mock.method(String.prototype, "replace", function (from, to) {
    return replace.call(this, from, counted(to));
  });
  parseJson(`["${"\\n".repeat(1_000)}",${"1,".repeat(1_000)}${BIG}]`);
  assert.ok(calls < 100, `${calls} calls`);
});
