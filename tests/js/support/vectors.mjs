// Golden vectors, and their calls through the package.
import { readdirSync, readFileSync } from "node:fs";
import { Workflow, WorkflowBuilder } from "highway-wasm";

const folder = new URL("../../vectors/", import.meta.url);

/** The vectors whose names have `kind` after their number, in order, with their names. */
export function vectors(kind) {
  const names = readdirSync(folder).filter((name) => name.slice(3).startsWith(`-${kind}-`));
  return names.sort().map((file) => ({
    ...JSON.parse(readFileSync(new URL(file, folder), "utf8")),
    name: file.replace(".json", ""),
  }));
}

export const camelCase = (key) => key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

const MARKS = ["$timedelta", "$datetime", "$retry_policy", "$timeout_policy", "$circuit_breaker_policy"];

/**
 * A value of a call as JavaScript passes it: durations as seconds, policies with camelCase names, callbacks as
 * functions.
 */
function argument(value) {
  if (Array.isArray(value)) return value.map(argument);
  if (typeof value !== "object" || value === null) return value;
  for (const mark of MARKS)
    if (mark in value) return mark.endsWith("_policy") ? named(value[mark]) : value[mark];
  if ("$return_none" in value) return () => undefined;
  if ("$sub" in value) {
    const part = (builder) => makeCalls(builder, value.$sub);
    return "condition" in value ? [value.condition, part] : part;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, argument(item)]));
}

const named = (policy) =>
  Object.fromEntries(Object.entries(policy).map(([key, value]) => [camelCase(key), argument(value)]));

/** Parameters that methods take by position. The others are options, which come last. */
export const POSITIONS = {
  task: ["task_id", "function"],
  activity: ["task_id", "function"],
  reflexive: ["task_id", "generator", "verifier"],
  child_workflows: ["task_id", "children"],
  child_workflow: ["task_id", "workflow_name"],
  condition: ["task_id", "condition", "if_true", "if_false"],
  wait: ["task_id", "wait_for"],
  parallel: ["task_id", "branches"],
  parallel_with_join: ["task_id", "branches"],
  foreach: ["task_id", "items", "loop_body"],
  while_loop: ["task_id", "condition", "loop_body"],
  emit_event: ["task_id", "event_name"],
  wait_for_event: ["task_id", "event_name"],
  join: ["task_id", "join_tasks", "join_mode"],
  switch: ["task_id", "switch_on", "cases"],
  multi_choice: ["task_id", "branches"],
  terminate: ["task_id"],
  retry: [],
  timeout: ["timeout"],
};

/** The positions for methods without options. */
export const WITHOUT_OPTIONS = {
  precondition: ["variable", "check", "value", "message"],
  postcondition: ["variable", "check", "value", "message"],
  on_success: ["success_task_id"],
  on_failure: ["failure_task_id"],
};

const OPTION_NAMES = new Set(
  (
    "depends_on trigger_rule retry_policy timeout_policy circuit_breaker_policy idempotency_key result_key " +
    "on_success_task_id on_failure_task_id timeout_seconds join_result_key generator_kwargs verifier_kwargs " +
    "max_turns correction_prompt_template minimum_branches max_retries backoff_factor kill_on_timeout"
  ).split(" "),
);

/** Makes one call of a vector on a builder or a workflow. */
export function makeCall(target, { method, params }) {
  const name = camelCase(method);
  if (method === "add_tags") return target.addTags(...params.tags);
  const positions = POSITIONS[method] ?? WITHOUT_OPTIONS[method] ?? Object.keys(params);
  const given = positions.map((key) => argument(params[key]));
  const rest = Object.entries(params).filter(([key]) => !positions.includes(key));
  const options = Object.fromEntries(
    rest.map(([key, value]) => [
      OPTION_NAMES.has(key) ? camelCase(key) : key,
      key.endsWith("_policy") ? argument(named(argument(value))) : argument(value),
    ]),
  );
  return method in POSITIONS ? target[name](...given, options) : target[name](...given);
}

export function makeCalls(builder, calls) {
  for (const call of calls) makeCall(builder, call);
  return builder;
}

/** The workflow that the calls of a DSL vector build. `onCall` gets the number of each call. */
export function replay(calls, onCall = () => {}) {
  let builder;
  let workflow;
  for (const [at, { method, params }] of calls.entries()) {
    onCall(at);
    if (method === "new") {
      const { name, ...options } = params;
      builder = new WorkflowBuilder(
        name,
        Object.fromEntries(Object.entries(options).map(([key, value]) => [camelCase(key), value])),
      );
    } else if (method === "build") workflow = builder.build();
    else if (method === "from_json") workflow = Workflow.fromJSON(params.json);
    else if (method.startsWith("workflow.")) makeCall(workflow, { method: method.slice(9), params });
    else if (method !== "generate_dot") makeCall(builder, { method, params });
  }
  return workflow;
}
