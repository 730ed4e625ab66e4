// Building, validating and printing definitions of a layered graph, in which every task depends on two tasks of the
// layer before. Compared with `JSON.stringify` of the finished document, and with Python's own builder.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { inCache, inRoot } from "../scripts/lib/paths.mjs";
import { dependenciesOf, median, row } from "./lib.mjs";

const DSL = "highway-dsl==2.2.0";

/** Plain data with what a caller has to give. */
function plainData(count) {
  const tasks = {};
  for (let at = 0; at < count; at++) {
    const id = `t${at}`;
    tasks[id] = {
      task_id: id,
      operator_type: "task",
      function: "bench.noop",
      kwargs: { at },
      dependencies: dependenciesOf(at),
    };
  }
  return { name: "bench", tasks };
}

function chained(WorkflowBuilder, count) {
  const builder = new WorkflowBuilder("bench");
  for (let at = 0; at < count; at++) {
    builder.task(`t${at}`, "bench.noop", { kwargs: { at }, dependencies: dependenciesOf(at) });
  }
  return builder.build();
}

function driven(Driver, count) {
  const driver = new Driver({ apiKey: "key" });
  for (let at = 0; at < count; at++) {
    driver.tool(`t${at}`, "bench.noop", { at }, { depends: dependenciesOf(at) });
  }
  return driver;
}

/** The calls of a program to a driver before it runs. Each round defines new tasks. */
async function benchDriver(Driver, count, rounds) {
  const driver = driven(Driver, count);
  const document = driver.build();
  const text = JSON.stringify(document);
  const stringify = await median(() => JSON.stringify(document), rounds * 3);
  const times = (work) => median(work, rounds).then((ms) => ms / stringify);
  const whole = () => {
    const fresh = driven(Driver, count);
    if (fresh.validate().length > 0) throw new Error("the graph is sound");
    return fresh.build();
  };
  console.log(`\ndriver, ${count} tasks; 1 = JSON.stringify of the definition (${stringify.toFixed(2)} ms)`);
  row("define, validate, build", await times(whole), "×");
  row("  define, task by task", await times(() => driven(Driver, count)), "×");
  row("  validate", await times(() => driver.validate()), "×");
  row("  build", await times(() => driver.build()), "×");
  row("    JSON.parse of the definition", await times(() => JSON.parse(text)), "×");
}

/** Python with the DSL, in its own environment; undefined without Python. */
function python() {
  const venv = inCache("bench-venv");
  const interpreter = join(venv, "bin", "python");
  try {
    if (!existsSync(interpreter)) execFileSync("python3", ["-m", "venv", venv]);
    execFileSync(interpreter, ["-m", "pip", "install", "-q", "--disable-pip-version-check", DSL]);
    return interpreter;
  } catch (error) {
    console.log(`no comparison with Python: ${error.message.split("\n")[0]}`);
    return undefined;
  }
}

const pythonMs = (interpreter, count, rounds) =>
  Number(execFileSync(interpreter, [inRoot("bench", "definition.py"), String(count), String(rounds)]));

export async function benchDefinition() {
  const { Driver, Workflow, WorkflowBuilder } = await import("highway-wasm");
  const perTask = {};
  const interpreter = python();
  for (const [count, rounds] of [
    [1_000, 15],
    [10_000, 5],
    [100_000, 3],
  ]) {
    const data = plainData(count);
    const document = Workflow.fromJSON(data).toJSON();
    // The latest definition is cached, so each round uses a new one.
    let fresh = 0;
    const next = () => {
      data.name = `bench${fresh++}`;
      return data;
    };
    const bulk = () => {
      const workflow = Workflow.fromJSON(next());
      if (workflow.validate().length > 0) throw new Error("the graph is sound");
      return workflow.toJSONString();
    };
    const stringify = await median(() => JSON.stringify(document), rounds);
    const whole = await median(bulk, rounds);
    perTask[count] = whole / count;
    console.log(`\n${count} tasks; 1 = JSON.stringify of the finished document (${stringify.toFixed(2)} ms)`);
    row("bulk: fromJSON, validate, toJSONString", whole / stringify, "×");
    row("  fromJSON", (await median(() => Workflow.fromJSON(next()), rounds)) / stringify, "×");
    const workflow = Workflow.fromJSON(next());
    row("  validate", (await median(() => workflow.validate(), rounds)) / stringify, "×");
    row("  toJSONString", (await median(() => workflow.toJSONString(), rounds)) / stringify, "×");
    const calls = await median(() => chained(WorkflowBuilder, count).toJSONString(), rounds);
    row("builder, call by call, toJSONString", calls / stringify, "×");
    if (interpreter && count <= 10_000) {
      const theirs = pythonMs(interpreter, count, count > 1_000 ? 1 : 5);
      row("Python's builder and to_json; 1 = bulk", theirs / whole, "×");
      row("the same; 1 = call by call", theirs / calls, "×");
    }
    await benchDriver(Driver, count, rounds);
  }
  row("\nbulk, per task, at 100,000; 1 = at 1,000", perTask[100_000] / perTask[1_000], "×");
}
