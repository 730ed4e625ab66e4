// A process that may be killed at any moment. It submits the same runs each time, and ends when all of them have ended.
// Its tools record what they do. `node crash-worker.mjs FOLDER RUNS`; with `talk` at the end, the tools report so much
// while they work that a snapshot replaces the journal several times.
import { appendFileSync } from "node:fs";
import { Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { fileStore } from "highway-wasm/node";

const [folder, runs, how] = process.argv.slice(2);
const note = (entry) => appendFileSync(`${folder}/tools`, `${JSON.stringify(entry)}\n`);

const talk = "x".repeat(30_000);

const work = async ({ kwargs }, { runId, task, attempt, idempotencyKey, heartbeat }) => {
  note({ what: "start", runId, task, attempt, idempotencyKey, item: kwargs.item });
  for (let time = 0; time < (how === "talk" ? 8 : 1); time++) {
    if (how === "talk") heartbeat({ talk });
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
  }
  note({ what: "end", runId, task, attempt, idempotencyKey, item: kwargs.item });
  return { item: kwargs.item ?? null };
};

const task = (task_id, dependencies, more = {}) => ({
  task_id,
  operator_type: "task",
  dependencies,
  function: "test.work",
  kwargs: {},
  ...more,
});
const workflow = {
  name: "mixed",
  tasks: {
    first: task("first", []),
    nap: { task_id: "nap", operator_type: "wait", dependencies: ["first"], wait_for: "PT0.02S" },
    each: {
      task_id: "each",
      operator_type: "foreach",
      dependencies: ["nap"],
      items: "[1, 2, 3]",
      loop_body: [task("one", [], { kwargs: { item: "{{item}}" } })],
    },
    fork: {
      task_id: "fork",
      operator_type: "parallel",
      dependencies: ["first"],
      result_key: "fork_result",
      branches: { a: ["left"], b: ["right"] },
      branch_workflows: {
        a: { name: "a", tasks: { left: task("left", []) } },
        b: { name: "b", tasks: { right: task("right", []) } },
      },
    },
    both: task("both", ["fork"], {
      function: "tools.workflow.wait_for_parallel_branches",
      args: ["{{fork_result}}"],
    }),
    last: task("last", ["each", "both"]),
  },
};

const file = fileStore(`${folder}/store`);
const store =
  how === "talk"
    ? {
        ...file,
        async replace(entries) {
          await file.replace(entries);
          note({ what: "replaced" });
        },
      }
    : file;
const engine = new LocalEngine({ tools: { "test.work": work }, store });
const highway = new Highway({ engine });
const handles = await Promise.all(
  Array.from({ length: Number(runs) }, (_, at) =>
    highway.workflows.submit({ workflow, idempotencyKey: `run-${at}` }),
  ),
);
for (const { runId } of handles) note({ what: "accepted", runId });
const results = await Promise.all(handles.map((handle) => handle.result()));
for (const { runId, state } of results) note({ what: "over", runId, state });
await engine.close();
