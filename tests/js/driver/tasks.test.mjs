// The driver as a builder: registering tasks, building the document, checking it. No network.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, isHighwayError, py, ref, TaskRef } from "highway-wasm";
import { checkThrown, thrownBy } from "../support/errors.mjs";

const driverWith = (...tasks) => {
  const driver = new Driver();
  for (const [name, options = {}] of tasks) driver.task(name, { shell: "true", ...options });
  return driver;
};
const refused = (options, expected) =>
  checkThrown(() => new Driver().task("t", { shell: "true", ...options }), {
    name: "TaskDefinitionError",
    ...expected,
  });
const codes = (driver) => driver.validate().map(({ code, severity }) => `${severity} ${code}`);

test("each kind of task and its shorthand give the same document", () => {
  const long = new Driver({ name: "same" });
  long.task("a", { shell: "echo 1", description: "first" });
  long.task("b", { py: "def b():\n    return 1", depends: "a" });
  long.task("c", { http: { url: "https://h.example/", method: "GET" } });
  long.task("d", { tool: "tools.x", kwargs: { n: 1 } });
  long.task("e", { workflow: "other", inputs: { k: 1 } });
  long.task("f", { workflowId: "id-1" });
  const short = new Driver({ name: "same" });
  const a = short.shell("a", "echo 1", { description: "first" });
  short.python("b", "def b():\n    return 1", { depends: [a] });
  short.http("c", new URL("https://h.example"));
  short.tool("d", "tools.x", { n: 1 });
  short.workflow("e", { name: "other", inputs: { k: 1 } });
  short.workflow("f", { id: "id-1" });
  assert.deepEqual(short.build(), long.build());
  assert.deepEqual(short.tasks, long.tasks);
});

test("tasks lists the registered tasks in order; clear removes them", () => {
  const driver = driverWith(["b"], ["a", { depends: ["b"], timeout: "PT1M", retries: 2, delay: 3 }]);
  assert.deepEqual(Object.keys(driver.tasks), ["b", "a"]);
  assert.deepEqual(driver.tasks.a, {
    name: "a",
    type: "shell",
    depends: ["b"],
    timeout: 60,
    retries: 2,
    retryDelay: 1,
    backoff: 2,
    delay: 3,
    schedule: null,
    description: "",
  });
  delete driver.tasks.a;
  assert.ok("a" in driver.tasks, "what is given out is a copy");
  driver.clear();
  assert.deepEqual(driver.tasks, {});
  driver.shell("a", "true");
});

test("names that objects treat specially are ordinary names", () => {
  const driver = driverWith(["__proto__"], ["constructor", { depends: ["__proto__"] }], ["toString"], ["1"]);
  assert.deepEqual(Object.keys(driver.tasks).sort(), ["1", "__proto__", "constructor", "toString"]);
  const { tasks } = driver.build();
  assert.deepEqual(Object.keys(tasks).sort(), ["1", "__proto__", "constructor", "toString"]);
  assert.deepEqual(tasks.constructor.dependencies, ["__proto__"]);
});

test("unicode is not changed", () => {
  const driver = new Driver();
  const task = driver.shell("größe_数", 'echo "🛣️ \u2028 \\ \\" \u0000"');
  driver.shell("next", `echo ${task.result.stdout}`, { depends: task });
  const { tasks } = driver.build({ inputs: { "ключ 🔑": "значение" } });
  assert.equal(tasks.größe_数.args[0], 'echo "🛣️ \u2028 \\ \\" \u0000"');
  assert.equal(tasks.next.args[0], "echo {{größe_数_result.stdout}}");
});

test("references give names and templates", () => {
  const task = new Driver().shell("backup", "true");
  assert.ok(task instanceof TaskRef);
  assert.equal(`${task}`, "backup");
  assert.equal(JSON.stringify({ task }), '{"task":"backup"}');
  assert.equal(`${task.result}`, "{{backup_result}}");
  assert.equal(`${task.result.stdout}`, "{{backup_result.stdout}}");
  assert.equal(`${ref("later").result.response.items[0].id}`, "{{later_result.response.items[0].id}}");
  assert.equal(`${ref("x").result["a b"]}`, '{{x_result["a b"]}}');
  assert.equal(`a ${ref("x").result.n}`, "a {{x_result.n}}");
  assert.equal(JSON.stringify({ n: ref("x").result.n }), '{"n":"{{x_result.n}}"}');
});

test("a reference may be a value, inside data, and in depends", () => {
  const driver = new Driver();
  const a = driver.shell("a", "true");
  driver.tool("b", "tools.x", { whole: a.result, deep: [{ n: a.result.n }] }, { depends: [a, "a"] });
  assert.deepEqual(driver.build().tasks.b.kwargs, {
    whole: "{{a_result}}",
    deep: [{ n: "{{a_result.n}}" }],
  });
  assert.deepEqual(driver.tasks.b.depends, ["a", "a"]);
});

test("awaiting a reference by mistake does not hang", async () => {
  const result = new Driver().shell("a", "true").result.stdout;
  assert.equal(`${await result}`, "{{a_result.stdout}}");
});

test("the py tag inserts values and keeps backslashes", () => {
  const source = py`def t():
    return "${41 + 1}\n"`;
  assert.equal(source, 'def t():\n    return "42\\n"');
  const driver = new Driver();
  driver.python(
    "t",
    py`
    def t():
        return "a\n"
  `,
  );
  assert.match(driver.build().tasks.t.kwargs.code, /\ndef t\(\):\n {4}return "a\\n"\n/);
});

test("durations in every form", () => {
  const duration = { toJSON: () => "PT1M30S" };
  const forms = [90, "PT1M30S", { minutes: 1, seconds: 30 }, { milliseconds: 90_000 }, duration];
  for (const form of forms) {
    const driver = driverWith(["a", { timeout: form, retryDelay: form, retries: 1, delay: form }]);
    const { tasks, timeout_seconds } = driver.build({ timeout: form });
    assert.equal(timeout_seconds, 90);
    assert.equal(tasks.a.timeout_seconds, 90);
    assert.equal(tasks.a.retry_policy.initial_interval_seconds, 90);
    assert.equal(tasks.a_wait.wait_for, "PT90S");
    const scheduled = driverWith(["s", { schedule: form }]);
    assert.equal(scheduled.build().schedule, "@every 90s");
    assert.deepEqual(codes(scheduled), ["info SCHEDULE_FIRINGS"]);
  }
  assert.equal(driverWith(["s", { schedule: "*/5 * * * *" }]).build().schedule, "*/5 * * * *");
  assert.equal(driverWith(["a", { timeout: { days: 1, hours: 2 } }]).tasks.a.timeout, 93_600);
});

test("invalid durations are refused with their path", () => {
  for (const form of ["soon", "10:00", "", true, [], {}, { hour: 1 }, { hours: "1" }]) {
    for (const key of ["timeout", "retryDelay", "delay"]) {
      refused({ [key]: form }, { code: "DURATION_INVALID", path: `/${key}`, help: /PT1M30S/ });
    }
  }
  checkThrown(() => driverWith(["a"]).build({ timeout: "soon" }), {
    name: "ConfigurationError",
    code: "OPTION_INVALID",
    path: "/timeout",
  });
  checkThrown(() => driverWith(["a"]).build({ timeout: 0.5 }), {
    name: "ConfigurationError",
    code: "OPTION_INVALID",
    path: "/timeout",
  });
});

test("options out of range are refused with their path", () => {
  const range = (options, path) => refused(options, { code: "TASK_OPTION_RANGE", path });
  range({ timeout: 0 }, "/timeout");
  range({ timeout: -1 }, "/timeout");
  range({ retries: -1 }, "/retries");
  range({ retries: 1.5 }, "/retries");
  range({ retryDelay: -1 }, "/retryDelay");
  range({ backoff: 0.5 }, "/backoff");
  range({ delay: 0 }, "/delay");
  range({ delay: "-PT1S" }, "/delay");
  refused({ delay: 1, schedule: "0 * * * *" }, { code: "DELAY_WITH_SCHEDULE" });
});

test("options of the wrong type are refused with their path", () => {
  const type = (options, path) => refused(options, { code: "TASK_OPTION_TYPE", path });
  type({ retries: "3" }, "/retries");
  type({ backoff: {} }, "/backoff");
  type({ depends: 1 }, "/depends");
  type({ depends: ["a", 1] }, "/depends/1");
  type({ description: 1 }, "/description");
  refused({ schedule: [] }, { code: "DURATION_INVALID", path: "/schedule" });
  refused({ schedule: true }, { code: "DURATION_INVALID", path: "/schedule" });
});

test("a refused option names its task", () => {
  const driver = new Driver();
  const check = (options, expected) =>
    assert.throws(
      () => driver.shell("copy", "ls", options),
      (error) => {
        assert.match(error.message, expected);
        assert.equal(error.details.task, "copy");
        return error instanceof Error && error.name === "TaskDefinitionError";
      },
    );
  check({ depend: ["a"] }, /^task `copy`: there is no task option `depend`$/);
  check({ timeout: "soon" }, /^task `copy`: /);
  check({ env: { USERS: driver.shell("count", "wc").user } }, /^task `copy`: `env.USERS` must be text/);
});

test("unknown task options are refused with the nearest name", () => {
  refused({ retrys: 1 }, { code: "TASK_OPTION_UNKNOWN", path: "/retrys", help: /`retries`/ });
  refused({ dependsOn: [] }, { code: "TASK_OPTION_UNKNOWN", path: "/dependsOn", help: /`depends`/ });
  refused({ retry_delay: 1 }, { code: "TASK_OPTION_UNKNOWN", help: /`retryDelay`/ });
  refused({ "a/b~c": 1 }, { code: "TASK_OPTION_UNKNOWN", path: "/a~1b~0c", help: /./ });
});

test("a task has exactly one kind", () => {
  const check = (options, expected) =>
    checkThrown(() => new Driver().task("t", options), { name: "TaskDefinitionError", ...expected });
  check({}, { code: "TASK_TYPE_MISSING", help: /`shell`.*`http`/ });
  check({ shell: false }, { code: "TASK_TYPE_MISSING" });
  check({ shell: "x", py: "y" }, { code: "TASK_TYPE_AMBIGUOUS", message: /`shell`, `py`/ });
  check({ tool: "a", workflow: "b" }, { code: "TASK_TYPE_AMBIGUOUS" });
  check(undefined, { code: "TASK_OPTION_TYPE" });
  check("echo hello", { code: "TASK_OPTION_TYPE" });
});

test("a function that would be dropped is refused", () => {
  const driver = new Driver();
  const give = () => ({ n: 1 });
  for (const register of [
    () => driver.task("a", { tool: "t.x" }, give),
    () => driver.task("a", { shell: "echo hi" }, give),
    () => driver.shell("a", "echo hi", give),
    () => driver.shell("a", "echo hi", {}, give),
    () => driver.python("a", "x = 1", undefined, give),
    () => driver.http("a", "https://example.com", give),
    () => driver.tool("a", "t.x", {}, give),
    () => driver.tool("a", "t.x", {}, {}, give),
  ]) {
    checkThrown(register, {
      name: "TaskDefinitionError",
      code: "TASK_OPTION_TYPE",
      path: "",
      help: /no JavaScript/,
    });
  }
  for (const [path, register] of [
    ["/shell", () => driver.shell("a", give)],
    ["/shell", () => driver.task("a", { shell: give })],
    ["/py", () => driver.python("a", give)],
    ["/py", () => driver.foreach("a", { items: "{{x}}", py: give })],
    ["/py", () => driver.whileLoop("a", { condition: "{{x}}", py: give })],
    ["/http", () => driver.http("a", give)],
    ["/tool", () => driver.tool("a", give)],
    ["/kwargs", () => driver.tool("a", "t.x", give)],
    ["/durable", () => driver.task("a", { durable: give })],
    ["/depends", () => driver.shell("a", "x", { depends: give })],
    ["/payload", () => driver.emit("a", { event: "e", payload: give })],
    ["", () => driver.task("a", give)],
    ["", () => driver.waitFor("a", give)],
  ]) {
    checkThrown(register, {
      name: "TaskDefinitionError",
      code: "TASK_OPTION_TYPE",
      path,
      help: /no JavaScript/,
    });
  }
  assert.deepEqual(driver.tasks, {});
});

test("names are required, must be text, and are used once", () => {
  const driver = driverWith(["a"]);
  const check = (name, code) =>
    checkThrown(() => driver.task(name, { shell: "x" }), { name: "TaskDefinitionError", code });
  check("", "TASK_NAME_INVALID");
  check(1, "TASK_NAME_INVALID");
  check(undefined, "TASK_NAME_INVALID");
  const error = check("a", "TASK_DUPLICATE");
  assert.match(error.message, /`a`/);
  assert.deepEqual(Object.keys(driver.tasks), ["a"], "a refused task leaves nothing behind");
});

test("values that JSON cannot hold are refused with their path", () => {
  const cyclic = { list: [] };
  cyclic.list.push({ cyclic });
  const cases = [
    [Number.NaN, /NaN/],
    [Number.POSITIVE_INFINITY, /Infinity/],
    [() => 1, /function/],
    [Symbol("s"), /symbol/],
    [new Map([["a", 1]]), /Map/],
    [new Set([1]), /Set/],
    [new Uint8Array(2), /Uint8Array/],
    [new ArrayBuffer(2), /ArrayBuffer/],
    [new Date(Number.NaN), /date/],
    [cyclic, /itself/, "/list/0/cyclic"],
  ];
  const expected = { name: "ValidationError", code: "VALUE_NOT_JSON" };
  for (const [value, message, deeper = ""] of cases) {
    checkThrown(() => new Driver().tool("t", "tools.x", { "a/b": [0, value] }), {
      ...expected,
      message,
      path: `/kwargs/a~1b/1${deeper}`,
    });
    checkThrown(() => driverWith(["a"]).build({ inputs: { k: value } }), {
      ...expected,
      message,
      path: `/inputs/k${deeper}`,
    });
  }
});

test("values that JSON can hold are accepted; the same object twice is no cycle", () => {
  const shared = { n: 1 };
  const inputs = {
    date: new Date(0),
    url: new URL("https://h.example/a"),
    nothing: null,
    left: undefined,
    twice: [shared, shared],
    big: Number.MAX_SAFE_INTEGER,
    small: -0.125,
    huge: 1e300,
  };
  assert.deepEqual(driverWith(["a"]).build({ inputs }).variables, JSON.parse(JSON.stringify(inputs)));
});

test("validate reports all problems at once", () => {
  const driver = driverWith(
    ["backup_db"],
    ["upload", { depends: ["bakcup_db"] }],
    ["self", { depends: ["self"] }],
    ["a", { depends: ["c"] }],
    ["b", { depends: ["a"] }],
    ["c", { depends: ["b"] }],
    ["cron", { schedule: "0 0 31 2 *" }],
    ["again", { schedule: "PT1H" }],
    ["late", { delay: 1.5 }],
    ["late_wait"],
  );
  const found = Object.fromEntries(driver.validate().map((finding) => [finding.code, finding]));
  assert.deepEqual(Object.keys(found).sort(), [
    "DELAY_TRUNCATED",
    "DEPENDENCY_CYCLE",
    "DEPENDENCY_SELF",
    "DEPENDENCY_UNKNOWN",
    "SCHEDULE_IGNORED",
    "SCHEDULE_INVALID",
    "WAIT_ID_COLLISION",
  ]);
  assert.equal(found.DEPENDENCY_UNKNOWN.path, "/tasks/upload/depends/0");
  assert.match(found.DEPENDENCY_UNKNOWN.help, /`backup_db`/);
  assert.match(found.DEPENDENCY_SELF.message, /`self`/);
  assert.match(found.DEPENDENCY_CYCLE.message, /`a` -> `c` -> `b` -> `a`/);
  assert.equal(found.SCHEDULE_INVALID.path, "/tasks/cron/schedule");
  assert.equal(found.SCHEDULE_IGNORED.severity, "warning");
  assert.match(found.SCHEDULE_IGNORED.message, /`again`.*`cron`/);
  assert.match(found.WAIT_ID_COLLISION.message, /`late_wait`.*`late`/);
  assert.equal(found.DELAY_TRUNCATED.severity, "warning");
  for (const { message, path } of Object.values(found)) {
    assert.match(message, /^[^A-Z].*[^.]$/s);
    assert.match(path, /^\/tasks\//);
  }
});

test("impossible schedules are reported, possible ones are not", () => {
  const check = (schedule) => codes(driverWith(["s", { schedule }]));
  for (const text of ["* * *", "60 * * * *", "0 24 * * *", "x", "@every 0s", "@every -5s", "0 0 30 2 *"]) {
    assert.deepEqual(check(text), ["error SCHEDULE_INVALID"], text);
  }
  for (const text of ["0 * * * *", "*/15 9-17 * * 1-5", "0 0 29 2 *", "@every 90s", "0 0 1,15 * MON"]) {
    assert.deepEqual(check(text), ["info SCHEDULE_FIRINGS"], text);
  }
  assert.deepEqual(check(""), []);
  const [{ message }] = driverWith(["s", { schedule: "30 2 29 2 *" }]).validate();
  const firings = message.match(/\d{4}-02-29T02:30:00Z/g);
  assert.equal(firings.length, 3, message);
  assert.ok(Date.parse(firings[0]) > Date.now());
});

test("building is possible whatever validate reports, and prints nothing", () => {
  const driver = driverWith(["a", { depends: ["a", "ghost"] }]);
  assert.deepEqual(driver.build().tasks.a.dependencies, ["a", "ghost"]);
  assert.deepEqual(driver.build(), driver.build());
});

test("build names the workflow as the Python driver does", () => {
  assert.equal(new Driver({ name: "my-flow" }).build().name, "my_flow");
  assert.match(new Driver().build().name, /^driver_workflow_[0-9a-f]{8}$/);
  assert.equal(driverWith(["first"], ["second"]).build().name, "workflow_first");
});

test("build refuses unknown options", () => {
  checkThrown(() => driverWith(["a"]).build({ input: { a: 1 } }), {
    name: "ConfigurationError",
    code: "OPTION_INVALID",
    path: "/input",
  });
});

test("objects that JSON would make empty are refused, not dropped", () => {
  const values = [
    Promise.resolve(1),
    new Headers({ a: "b" }),
    new URLSearchParams("a=b"),
    /x/,
    new Error("x"),
    new WeakMap(),
    Object(5),
  ];
  for (const value of values) {
    const expected = { name: "ValidationError", code: "VALUE_NOT_JSON", path: "/kwargs/value" };
    checkThrown(() => new Driver().tool("t", "tools.x", { value }), expected);
  }
});

test("values are nested in 100 levels at most, however few they are", () => {
  const nested = (levels) => Array.from({ length: levels }).reduce((inside) => [inside], 0);
  assert.equal(typeof new Driver().build({ inputs: { value: nested(98) } }), "object");
  for (const levels of [99, 120, 150, 1_000]) {
    checkThrown(() => new Driver().build({ inputs: { value: nested(levels) } }), {
      name: "ValidationError",
      code: "VALUE_NOT_JSON",
      message: /more than 100 levels/,
    });
  }
});

test("inputs that are not an object are refused, not dropped", () => {
  for (const inputs of [[1, 2], "text", 5, new Date(0)]) {
    const expected = { name: "ConfigurationError", code: "OPTION_INVALID", path: "/inputs" };
    checkThrown(() => driverWith(["a"]).build({ inputs }), expected);
  }
});

test("a workflow to run is given once", () => {
  const driver = new Driver();
  checkThrown(() => driver.workflow("a", { name: "x", id: "y" }), {
    name: "TaskDefinitionError",
    code: "TASK_TYPE_AMBIGUOUS",
    message: /got `workflow: "x"`, `workflowId: "y"`/,
  });
  driver.workflow("b", { name: "" });
  driver.workflow("c", { id: "" });
  assert.deepEqual(
    driver.validate().map(({ code, path, message }) => [code, path, message]),
    [
      ["TASK_VALUE_UNUSUAL", "/tasks/b/workflow", "task `b` names no workflow to run"],
      ["TASK_VALUE_UNUSUAL", "/tasks/c/workflowId", "task `c` names no workflow to run"],
    ],
  );
});

test("options and targets of the wrong type cause a typed error", () => {
  for (const work of [
    () => new Driver(null),
    () => new Driver().workflow("w", "name"),
    () => new Driver().workflow("w"),
    () => driverWith(["a"]).build(null),
  ]) {
    assert.ok(isHighwayError(thrownBy(work)));
  }
});

test("a byte order mark before source is dropped", () => {
  const driver = new Driver();
  driver.shell("command", "\ufeffecho hi");
  driver.python("py", "\ufeffdef py():\n    return 1");
  driver.foreach("each", { items: "{{inputs.all}}", py: "\ufeffdef\teach():\n    return 1" });
  driver.task("durable", { durable: "\ufeffdef f(ctx):\n    return 1" });
  const { tasks } = driver.build();
  assert.ok(!JSON.stringify(tasks).includes("\ufeff"));
  assert.match(tasks.py.kwargs.code, /_result = py\(\)/);
  assert.match(tasks.each_body.kwargs.code, /_result = each\(\)/);
  assert.match(tasks.durable.args[0], /f$/);
});
