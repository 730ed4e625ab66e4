// Workflows that ask for too much, each in another way.

const operator = (type, id, more) => ({
  task_id: id,
  operator_type: type,
  dependencies: [],
  trigger_rule: "all_success",
  ...more,
});
const flow = (name, operators, more) => ({
  name,
  version: "1.0.0",
  tasks: Object.fromEntries(operators.map((each) => [each.task_id, each])),
  ...more,
});
const nothing = operator("wait", "nothing", { wait_for: 0 });
const ids = (count) => [...Array(count).keys()].map((at) => `t${at}`);
const each = (id, count, body) =>
  operator("foreach", id, {
    items: JSON.stringify([...Array(count).keys()]),
    loop_body: [body],
    parallel: true,
  });
const execute = (id, name) =>
  operator("task", id, { function: "tools.workflow.execute", args: [name], kwargs: {} });
/** A task that fails at once, because the counter is not set. */
const failing = (id, more) =>
  operator("task", id, { function: "tools.workflow.execute", args: ["nobody"], ...more });
const longAgo = { schedule: "* * * * *", start_date: "2020-01-01T00:00:00Z", catchup: true };

/** Each keeps an engine busy for a while. `first` are submitted before it. */
export const BOMBS = [
  { workflow: flow("items", [each("loop", 100_000, nothing)]) },
  {
    workflow: flow("nested", [
      each("outer", 1_000, each("inner", 1_000, { ...nothing, task_id: "innermost" })),
    ]),
  },
  { workflow: flow("endless", [operator("while", "loop", { condition: "true", loop_body: [nothing] })]) },
  { workflow: flow("twice", [execute("one", "twice"), execute("two", "twice")]) },
  {
    workflow: flow("events", [
      operator("while", "loop", {
        condition: "true",
        loop_body: [
          operator("emit_event", "emit", { event_name: "again", payload: { text: "x".repeat(1_000) } }),
        ],
      }),
    ]),
  },
  {
    workflow: flow("wide", [
      ...ids(9_998).map((id) => ({ ...nothing, task_id: id })),
      { ...nothing, task_id: "all", dependencies: ids(9_998) },
    ]),
  },
  {
    workflow: flow(
      "deep",
      ids(9_999).map((id, at, all) => ({ ...nothing, task_id: id, dependencies: all.slice(at - 1, at) })),
    ),
  },
  {
    first: [flow("ping", [execute("one", "pong"), execute("two", "pong")])],
    workflow: flow("pong", [execute("one", "ping"), execute("two", "ping")]),
  },
  { workflow: flow("late", [nothing], { ...longAgo, max_active_runs: 1_000 }) },
  {
    workflow: flow(
      "callbacks",
      ids(5_000).map((id, at, all) => ({
        ...nothing,
        task_id: id,
        ...(at + 1 < all.length && { on_success_task_id: all[at + 1] }),
      })),
    ),
  },
  {
    workflow: flow(
      "failures",
      ids(5_000).map((id, at, all) =>
        failing(id, at + 1 < all.length ? { on_failure_task_id: all[at + 1] } : {}),
      ),
    ),
  },
  {
    workflow: flow(
      "unhandled",
      ids(9_999).map((id) => failing(id)),
    ),
  },
  {
    workflow: flow("reflexive", [
      operator("reflexive", "make", {
        generator: "tools.simple_counter.increment_counter",
        generator_kwargs: { name: "turns" },
        verifier: "tools.simple_counter.increment_counter",
        verifier_kwargs: { name: "turns" },
        max_turns: 10,
      }),
    ]),
  },
  {
    workflow: flow("joins", [
      operator("parallel", "fork", {
        branches: Object.fromEntries(ids(2_000).map((id) => [`branch ${id}`, [id]])),
        branch_workflows: Object.fromEntries(
          ids(2_000).map((id) => [`branch ${id}`, flow(`branch ${id}`, [{ ...nothing, task_id: id }])]),
        ),
      }),
      ...ids(50).map((id) =>
        operator("join", `join ${id}`, {
          join_tasks: ids(2_000),
          join_mode: "all_of",
          dependencies: ["fork"],
        }),
      ),
    ]),
  },
  {
    workflow: flow("signals", [operator("wait_for_event", "wait", { event_name: "never" })]),
    signals: 12_000,
  },
];
