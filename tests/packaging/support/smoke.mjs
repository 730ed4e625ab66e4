// Checks of the smoke program's output, for every runtime.
import assert from "node:assert/strict";

const run = {
  state: "completed",
  isSuccess: true,
  tasks: [
    ["both", "completed", { sum: 33 }],
    ["left", "completed", { sum: 3 }],
    ["right", "completed", { sum: 30 }],
  ],
};

/** Checks the outcome of one run. */
export const expectRun = (given) => assert.deepEqual(given, run);

/** Checks the definition and the errors. */
export function expectCore({ definition, template, error, value }) {
  assert.equal(JSON.parse(definition).tasks.both.kwargs.note, "größer ✓");
  assert.equal(template, "{{left_result.sum}}");
  assert.equal(`${error.name} ${error.code}`, "TaskDefinitionError TASK_TYPE_MISSING");
  assert.match(error.help, /`shell`/);
  assert.equal(value.path, "/kwargs/at");
}

/** Checks a definition that was built, checked and drawn. */
export function expectWorkflow({ tasks, findings, refused, drawing, dot, placed }) {
  assert.deepEqual(tasks, ["list", "each", "copy", "end"]);
  assert.deepEqual(findings, ["TEMPLATE_NAME_UNKNOWN /tasks/end/args/0 did you mean `{{files}}`?"]);
  assert.equal(refused, "WORKFLOW_NAME_INVALID");
  assert.match(drawing, /^\S+ --> \S+$/);
  assert.equal(dot, true);
  assert.deepEqual(placed, [4, 3]);
}

/** Checks the whole output of the smoke program. */
export function expectSmoke({ run: own, fetched, shell, workflow, ...core }) {
  expectCore(core);
  expectWorkflow(workflow);
  assert.deepEqual(workflow.yaml, ["größer"]);
  expectRun(own);
  expectRun(fetched);
  assert.equal(shell.code, "TOOL_NOT_REGISTERED");
  assert.match(shell.message, /`tools\.shell\.run`/);
}
