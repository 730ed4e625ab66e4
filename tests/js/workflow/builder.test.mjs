// `Workflow` and `WorkflowBuilder` as users use them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver, isHighwayError, Workflow, WorkflowBuilder } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";

const codes = (findings) => findings.map(({ code }) => code);

test("a Workflow runs on an engine, with the caller's inputs", async () => {
  const engine = new LocalEngine({ tools: { "sum.add": ({ kwargs }) => ({ sum: kwargs.a + kwargs.b }) } });
  try {
    const workflow = new WorkflowBuilder("adding")
      .task("one", "sum.add", { kwargs: { a: "{{inputs.start}}", b: 1 }, resultKey: "first" })
      .task("two", "sum.add", { kwargs: { a: "{{first.sum}}", b: "{{step}}" } })
      .build()
      .setVariables({ start: 0, step: 10 });
    const driver = new Driver({ engine });
    const result = await driver.run({ workflow, inputs: { start: 5 }, timeout: 20 });
    assert.equal(result.error, null);
    assert.equal(result.tasks.two.result.sum, 16);
    const handle = await driver.start({ workflow: workflow.toJSON() });
    assert.equal((await handle.result()).tasks.two.result.sum, 11);
    await assert.rejects(driver.run({ workflow: 5 }), { code: "OPTION_INVALID", path: "/workflow" });
    await assert.rejects(driver.run({ workflow: {} }), { code: "OPTION_INVALID" });
  } finally {
    await engine.close();
  }
});

test("the caller's data is not changed", () => {
  const data = Object.freeze({ name: "w", tasks: Object.freeze({}), variables: Object.freeze({ a: [1] }) });
  const before = JSON.stringify(data);
  Workflow.fromJSON(data).setVariables({ b: 2 }).setPaused(true);
  assert.equal(JSON.stringify(data), before);
});

test("check accepts anything and never throws", () => {
  const circular = {};
  circular.self = circular;
  for (const value of [
    Number.POSITIVE_INFINITY,
    () => 1,
    Symbol("x"),
    circular,
    new Map([[1, 2]]),
    Number.NaN,
  ]) {
    assert.deepEqual(codes(Workflow.check(value)), ["VALUE_NOT_JSON"]);
    assert.deepEqual(codes(Workflow.check({ name: "w", variables: { a: value } })), ["VALUE_NOT_JSON"]);
  }
  for (const value of [undefined, null, 5, [], true]) {
    assert.deepEqual(codes(Workflow.check(value)), ["FIELD_TYPE_INVALID"]);
  }
  for (const text of ["", "{", "[1,]", "nul"])
    assert.deepEqual(codes(Workflow.check(text)), ["JSON_INVALID"]);
});

test("setters keep the builder's findings", () => {
  const workflow = Workflow.fromJSON({ name: "w" }).setDefaultRetryPolicy({ retries: 3 });
  assert.deepEqual(codes(workflow.validate()), ["FIELD_UNKNOWN", "DOCUMENT_INVALID"]);
  assert.throws(() => workflow.setMaxActiveRuns(1.5), { code: "FIELD_TYPE_INVALID" });
});

test("values that a builder cannot be created from are refused", () => {
  for (const existingWorkflow of ["x", 5, [], {}, null]) {
    assert.throws(() => new WorkflowBuilder("w", { existingWorkflow }), { code: "OPTION_INVALID" });
  }
  for (const options of [null, 5, "x", { versio: "1" }]) {
    assert.throws(() => new WorkflowBuilder("w", options), { code: "OPTION_INVALID" });
  }
  const workflow = new WorkflowBuilder("w").task("a", "f").build();
  const more = new WorkflowBuilder("w", { existingWorkflow: workflow }).task("b", "f").build();
  assert.deepEqual(Object.keys(more.toJSON().tasks), ["a", "b"]);
  assert.deepEqual(Object.keys(workflow.toJSON().tasks), ["a"]);
});

test("callbacks that are nested too deeply are refused, and the module still works", () => {
  const nest = (builder, left, method) => {
    if (left === 0) return builder.task("leaf", "f");
    const inner = (part) => nest(part, left - 1, method);
    return method === "foreach"
      ? builder.foreach(`l${left}`, "{{xs}}", inner)
      : builder.condition(`c${left}`, "x", inner, () => {});
  };
  for (const method of ["foreach", "condition"]) {
    assert.equal(nest(new WorkflowBuilder("w"), 8, method).build().toJSON().name, "w");
    for (const depth of [17, 1000]) {
      assert.throws(() => nest(new WorkflowBuilder("w"), depth, method), { code: "FIELD_VALUE_INVALID" });
    }
  }
  assert.equal(nest(new WorkflowBuilder("w"), 2, "foreach").build().validate().length > 0, true);
});

test("a callback returns its builder, or nothing", () => {
  const builder = () => new WorkflowBuilder("w");
  for (const part of [5, null, {}, "x"]) {
    assert.throws(() => builder().foreach("l", "{{xs}}", part), { code: "FIELD_TYPE_INVALID" });
  }
  assert.throws(() => builder().foreach("l", "{{xs}}", async () => {}), { code: "FIELD_TYPE_INVALID" });
  const thrown = new RangeError("mine");
  const fails = () => {
    throw thrown;
  };
  assert.throws(() => builder().foreach("l", "{{xs}}", fails), thrown);
  for (const branches of [null, 5, [], { a: 5 }]) {
    assert.throws(
      () => builder().parallel("p", branches),
      (error) => isHighwayError(error),
    );
  }
});

test("a layout draws one line from a condition to a task that depends on it", () => {
  const workflow = new WorkflowBuilder("w")
    .condition(
      "c",
      "{{a}} == 1",
      (yes) => yes.task("y", "f"),
      (no) => no.task("n", "f"),
    )
    .build();
  const { edges, nodes, width, height } = workflow.layout({ direction: "right", nodeWidth: 100 });
  assert.deepEqual(
    edges.map(({ from, to, kind }) => `${from} ${to} ${kind}`),
    ["/tasks/c /tasks/y true", "/tasks/c /tasks/n false"],
  );
  for (const { x, y, width: w, height: h } of nodes) {
    assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height);
  }
  assert.deepEqual(workflow.layout(), workflow.layout());
  assert.throws(() => workflow.layout({ nodewidth: 5 }), { code: "OPTION_INVALID", path: "/nodewidth" });
});

test("parallel tasks of a driver cannot be nested, and say so", () => {
  const driver = new Driver();
  for (const name of ["a", "b", "c"]) driver.shell(name, "true");
  driver.parallel("p", { branches: ["a", "b"] });
  driver.parallel("q", { branches: ["p", "c"] });
  assert.deepEqual(codes(driver.validate()), ["BRANCH_CROSSED"]);
  assert.throws(() => driver.build(), { code: "BRANCH_CROSSED" });
  const own = new Driver();
  own.parallel("p", { branches: ["p"] });
  assert.ok(codes(own.validate()).includes("BRANCH_CROSSED"));
});
