// Carries out the programs of `programs.mjs` with the built package, as `compare.py` does with the packages for Python.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Driver, Workflow, WorkflowBuilder } from "highway-wasm";
import "highway-wasm/engine";
import { POSITIONS, WITHOUT_OPTIONS } from "../../js/support/vectors.mjs";

/** What the Python packages make of programs. */
export async function inPython(python, which, programs) {
  const file = fileURLToPath(new URL("../compare.py", import.meta.url));
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONWARNINGS: "ignore" };
  const child = spawn(python, [file, which], { env, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const pieces = [];
  child.stdout.on("data", (piece) => pieces.push(piece));
  child.stdin.end(programs.map((program) => `${JSON.stringify(program)}\n`).join(""));
  const code = await ended;
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return Buffer.concat(pieces)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Not an option of the facade, so it becomes an argument of the tool under its own name. */
const STRANGE = "depend_on";

const camel = (name) =>
  name === STRANGE ? name : name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function value(given) {
  if (Array.isArray(given)) return given.map(value);
  if (!isObject(given)) return given;
  if ("$timedelta" in given) return given.$timedelta;
  if ("$datetime" in given) return given.$datetime;
  if ("$sub" in given) {
    const part = (builder) => make(builder, given.$sub);
    return "condition" in given ? { condition: given.condition, part } : part;
  }
  return Object.fromEntries(Object.entries(given).map(([key, item]) => [key, value(item)]));
}

function make(target, calls) {
  for (const [method, params] of calls) call(target, method, params);
  return target;
}

/** Options with names that the facade spells in its own way. */
const POLICIES = ["retry_policy", "timeout_policy", "circuit_breaker_policy"];

function optionsOf(params) {
  const renamed = (given) =>
    Object.fromEntries(Object.entries(given).map(([name, item]) => [camel(name), item]));
  const named = Object.entries(params).map(([name, item]) => [
    camel(name),
    POLICIES.includes(name) && isObject(item) ? renamed(item) : item,
  ]);
  return Object.fromEntries(named);
}

function call(target, method, params) {
  const given = value(params);
  if (method === "add_tags") return target.addTags(...given.tags);
  if (method === "set_default_retry_policy") return target.setDefaultRetryPolicy(optionsOf(given.policy));
  const names = POSITIONS[method] ?? WITHOUT_OPTIONS[method] ?? Object.keys(given);
  const values = names.map((name) => given[name]);
  if (!(method in POSITIONS)) return target[camel(method)](...values);
  const options = Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)));
  return target[camel(method)](...values, optionsOf(options));
}

const texts = (workflow) => [workflow.toJSONString(), workflow.toYAML()];

function attempt(action) {
  try {
    return { value: action() };
  } catch (error) {
    return { error: `${error.code}: ${error.message}` };
  }
}

/** What `WorkflowBuilder` and `Workflow` make of a program. */
export function inBuilder(program) {
  if ("document" in program) return attempt(() => texts(Workflow.fromJSON(program.document)));
  let at = "new";
  let json;
  let yaml;
  try {
    const { name, ...more } = program.new;
    const builder = new WorkflowBuilder(name, optionsOf(more));
    for (const [index, [method, params]] of program.calls.entries()) {
      at = index;
      call(builder, method, params);
    }
    at = "build";
    const workflow = builder.build();
    for (const [index, [method, params]] of program.setters.entries()) {
      at = index;
      call(workflow, method, params);
    }
    at = "write";
    [json, yaml] = texts(workflow);
  } catch (error) {
    return { at, error: `${error.code}: ${error.message}` };
  }
  return {
    json,
    yaml,
    again: attempt(() => texts(make(Workflow.fromJSON(json), program.setters))),
    fromYaml: attempt(() => texts(Workflow.fromYAML(yaml))),
    more: attempt(() => {
      const existingWorkflow = Workflow.fromJSON(json);
      return texts(make(new WorkflowBuilder("unused", { existingWorkflow }), program.more).build());
    }),
  };
}

const METHODS = {
  task: "task",
  foreach: "foreach",
  while_loop: "whileLoop",
  emit: "emit",
  wait_for: "waitFor",
};

/** The options of a task of the driver: what Python has as a function is a value here. */
function taskOptions({ method, params, returns, source }) {
  const options = optionsOf(value(params));
  if (method === "foreach" || method === "while_loop") return { ...options, py: source };
  if (method !== "task") return options;
  for (const flag of ["shell", "http"]) if (options[flag]) options[flag] = returns;
  for (const flag of ["py", "durable"]) if (options[flag]) options[flag] = source ?? "def f():\n    pass";
  if ("tool" in options) options.kwargs = returns;
  if (isObject(returns) && "inputs" in returns && ("workflow" in options || "workflowId" in options))
    options.inputs = returns.inputs;
  return options;
}

/** What `Driver` makes of a program. */
export function inDriver(program) {
  let at = "new";
  try {
    const driver = new Driver({ ...program.new, apiKey: "unused" });
    for (const [index, task] of program.tasks.entries()) {
      at = index;
      driver[METHODS[task.method]](task.name, taskOptions(task));
    }
    at = "build";
    return { document: driver.build({ inputs: program.inputs, timeout: program.timeout }) };
  } catch (error) {
    return { at, error: `${error.code}: ${error.message}` };
  }
}
