// highway_dsl 2.2.0: workflows that are submitted as its Python, as Highway's agents do, and the definition that it makes of them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools, pythonDsl } from "highway-wasm/node";
import { clientPython } from "../../scripts/lib/python.mjs";
import { skipWithout } from "./support/clients.mjs";

const SET = "highway-dsl-2.2.0";
const skip = skipWithout(SET);

const SOURCE = `
from datetime import timedelta
from highway_dsl import WorkflowBuilder, RetryPolicy, TriggerRule

def get_workflow():
    builder = WorkflowBuilder("reports")
    builder.task("count", "tools.shell.run", args=["ls {{folder}} | wc -l"], result_key="counted")
    builder.retry(max_retries=2, delay=timedelta(seconds=1))
    builder.foreach(
        "each",
        items='["a", "b"]',
        loop_body=lambda body: body.task("say", "tools.shell.run", args=["echo {{item}}"], result_key="said"),
        dependencies=["count"],
    )
    builder.task(
        "last", "tools.shell.run", args=["echo {{counted.stdout}}"], result_key="shown",
        trigger_rule=TriggerRule.ALL_DONE, dependencies=["each"],
    )
    workflow = builder.build()
    workflow.set_variables({"folder": "/usr"})
    return workflow
`;

describe("highway_dsl 2.2.0", { skip }, () => {
  test("a Workflow that its builder has made runs as it is", async (t) => {
    const engine = new LocalEngine({
      tools: nodeTools(),
      pythonDsl: pythonDsl({ python: clientPython(SET) }),
    });
    t.after(() => engine.close());
    const highway = new Highway({ engine });
    const run = await highway.workflows.submit({ pythonDsl: SOURCE, inputs: { folder: "/" } });
    const { state, tasks } = await run.result();
    assert.equal(state, "completed");
    assert.match(tasks.last.stdout, /^\d+$/);
    const { definition_id } = await highway.workflows.register({ pythonDsl: SOURCE });
    assert.equal(await highway.definitions.pythonSource(definition_id), SOURCE);
  });

  test("what the builder refuses is an answer, with what Python says", async (t) => {
    const engine = new LocalEngine({ pythonDsl: pythonDsl({ python: clientPython(SET) }) });
    t.after(() => engine.close());
    const source = SOURCE.replace(`'["a", "b"]'`, "[1]");
    const refused = new Highway({ engine }).workflows.submit({ pythonDsl: source });
    await assert.rejects(
      refused,
      ({ name, message }) => name === "SubmissionError" && /ForEachOperator/.test(message),
    );
  });
});
