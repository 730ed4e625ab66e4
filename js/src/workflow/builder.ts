/** `WorkflowBuilder`, with the methods of the builder in Highway's DSL. */

import { errorOf } from "../shared/errors.js";
import type { DurationInput } from "../client/options.js";
import { checkOptions } from "../shared/options.js";
import { isObject, documentText } from "../shared/plain.js";
import type { JoinMode } from "./document.js";
import {
  type DependsOn,
  type GuardCheck,
  type OperatorOptions,
  operatorOptions,
  policy,
  type RetryPolicyOptions,
  type TaskOperatorOptions,
  type ToolTaskOptions,
} from "./operator-options.js";
import { workflows } from "./runtime.js";
import { Workflow } from "./workflow.js";

/** Defines a part of a workflow on a separate builder. The part may return the builder or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback may end without a value, and may end with a chain
export type Part = (builder: WorkflowBuilder) => WorkflowBuilder | void;

/** Options of a builder. */
export interface WorkflowBuilderOptions {
  /** Version of the definition; default: `"2.0.0"`. */
  version?: string | undefined;
  /** Time limit of a run, in whole seconds. */
  deadlineSeconds?: number | undefined;
  /** State of a run that exceeds `deadlineSeconds`: failed or cancelled; default: `"fail"`. */
  deadlineAction?: "fail" | "cancel" | undefined;
  /** The definition to continue from. Its name and settings replace those given here. */
  existingWorkflow?: Workflow | undefined;
}

type Params = Record<string, unknown>;

/**
 * Builds a workflow definition, one operator after the other. Each operator depends on the one before, unless it has
 * `dependencies` or is defined in a callback.
 *
 * The definition is byte for byte what Highway's own builder writes. `workflow.validate()` reports what is probably a
 * mistake, such as a misspelt option.
 *
 * @example
 * ```js
 * import { WorkflowBuilder } from "highway-wasm";
 *
 * const workflow = new WorkflowBuilder("nightly")
 *   .task("dump", "tools.shell.run", { args: ["pg_dump db > db.sql"], resultKey: "dump" })
 *   .retry({ maxRetries: 5, delay: "PT10S" })
 *   .condition(
 *     "check",
 *     "{{dump.returncode}} == 0",
 *     (ok) => ok.task("upload", "tools.shell.run", { args: ["aws s3 cp db.sql s3://backups"] }),
 *     (failed) => failed.task("alarm", "tools.shell.run", { args: ["./alarm.sh"] }),
 *   )
 *   .build();
 * console.log(Object.keys(workflow.toJSON().tasks)); // [ 'dump', 'check', 'upload', 'alarm' ]
 * console.log(workflow.validate()); // []
 * ```
 */
export class WorkflowBuilder {
  /** The constructor's arguments and the calls, as JSON texts. */
  readonly #new: string;
  readonly #calls: string[] = [];
  /** Whether there is a current operator. Without one, modifiers are refused or ignored. */
  #hasOperator = false;

  /** @throws {ValidationError} `WORKFLOW_NAME_INVALID`, `WORKFLOW_VERSION_INVALID`, `FIELD_VALUE_INVALID`. */
  constructor(name: string, options: WorkflowBuilderOptions = {}) {
    checkOptions(
      options,
      ["version", "deadlineSeconds", "deadlineAction", "existingWorkflow"],
      "WorkflowBuilder",
    );
    const { version, deadlineSeconds, deadlineAction, existingWorkflow } = options;
    if (existingWorkflow !== undefined && !(existingWorkflow instanceof Workflow)) {
      throw errorOf("OPTION_INVALID", "`existingWorkflow` is not a Workflow", {
        path: "/existingWorkflow",
        help: "read plain data with `Workflow.fromJSON(data)` first",
      });
    }
    this.#new = existingWorkflow
      ? `{"existing_workflow":${Workflow.textOf(existingWorkflow)}}`
      : documentText({ name, version, deadline_seconds: deadlineSeconds, deadline_action: deadlineAction });
    workflows.call((api) => api.builderNew(this.#new));
  }

  /** Adds a task that calls a tool. Unknown options become named arguments of the tool. */
  task(taskId: string, functionName: string, options: ToolTaskOptions = {}): this {
    return this.#add("task", { task_id: taskId, function: functionName }, options);
  }

  /** Adds an activity: a call of a tool that takes long and runs outside the workflow's transaction. */
  activity(taskId: string, functionName: string, options: ToolTaskOptions = {}): this {
    return this.#add("activity", { task_id: taskId, function: functionName }, options);
  }

  /** Adds a reflexive loop, which generates, verifies and corrects a result. */
  reflexive(
    taskId: string,
    generator: string,
    verifier: string,
    options: TaskOperatorOptions & {
      generatorKwargs?: Record<string, unknown> | undefined;
      verifierKwargs?: Record<string, unknown> | undefined;
      /** Most rounds, 1 to 10; default: 3. */
      maxTurns?: number | undefined;
      correctionPromptTemplate?: string | undefined;
    } = {},
  ): this {
    return this.#add("reflexive", { task_id: taskId, generator, verifier }, options);
  }

  /** Adds runs of other workflows, at the same time: `{name: {workflow_name, inputs}}`. */
  childWorkflows(
    taskId: string,
    children: Record<string, Record<string, unknown>>,
    options: OperatorOptions & DependsOn & { timeoutSeconds?: number | undefined } = {},
  ): this {
    return this.#add("child_workflows", { task_id: taskId, children }, options);
  }

  /** Adds a run of another workflow. */
  childWorkflow(
    taskId: string,
    workflowName: string,
    options: OperatorOptions &
      DependsOn & {
        inputs?: Record<string, unknown> | undefined;
        timeoutSeconds?: number | undefined;
      } = {},
  ): this {
    return this.#add("child_workflow", { task_id: taskId, workflow_name: workflowName }, options);
  }

  /** Adds a condition with two branches. All tasks in both branches depend on it. */
  condition(
    taskId: string,
    condition: string,
    ifTrue: Part,
    ifFalse: Part,
    options: OperatorOptions = {},
  ): this {
    const params = { task_id: taskId, condition };
    return this.#add("condition", params, options, { if_true: ifTrue, if_false: ifFalse });
  }

  /** Adds a durable wait: a length of time, a moment, or text that only the server understands. */
  wait(taskId: string, waitFor: DurationInput | Date, options: OperatorOptions = {}): this {
    return this.#add("wait", { task_id: taskId, wait_for: waitFor }, options);
  }

  /** Adds a fork, which starts its branches at the same time. The workflow continues without waiting for them. */
  parallel(
    taskId: string,
    branches: Record<string, Part>,
    options: OperatorOptions & { timeout?: number | undefined } = {},
  ): this {
    return this.#add("parallel", { task_id: taskId }, options, { branches });
  }

  /** Adds a fork and a task `<taskId>_join` that waits for its branches. The next operator depends on the join. */
  parallelWithJoin(
    taskId: string,
    branches: Record<string, Part>,
    options: OperatorOptions & {
      /** Time limit of the join in seconds; default: 300. */
      timeoutSeconds?: number | undefined;
      /** Result key of the join, whose result has those of the branches; default: `<taskId>_results`. */
      joinResultKey?: string | undefined;
    } = {},
  ): this {
    return this.#add("parallel_with_join", { task_id: taskId }, options, { branches });
  }

  /** Adds a loop over a list. Its body uses the present item as `{{item}}`. */
  foreach(
    taskId: string,
    items: string,
    loopBody: Part,
    options: OperatorOptions & {
      /** Whether the rounds run at the same time. */
      parallel?: boolean | undefined;
      /** Whether the list may grow while the loop runs. */
      dynamic?: boolean | undefined;
    } = {},
  ): this {
    return this.#add("foreach", { task_id: taskId, items }, options, { loop_body: loopBody });
  }

  /** Adds a loop that runs as long as a condition holds. */
  whileLoop(taskId: string, condition: string, loopBody: Part, options: OperatorOptions = {}): this {
    return this.#add("while_loop", { task_id: taskId, condition }, options, { loop_body: loopBody });
  }

  /** Adds an operator that emits an event. */
  emitEvent(
    taskId: string,
    eventName: string,
    options: OperatorOptions & { payload?: Record<string, unknown> | undefined } = {},
  ): this {
    return this.#add("emit_event", { task_id: taskId, event_name: eventName }, options);
  }

  /** Adds an operator that waits for an event; without a time limit by default. */
  waitForEvent(
    taskId: string,
    eventName: string,
    options: OperatorOptions & { timeoutSeconds?: number | undefined } = {},
  ): this {
    return this.#add("wait_for_event", { task_id: taskId, event_name: eventName }, options);
  }

  /** Adds an operator that waits for several tasks. */
  join(
    taskId: string,
    joinTasks: readonly string[],
    joinMode: JoinMode,
    options: OperatorOptions = {},
  ): this {
    return this.#add("join", { task_id: taskId, join_tasks: joinTasks, join_mode: joinMode }, options);
  }

  /** Adds a choice by a value. `cases` maps values to task ids. */
  switch(
    taskId: string,
    switchOn: string,
    cases: Record<string, string>,
    options: OperatorOptions & { default?: string | undefined } = {},
  ): this {
    return this.#add("switch", { task_id: taskId, switch_on: switchOn, cases }, options);
  }

  /** Adds a fork that runs the branches whose conditions hold. */
  multiChoice(
    taskId: string,
    branches: Record<string, { condition: string; part: Part } | readonly [condition: string, part: Part]>,
    options: OperatorOptions & {
      /** Fewest branches that must run; default: 1. */
      minimumBranches?: number | undefined;
      timeout?: number | undefined;
    } = {},
  ): this {
    return this.#add("multi_choice", { task_id: taskId }, options, { branches });
  }

  /** Adds an operator that ends the run. */
  terminate(
    taskId: string,
    options: OperatorOptions & {
      /** State of the ended run; default: `"completed"`. */
      status?: "completed" | "failed" | "cancelled" | undefined;
      result?: Record<string, unknown> | undefined;
      reason?: string | undefined;
    } = {},
  ): this {
    return this.#add("terminate", { task_id: taskId }, options);
  }

  /** Sets the retry policy of the preceding task. Has no effect on other operators. */
  retry(options: RetryPolicyOptions = {}): this {
    checkOptions(options, ["maxRetries", "delay", "backoffFactor"], "retry");
    return this.#call("retry", policy(options) as Params);
  }

  /** Sets the time limit of one attempt of the preceding task. Has no effect on other operators. */
  timeout(timeout: DurationInput, options: { killOnTimeout?: boolean | undefined } = {}): this {
    checkOptions(options, ["killOnTimeout"], "timeout");
    return this.#call("timeout", { timeout, kill_on_timeout: options.killOnTimeout });
  }

  /** Names the operator to run after the preceding one has completed. Define it afterwards. */
  onSuccess(taskId: string): this {
    return this.#call("on_success", { success_task_id: taskId });
  }

  /** Names the operator to run after the preceding one has failed. Define it afterwards. */
  onFailure(taskId: string): this {
    return this.#call("on_failure", { failure_task_id: taskId });
  }

  /**
   * Adds a condition that must hold before the preceding operator starts.
   *
   * @throws {ValidationError} `NO_CURRENT_TASK` if there is no preceding operator.
   */
  precondition(variable: string, check: GuardCheck, value?: unknown, message?: string): this {
    return this.#call("precondition", { variable, check, value, message });
  }

  /**
   * Adds a condition on the result of the preceding operator.
   *
   * @throws {ValidationError} `NO_CURRENT_TASK` if there is no preceding operator.
   */
  postcondition(variable: string, check: GuardCheck, value?: unknown, message?: string): this {
    return this.#call("postcondition", { variable, check, value, message });
  }

  /** Sets the description of the workflow. */
  setDescription(description: string): this {
    return this.#call("set_description", { description });
  }

  /** Sets the version of the definition. */
  setVersion(version: string): this {
    return this.#call("set_version", { version });
  }

  /** Sets the schedule, a cron expression. */
  setSchedule(cron: string): this {
    return this.#call("set_schedule", { cron });
  }

  /** Sets the moment from which the schedule is active. */
  setStartDate(startDate: Date | string): this {
    return this.#call("set_start_date", { start_date: startDate });
  }

  /** Sets whether missed starts of the schedule are run later. */
  setCatchup(enabled: boolean): this {
    return this.#call("set_catchup", { enabled });
  }

  /** Sets whether the schedule is paused. */
  setPaused(paused: boolean): this {
    return this.#call("set_paused", { paused });
  }

  /** Adds tags, which help to find the workflow. */
  addTags(...tags: string[]): this {
    return this.#call("add_tags", { tags });
  }

  /** Sets how many runs may be active at the same time. */
  setMaxActiveRuns(count: number): this {
    return this.#call("set_max_active_runs", { count });
  }

  /** Sets the retry policy of operators without their own. */
  setDefaultRetryPolicy(retryPolicy: RetryPolicyOptions): this {
    return this.#call("set_default_retry_policy", { policy: policy(retryPolicy) });
  }

  /**
   * The definition so far. The builder can be used further.
   *
   * @throws {ValidationError} `TARGET_UNKNOWN` if `onSuccess` or `onFailure` names an operator that does not exist.
   */
  build(): Workflow {
    const build = `{"new":${this.#new},"calls":[${this.#calls.join()}]}`;
    const { notes, text } = workflows.call((api) => api.builderBuild(build));
    return new Workflow(text, notes);
  }

  /** Adds an operator. `parts` are its callbacks, by parameter or by branch. */
  #add(method: string, own: Params, options: object, parts: Record<string, unknown> = {}): this {
    if (!isObject(options)) {
      throw errorOf("FIELD_TYPE_INVALID", `the options of \`${method}\` are not an object`, { path: "" });
    }
    const params = documentText(Object.assign(operatorOptions(options), own));
    const paramsWith = (callsOfPart: (part: unknown) => string): string => {
      const texts = Object.entries(parts).map(([name, part]) => partText(name, part, callsOfPart));
      return texts.length === 0 ? params : `${params.slice(0, -1)},${texts.join()}}`;
    };
    this.#check(
      method,
      paramsWith(() => ""),
    );
    // The names are valid, so the callbacks may run now.
    this.#calls.push(`["${method}",${paramsWith(callsOf)}]`);
    // As in Python, an empty id does not become the current task.
    this.#hasOperator = own["task_id"] !== "" || method === "parallel_with_join";
    return this;
  }

  #call(method: string, given: Params): this {
    const params = documentText(given);
    this.#check(method, params);
    this.#calls.push(`["${method}",${params}]`);
    return this;
  }

  #check(method: string, params: string): void {
    workflows.call((api) => api.builderCall(method, params, this.#hasOperator));
  }

  /** @internal The calls that a callback makes, as JSON texts separated by commas. */
  static callsOf(part: unknown): string {
    if (typeof part !== "function") {
      throw errorOf("FIELD_TYPE_INVALID", "a part of a workflow is a function that takes a builder");
    }
    const builder = new WorkflowBuilder("");
    depth++;
    let returned: unknown;
    try {
      if (depth > DEPTH) {
        throw errorOf(
          "FIELD_VALUE_INVALID",
          `parts of a workflow lie in each other more than ${DEPTH} levels deep`,
          {
            help: "make the inner part a workflow of its own, and run it with `childWorkflow`",
          },
        );
      }
      returned = part(builder);
    } finally {
      depth--;
    }
    if (returned === undefined || returned === null) return builder.#calls.join();
    if (returned instanceof WorkflowBuilder) return returned.#calls.join();
    throw errorOf("FIELD_TYPE_INVALID", "the function of a part returns its builder, or nothing", {
      help: "it cannot be an async function: define the operators before the first `await`",
    });
  }
}

/** The core refuses deeper nesting too. This limit prevents a stack overflow before. */
const DEPTH = 16;

/** Number of callbacks that are running, each inside the one before. */
let depth = 0;

type CallsOf = (part: unknown) => string;

const callsOf: CallsOf = (part) => WorkflowBuilder.callsOf(part);

/** A parameter as an entry of a JSON object. Its value is a callback or an object of callbacks. */
function partText(name: string, part: unknown, calls: CallsOf): string {
  if (name !== "branches") return `"${name}":{"$sub":[${calls(part)}]}`;
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    throw errorOf("FIELD_TYPE_INVALID", "the branches are not an object of functions", { path: "/branches" });
  }
  const branches = Object.entries(part).map(([branch, given]) => {
    const key = JSON.stringify(branch);
    if (typeof given === "function") return `${key}:{"$sub":[${calls(given)}]}`;
    const { condition, part: inside } = conditional(given);
    return `${key}:{"condition":${documentText(condition)},"$sub":[${calls(inside)}]}`;
  });
  return `"branches":{${branches.join()}}`;
}

/** A branch with a condition, given as `[condition, part]` or `{condition, part}`. */
function conditional(given: unknown): { condition?: unknown; part?: unknown } {
  if (Array.isArray(given)) return { condition: given[0] as unknown, part: given[1] as unknown };
  return typeof given === "object" && given !== null ? given : {};
}
