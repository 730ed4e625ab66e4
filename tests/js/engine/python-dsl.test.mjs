// Workflows that are submitted as Python: compiled by a host with a compiler, refused by a host without.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools, pythonDsl } from "highway-wasm/node";
import { noPython } from "../support/artifacts.mjs";
import { startServer } from "../support/cli.mjs";
import { checkThrown } from "../support/errors.mjs";

const SOURCE = `
def get_workflow():
    print("this is no JSON")
    task = {"task_id": "hello", "operator_type": "task", "dependencies": [], "function": "tools.shell.run",
            "args": ["echo hello {{name}}"], "result_key": "hello_result"}
    return {"name": "from_python", "version": "1.0.0", "tasks": {"hello": task}}
`;

function engineOf(t, options = { pythonDsl: pythonDsl() }) {
  const engine = new LocalEngine({ tools: nodeTools(), ...options });
  t.after(() => engine.close());
  return engine;
}

async function post(engine, path, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await engine.fetch(`http://e/api/v1/${path}`, { method: "POST", body: text });
  return { ...(await response.json()), status: response.status };
}

const get = async (engine, path) => (await (await engine.fetch(`http://e/api/v1/${path}`)).json()).data;

describe("Python source", { skip: noPython, concurrency: 2 }, () => {
  test("runs as the workflow that it returns, and is kept", async (t) => {
    const engine = engineOf(t);
    const highway = new Highway({ engine });
    const run = await highway.workflows.submit({ pythonDsl: SOURCE, inputs: { name: "Ada" } });
    assert.equal((await run.result()).tasks.hello.stdout, "hello Ada");
    const { definition_id } = await highway.workflows.register({ pythonDsl: SOURCE });
    assert.equal(await highway.definitions.pythonSource(definition_id), SOURCE);
    const { python_dsl, definition_json } = await get(engine, `workflows/definitions/${definition_id}`);
    assert.deepEqual([python_dsl, definition_json.name], [SOURCE, "from_python"]);
  });

  test("keeps the rest of the request unchanged", async (t) => {
    const engine = engineOf(t);
    // A null before it, and an integer with more digits than a double holds.
    const body = `{"workflow_definition": null, "inputs": {"name": 12345678901234567890}, "python_dsl": ${JSON.stringify(SOURCE)}}\n`;
    const { data } = await post(engine, "workflows", body);
    const run = await new Highway({ engine }).workflows.handle(data.workflow_run_id).result();
    assert.equal(run.tasks.hello.stdout, "hello 12345678901234567890");
  });

  test("can be compiled without a run", async (t) => {
    const { status, workflow_definition, data } = await post(engineOf(t), "dsl_to_json", { code: SOURCE });
    assert.deepEqual([status, workflow_definition.name], [200, "from_python"]);
    assert.deepEqual(data.workflow_definition, workflow_definition);
    assert.equal((await post(engineOf(t), "dsl_to_json", {})).code, "BODY_INVALID");
  });

  test("without a workflow is refused, with the reason and the line", async (t) => {
    const engine = engineOf(t);
    for (const [source, message] of [
      ["x = 1", /defines no get_workflow/],
      ["def get_workflow():\n    return 7", /gave int, not a Workflow or a dict/],
      ["\n\nraise ValueError('odd')", /ValueError: odd \(line 3\)/],
      ["def get_workflow(:", /SyntaxError.*line 1/],
      ["import os\nos._exit(3)", /exit code 3/],
      ["import sys\nsys.exit()", /SystemExit/],
    ]) {
      const answer = await post(engine, "workflows", { python_dsl: source });
      assert.deepEqual([answer.status, answer.code], [400, "PYTHON_DSL_INVALID"], source);
      assert.match(answer.message, message);
    }
    const invalid = await post(engine, "workflows", {
      python_dsl: "def get_workflow():\n    return {'tasks': {}}",
    });
    assert.deepEqual([invalid.status, invalid.details[0].code], [400, "FIELD_MISSING"]);
    assert.equal((await get(engine, "workflows")).total, 0);
  });

  test("that needs a missing package says what to install", async (t) => {
    const answer = await post(engineOf(t), "workflows", {
      python_dsl: "import absent_module_of_these_tests",
    });
    assert.deepEqual([answer.status, answer.code], [501, "TOOL_UNAVAILABLE"]);
    assert.match(answer.message, /needs the module `absent_module_of_these_tests`.*install it/);
    const none = engineOf(t, { pythonDsl: pythonDsl({ python: "no-such-python" }) });
    const absent = await post(none, "workflows", { python_dsl: SOURCE });
    assert.deepEqual([absent.status, absent.code], [501, "TOOL_UNAVAILABLE"]);
  });

  test("that does not end is killed", async (t) => {
    const engine = engineOf(t, { pythonDsl: pythonDsl({ timeout: 0.3 }) });
    const answer = await post(engine, "workflows", { python_dsl: "while True: pass" });
    assert.equal(answer.status, 400);
    assert.match(answer.message, /took longer than 0.3 s/);
  });

  test("is accepted only by a server that was started for it", async (t) => {
    for (const [args, status] of [
      [["--python-dsl"], 201],
      [[], 501],
    ]) {
      const server = await startServer(t, args);
      const response = await fetch(`${server.url}/api/v1/workflows`, {
        method: "POST",
        headers: { authorization: `Bearer ${server.key}` },
        body: JSON.stringify({ python_dsl: SOURCE }),
      });
      assert.equal(response.status, status);
      const { help } = await response.json();
      if (status === 501) assert.match(help, /--python-dsl/);
    }
  });
});

test("an engine with its own compiler function", async (t) => {
  const tasks = {
    a: { task_id: "a", operator_type: "task", dependencies: [], function: "tools.shell.run", args: ["true"] },
  };
  const engine = engineOf(t, { pythonDsl: async (description) => ({ name: "made", description, tasks }) });
  const { definition_id } = await new Highway({ engine }).workflows.register({ pythonDsl: "anything" });
  const { definition_json } = await get(engine, `workflows/definitions/${definition_id}`);
  assert.equal(definition_json.description, "anything");
});

test("invalid options are refused", () => {
  const refused = (path) => ({ name: "ConfigurationError", code: "OPTION_INVALID", path });
  checkThrown(() => new LocalEngine({ pythonDsl: true }), refused("/pythonDsl"));
  for (const timeout of [0, -1, Number.NaN, "1", 1e9]) {
    checkThrown(() => pythonDsl({ timeout }), refused("/timeout"));
  }
});
