// Advice before anything runs, and what the driver adds by itself: references, time for delays, lines of texts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, isHighwayError, ref, Workflow } from "highway-wasm";
import { LocalEngine, simulate } from "highway-wasm/engine";

const dependencies = (driver) =>
  Object.fromEntries(Object.entries(driver.build().tasks).map(([name, task]) => [name, task.dependencies]));
const found = (findings) => findings.map(({ code, path }) => `${code} ${path}`);

test("a task depends on the tasks whose results it uses by reference", () => {
  const driver = new Driver();
  const [a, b] = ["a", "b"].map((name) => driver.shell(name, "date"));
  driver.shell("text", `echo ${a.result.stdout}`);
  driver.tool("value", "x.y", { deep: [{ v: b.result.stdout }], again: `${b.result}` }, { depends: ["a"] });
  driver.tool("both", "x.y", { v: ref("a").result.list[0] }, { depends: [b, "a"] });
  driver.http("call", { url: `https://h.example/${a.result.stdout}`, json: { v: b.result } });
  driver.foreach("each", { items: a.result.lines, py: "def each():\n    return 1" });
  assert.deepEqual(dependencies(driver), {
    a: [],
    b: [],
    text: ["a"],
    value: ["a", "b"],
    both: ["b", "a"],
    call: ["a", "b"],
    each_body: ["each"],
    each: ["a"],
  });
  assert.deepEqual(driver.tasks.text.depends, ["a"]);
  assert.equal(driver.validate().filter(({ code }) => code === "DEPENDENCY_MISSING").length, 0);
});

test("templates written as text add no dependency, and validate() reports the missing one", () => {
  const driver = new Driver();
  const a = driver.shell("a", "date");
  driver.tool("b", "x.y", { v: "{{a_result.stdout}}" });
  assert.deepEqual(dependencies(driver).b, []);
  assert.deepEqual(found(driver.validate()), ["DEPENDENCY_MISSING /tasks/b/kwargs/v"]);
  // A reference to another task, or to the task itself, changes nothing.
  const other = new Driver();
  other.shell("a", "date");
  assert.equal(`${a.result}`, "{{a_result}}");
  other.tool("b", "x.y", { v: "{{a_result.stdout}}", w: `${ref("b").result}` });
  assert.deepEqual(dependencies(other).b, []);
});

test("the parallel task waits for the tasks that its branches use", () => {
  const driver = new Driver();
  const before = driver.shell("before", "date");
  const left = driver.tool("left", "x.y", { v: before.result.stdout });
  const right = driver.tool("right", "x.y", {});
  const next = driver.tool("next", "x.y", { v: right.result });
  driver.parallel("all", { branches: { one: [left], two: [right, next] } });
  driver.tool("after", "x.y", { v: left.result });
  const { all_fork, after } = driver.build().tasks;
  assert.deepEqual(all_fork.dependencies, ["before"]);
  assert.deepEqual(all_fork.branch_workflows.two.tasks.next.dependencies, ["right"]);
  assert.deepEqual(after.dependencies, ["all"]);
  assert.deepEqual(
    driver.validate().filter(({ severity }) => severity === "error"),
    [],
  );
});

/** The time limit with which a driver submits. */
async function limit(define, options = {}) {
  const engine = new LocalEngine({ tools: { "x.y": () => ({}) } });
  let body;
  const fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method === "POST") body ??= await request.clone().json();
    return await engine.fetch(request);
  };
  const driver = new Driver({ endpoint: "http://engine", apiKey: "local", fetch });
  define(driver);
  await driver.start(options);
  await engine.close();
  return body.workflow_definition.timeout_seconds;
}

test("run and start add the time of delays, and keep a given limit", async () => {
  const delayed = (driver) => driver.tool("later", "x.y", {}, { delay: { hours: 2 } });
  assert.equal(await limit((driver) => driver.tool("now", "x.y")), 300);
  assert.equal(await limit(delayed), 7_500);
  assert.equal(await limit(delayed, { timeout: 60 }), 60);
  const driver = new Driver();
  delayed(driver);
  assert.equal(driver.build().timeout_seconds, 300);
  const [finding] = driver.validate();
  assert.deepEqual([finding.code, finding.path], ["WAIT_EXCEEDS_TIMEOUT", "/tasks/later/delay"]);
  assert.match(finding.help, /`timeout`/);
});

test("a definition without a time limit is awaited until it has ended", async () => {
  const engine = new LocalEngine({ tools: { "x.y": () => ({ n: 1 }) } });
  const workflow = Workflow.fromJSON({
    name: "w",
    tasks: { a: { task_id: "a", operator_type: "task", function: "x.y" } },
  });
  const result = await new Driver({ engine }).run({ workflow });
  assert.deepEqual([result.status, result.tasks.a.result], ["completed", { n: 1 }]);
  await engine.close();
});

const YAML = "name: nightly\ntasks:\n  a:\n    task_id: a\n    operator_type: task\n    function: x.y\n";

test("findings about text have its lines", () => {
  const text = `${YAML}    dependencies: [b]\n`;
  const at = (findings) => findings.map(({ code, line, column }) => [code, line, column]);
  const expected = [["DEPENDENCY_UNKNOWN", 7, 20]];
  assert.deepEqual(at(Workflow.check(text, "yaml")), expected);
  assert.deepEqual(at(Workflow.check(`\uFEFF${text}`, "yaml")), expected);
  const workflow = Workflow.fromYAML(text);
  assert.deepEqual(at(workflow.validate()), expected);
  const json = `{"name": "nightly",\n "tasks": 5}`;
  assert.deepEqual(at(Workflow.check(`\uFEFF${json}`)), [["FIELD_TYPE_INVALID", 2, 2]]);
  assert.throws(
    () => Workflow.fromJSON(json),
    (error) => error.diagnostics[0].line === 2,
  );
  // A definition that was changed, or was never text, has no lines.
  assert.deepEqual(at(workflow.setPaused(true).validate()), [["DEPENDENCY_UNKNOWN", undefined, undefined]]);
  assert.deepEqual(at(Workflow.check(JSON.parse(json))), [["FIELD_TYPE_INVALID", undefined, undefined]]);
});

test("a text with a byte order mark can be read, changed and written", () => {
  const json = `\uFEFF${JSON.stringify({ name: "w", tasks: {} })}`;
  assert.equal(Workflow.fromJSON(json).setPaused(true).toJSON().is_paused, true);
  assert.equal(Workflow.fromYAML(`\uFEFF${YAML}`).toJSON().name, "nightly");
});

test("typical mistakes in YAML are reported with the correction", () => {
  for (const [text, help] of [
    [`schedule: */5 * * * *\n${YAML}`, 'put the value in quotes: `schedule: "*/5 * * * *"`'],
    [`${YAML}    kwargs:\n      v: {{inputs.v}}\n`, 'put the template in quotes: `v: "{{inputs.v}}"`'],
  ]) {
    assert.throws(
      () => Workflow.fromYAML(text),
      (error) => isHighwayError(error, "YAML_INVALID") && error.help === help,
    );
    assert.equal(Workflow.check(text, "yaml")[0].help, help);
  }
});

test("time zones are those of the runtime", () => {
  for (const blank of [" ", "\t"]) {
    const codes = ["Europe/Berlin", "Europe/Berln"].map((zone) => {
      const driver = new Driver();
      driver.tool("a", "x.y", {}, { schedule: `CRON_TZ=${zone}${blank}0 9 * * *` });
      return [driver.validate(), Workflow.check(driver.build())].flatMap(found);
    });
    assert.deepEqual(codes[0], ["SCHEDULE_FIRINGS /tasks/a/schedule", "SCHEDULE_FIRINGS /schedule"]);
    assert.deepEqual(codes[1], ["SCHEDULE_INVALID /tasks/a/schedule", "SCHEDULE_INVALID /schedule"]);
  }
});

test("an error in a template that fails its task is reported before the run", async () => {
  for (const text of ["{{ inputs.who | default('you') }}", "{{inputs.a ?? 'x'}}", "{{json .}}"]) {
    const tasks = { a: { task_id: "a", operator_type: "task", function: "x.y", args: [text] } };
    const { warnings, steps } = await simulate({ name: "w", tasks }, { inputs: { a: 1 } });
    assert.equal(steps.a.error.code, "TEMPLATE_INVALID", text);
    assert.ok(warnings.some(({ code }) => code === "TEMPLATE_INVALID"));
    assert.deepEqual(found(Workflow.check({ name: "w", tasks })), ["TEMPLATE_INVALID /tasks/a/args/0"]);
  }
});

test("options from the Python driver are recognized, with advice", () => {
  const help = (define) => {
    try {
      define(new Driver());
    } catch (error) {
      return error.help;
    }
    return undefined;
  };
  assert.match(
    help((driver) => driver.python("a", () => 1)),
    /Python source as text/,
  );
  assert.match(
    help((driver) => driver.task("a", { py: true })),
    /write `py: "…"` .* as text/,
  );
  assert.equal(
    help((driver) => driver.shell("a", "x", { timeout_seconds: 5 })),
    "did you mean `timeout`?",
  );
});

test("reading a result field from the task itself is an error, instead of `undefined` in a command", () => {
  const driver = new Driver();
  const count = driver.shell("count", "date");
  for (const field of ["stdout", "stderr", "returncode", "response", "body"]) {
    assert.throws(
      () => `echo ${count[field]}`,
      (error) => isHighwayError(error, "TASK_OPTION_TYPE") && error.help === `write \`.result.${field}\``,
      field,
    );
  }
  assert.equal(`${count} ${JSON.stringify({ count })}`, 'count {"count":"count"}');
  // The fields are not properties of the reference itself.
  assert.deepEqual(Object.keys(count), ["name"]);
  assert.deepEqual({ ...count }, { name: "count" });
  driver.shell("show", `echo ${count.user}`);
  assert.deepEqual(found(driver.validate()), ["TEMPLATE_INVALID /tasks/show/args/0"]);
});

test("a mistake in a driver's loop is reported once", () => {
  const driver = new Driver();
  driver.foreach("each", { items: "[1]", py: "def each():\n    return '{{itme}}'" });
  const findings = driver.validate();
  assert.deepEqual(
    findings.map(({ path, help }) => `${path} ${help}`),
    ["/tasks/each_body/kwargs/code did you mean `{{item}}`?"],
  );
});

test("an option with another API's name is reported with the right name", () => {
  const helpOf = (options) => {
    try {
      new Driver().shell("a", "ls", options);
    } catch (error) {
      return error.help;
    }
    return undefined;
  };
  assert.equal(helpOf({ retry: 3 }), "did you mean `retries`?");
  assert.equal(helpOf({ timeoutSeconds: 3 }), "did you mean `timeout`?");
  assert.equal(helpOf({ needs: ["b"] }), "did you mean `depends`?");
  assert.equal(helpOf({ dependsOn: ["b"] }), "did you mean `depends`?");
  assert.equal(helpOf({ environment: {} }), "did you mean `env`?");
});
