/** `WorkflowBuilder` of Highway's DSL, method for method. */

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
import { buildWorkflow, Workflow } from "./workflow.js";

/** Defines a part of a workflow on a builder of its own; what it returns is not needed. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback may end without a value, and may end with a chain
export type Part = (builder: WorkflowBuilder) => WorkflowBuilder | void;

/** Settings of a builder. */
export interface WorkflowBuilderOptions {
  /** Version text of the definition; `"2.0.0"` by default. */
  version?: string | undefined;
  /** Time limit of a run in whole seconds. */
  deadlineSeconds?: number | undefined;
  /** What happens when it passes; `"fail"` by default. */
  deadlineAction?: "fail" | "cancel" | undefined;
  /** Goes on from a definition that exists; name and the other settings are its own then. */
  existingWorkflow?: Workflow | undefined;
}

type Params = Record<string, unknown>;

/**
 * Builds a workflow definition operator by operator. Each operator follows the one before, unless it is given
 * `dependencies` of its own or is the callback of another.
 *
 * Whatever Highway's own builder writes is written here too, byte for byte; where that can hardly be meant, a misspelt option
 * for example, `workflow.validate()` says so.
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
  /** JSON text of what the builder was made with, and of each call. */
  readonly #new: string;
  readonly #calls: string[] = [];
  /** Modifiers before the first operator are refused or ignored. */
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

  /** Adds a call of a tool. Options that are none of its own become named arguments of the tool. */
  task(taskId: string, functionName: string, options: ToolTaskOptions = {}): this {
    return this.#add("task", { task_id: taskId, function: functionName }, options);
  }

  /** Adds a call of a tool that takes long and runs outside the workflow's transaction. */
  activity(taskId: string, functionName: string, options: ToolTaskOptions = {}): this {
    return this.#add("activity", { task_id: taskId, function: functionName }, options);
  }

  /** Adds a loop that generates, verifies, and corrects. */
  reflexive(
    taskId: string,
    generator: string,
    verifier: string,
    options: TaskOperatorOptions & {
      generatorKwargs?: Record<string, unknown> | undefined;
      verifierKwargs?: Record<string, unknown> | undefined;
      /** 1 to 10; 3 by default. */
      maxTurns?: number | undefined;
      correctionPromptTemplate?: string | undefined;
    } = {},
  ): this {
    return this.#add("reflexive", { task_id: taskId, generator, verifier }, options);
  }

  /** Adds runs of other workflows, side by side: `{name: {workflow_name, inputs}}`. */
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

  /** Adds a choice between two ways. Everything in either way depends on it. */
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

  /** Adds a durable sleep: a length of time, a moment, or text that only the server knows. */
  wait(taskId: string, waitFor: DurationInput | Date, options: OperatorOptions = {}): this {
    return this.#add("wait", { task_id: taskId, wait_for: waitFor }, options);
  }

  /** Adds a fork: its branches run side by side, and the workflow goes on at once. */
  parallel(
    taskId: string,
    branches: Record<string, Part>,
    options: OperatorOptions & { timeout?: number | undefined } = {},
  ): this {
    return this.#add("parallel", { task_id: taskId }, options, { branches });
  }

  /** Adds a fork and a task, `<taskId>_join`, that waits for its branches; what follows depends on that. */
  parallelWithJoin(
    taskId: string,
    branches: Record<string, Part>,
    options: OperatorOptions & {
      /** Of the wait; 300 by default. */
      timeoutSeconds?: number | undefined;
      /** Name of the results of the branches; `<taskId>_results` by default. */
      joinResultKey?: string | undefined;
    } = {},
  ): this {
    return this.#add("parallel_with_join", { task_id: taskId }, options, { branches });
  }

  /** Adds a loop over a list, whose items are `{{item}}` inside. */
  foreach(
    taskId: string,
    items: string,
    loopBody: Part,
    options: OperatorOptions & {
      /** Runs the items side by side. */
      parallel?: boolean | undefined;
      /** Takes further items while it runs. */
      dynamic?: boolean | undefined;
    } = {},
  ): this {
    return this.#add("foreach", { task_id: taskId, items }, options, { loop_body: loopBody });
  }

  /** Adds a loop that runs as long as a condition holds. */
  whileLoop(taskId: string, condition: string, loopBody: Part, options: OperatorOptions = {}): this {
    return this.#add("while_loop", { task_id: taskId, condition }, options, { loop_body: loopBody });
  }

  /** Emits an event. */
  emitEvent(
    taskId: string,
    eventName: string,
    options: OperatorOptions & { payload?: Record<string, unknown> | undefined } = {},
  ): this {
    return this.#add("emit_event", { task_id: taskId, event_name: eventName }, options);
  }

  /** Waits for an event, without end where no time is given. */
  waitForEvent(
    taskId: string,
    eventName: string,
    options: OperatorOptions & { timeoutSeconds?: number | undefined } = {},
  ): this {
    return this.#add("wait_for_event", { task_id: taskId, event_name: eventName }, options);
  }

  /** Waits for several tasks. */
  join(
    taskId: string,
    joinTasks: readonly string[],
    joinMode: JoinMode,
    options: OperatorOptions = {},
  ): this {
    return this.#add("join", { task_id: taskId, join_tasks: joinTasks, join_mode: joinMode }, options);
  }

  /** Adds a choice between several ways by a value: `cases` maps values to task ids. */
  switch(
    taskId: string,
    switchOn: string,
    cases: Record<string, string>,
    options: OperatorOptions & { default?: string | undefined } = {},
  ): this {
    return this.#add("switch", { task_id: taskId, switch_on: switchOn, cases }, options);
  }

  /** Adds a fork whose branches run where their conditions hold. */
  multiChoice(
    taskId: string,
    branches: Record<string, { condition: string; part: Part } | readonly [condition: string, part: Part]>,
    options: OperatorOptions & {
      /** Branches that must be taken, at least; 1 by default. */
      minimumBranches?: number | undefined;
      timeout?: number | undefined;
    } = {},
  ): this {
    return this.#add("multi_choice", { task_id: taskId }, options, { branches });
  }

  /** Ends the workflow. */
  terminate(
    taskId: string,
    options: OperatorOptions & {
      /** `"completed"` by default. */
      status?: "completed" | "failed" | "cancelled" | undefined;
      result?: Record<string, unknown> | undefined;
      reason?: string | undefined;
    } = {},
  ): this {
    return this.#add("terminate", { task_id: taskId }, options);
  }

  /** Sets the retry policy of the task before; has no effect on other operators. */
  retry(options: RetryPolicyOptions = {}): this {
    checkOptions(options, ["maxRetries", "delay", "backoffFactor"], "retry");
    return this.#call("retry", policy(options) as Params);
  }

  /** Sets the time limit of one attempt of the task before; has no effect on other operators. */
  timeout(timeout: DurationInput, options: { killOnTimeout?: boolean | undefined } = {}): this {
    checkOptions(options, ["killOnTimeout"], "timeout");
    return this.#call("timeout", { timeout, kill_on_timeout: options.killOnTimeout });
  }

  /** Names the operator that runs when the one before completed. Define it afterwards. */
  onSuccess(taskId: string): this {
    return this.#call("on_success", { success_task_id: taskId });
  }

  /** Names the operator that runs when the one before failed. Define it afterwards. */
  onFailure(taskId: string): this {
    return this.#call("on_failure", { failure_task_id: taskId });
  }

  /** What must hold before the operator before starts. @throws {ValidationError} `NO_CURRENT_TASK`. */
  precondition(variable: string, check: GuardCheck, value?: unknown, message?: string): this {
    return this.#call("precondition", { variable, check, value, message });
  }

  /** What must hold of the result of the operator before. @throws {ValidationError} `NO_CURRENT_TASK`. */
  postcondition(variable: string, check: GuardCheck, value?: unknown, message?: string): this {
    return this.#call("postcondition", { variable, check, value, message });
  }

  /** Says what the workflow is for. */
  setDescription(description: string): this {
    return this.#call("set_description", { description });
  }

  /** Sets the version text. */
  setVersion(version: string): this {
    return this.#call("set_version", { version });
  }

  /** Sets the schedule: cron text. */
  setSchedule(cron: string): this {
    return this.#call("set_schedule", { cron });
  }

  /** Sets the moment from which the schedule holds. */
  setStartDate(startDate: Date | string): this {
    return this.#call("set_start_date", { start_date: startDate });
  }

  /** Sets whether starts that were missed are made up for. */
  setCatchup(enabled: boolean): this {
    return this.#call("set_catchup", { enabled });
  }

  /** Sets whether the schedule rests. */
  setPaused(paused: boolean): this {
    return this.#call("set_paused", { paused });
  }

  /** Adds words to find the workflow by. */
  addTags(...tags: string[]): this {
    return this.#call("add_tags", { tags });
  }

  /** Sets how many runs may be active at once. */
  setMaxActiveRuns(count: number): this {
    return this.#call("set_max_active_runs", { count });
  }

  /** Sets the retry policy of operators that have none. */
  setDefaultRetryPolicy(retryPolicy: RetryPolicyOptions): this {
    return this.#call("set_default_retry_policy", { policy: policy(retryPolicy) });
  }

  /**
   * The definition as it stands; the builder can go on.
   *
   * @throws {ValidationError} `TARGET_UNKNOWN` where a callback names no operator of the workflow.
   */
  build(): Workflow {
    const [notes, text] = buildWorkflow(`{"new":${this.#new},"calls":[${this.#calls.join()}]}`);
    return new Workflow(text, notes);
  }

  /** Adds an operator; `parts` are callbacks, by parameter or by branch. */
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
    // The names were checked; now the parts may say what they have.
    this.#calls.push(`["${method}",${paramsWith(callsOf)}]`);
    // In Python an id without a character is no current task.
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

  /** @internal JSON texts of the calls that a part makes, by comma. */
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

/** The core refuses deeper nesting as well; here it is refused before the stack ends. */
const DEPTH = 16;

/** Parts being defined, each inside the one before. */
let depth = 0;

type CallsOf = (part: unknown) => string;

const callsOf: CallsOf = (part) => WorkflowBuilder.callsOf(part);

/** A parameter whose value is a callback, or an object of such, as an entry of JSON text. */
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

/** A branch with a condition: `[condition, part]` or `{condition, part}`. */
function conditional(given: unknown): { condition?: unknown; part?: unknown } {
  if (Array.isArray(given)) return { condition: given[0] as unknown, part: given[1] as unknown };
  return typeof given === "object" && given !== null ? given : {};
}
