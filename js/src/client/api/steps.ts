/** Steps and logs of runs. */

import type { CallOptions } from "../options.js";
import type { LogEntry } from "../run.js";
import { RunHandle } from "../run-handle.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { Activity, ApiObject, Checkpoint, Step, TaskLog, WorkflowLog } from "./types.js";

/** The steps of runs, as `highway.steps`. */
export class Steps extends Resource {
  /**
   * The steps of a run.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown run.
   */
  list(
    runId: string,
    options: CallOptions & { status?: "succeeded" | "failed" | "sleeping" } = {},
  ): Promise<Step[]> {
    return this.readAll("workflows/{runId}/steps", { runId }, options, ["status"], ["steps"], 0);
  }

  /**
   * One step with its events.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown run or step.
   */
  get(runId: string, stepName: string, options?: CallOptions): Promise<Step> {
    return this.read("workflows/{runId}/steps/{stepName}", { runId, stepName }, options);
  }

  /** The checkpoints of a step. Permission: `view_workflows`. */
  checkpoints(runId: string, stepName: string, options: CallOptions = {}): Promise<Checkpoint[]> {
    const path = "workflows/{runId}/steps/{stepName}/checkpoints";
    return this.readAll(path, { runId, stepName }, options, [], ["checkpoints"]);
  }

  /** The log entries of all steps of a run, oldest first. */
  async logs(runId: string, options: CallOptions = {}): Promise<LogEntry[]> {
    return await new RunHandle(this.client, runId).logs(options);
  }

  /** The log of one step, in the server's own shape. */
  log(runId: string, stepName: string, options?: CallOptions): Promise<unknown> {
    const path = "workflows/{runId}/steps/{stepName}/logs";
    return this.read(path, { runId, stepName }, options, [], { expects: "text" });
  }
}

/** The logs of runs, tasks and activities, as `highway.logs`. */
export class Logs extends Resource {
  /** Finished runs, by the time their log was stored. Durations are in milliseconds. */
  workflows(
    options: ListOptions & {
      workflowName?: string;
      status?: "success" | "failure";
      since?: Date | string;
      until?: Date | string;
    } = {},
  ): List<WorkflowLog> {
    return this.readPages(options, {
      path: "logs/workflows",
      names: ["workflowName", "status", "since", "until"],
      items: ["workflows", "logs"],
      ids: ["absurd_run_id", "workflow_run_id"],
      style: ["offset", "limit", 100],
      isMissingEmpty: true,
    });
  }

  /**
   * The log of one run.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown run.
   */
  workflow(runId: string, options?: CallOptions): Promise<WorkflowLog> {
    return this.read("logs/workflows/{runId}", { runId }, options);
  }

  /**
   * The output of a task: `output_stdout`, `output_stderr`, `output_return_code`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown run or task.
   */
  task(runId: string, taskId: string, options?: CallOptions): Promise<TaskLog> {
    return this.read("logs/workflows/{runId}/tasks/{taskId}", { runId, taskId }, options);
  }

  /** The activities of a run, with their log lines if `includeLogs` is true. */
  activities(runId: string, options: CallOptions & { includeLogs?: boolean } = {}): Promise<Activity[]> {
    return this.readAll(
      "logs/workflows/{runId}/activities",
      { runId },
      options,
      ["includeLogs"],
      ["activities"],
    );
  }

  /**
   * One activity of a run with its log lines.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown run or activity.
   */
  activity(runId: string, activityId: string, options?: CallOptions): Promise<Activity> {
    return this.read("logs/workflows/{runId}/activities/{activityId}", { runId, activityId }, options);
  }

  /** The latest activities of all runs, at most `limit`; default: 100, at most 500. */
  recentActivities(options: CallOptions & { limit?: number } = {}): Promise<Activity[]> {
    return this.readAll("logs/activities", {}, options, ["limit"], ["activities"]);
  }

  /**
   * Counts and durations, in milliseconds, of finished runs.
   *
   * @throws {ApiError} `API_NOT_FOUND` if there are none.
   */
  stats(
    options: CallOptions & { workflowName?: string; since?: Date | string; until?: Date | string } = {},
  ): Promise<ApiObject> {
    return this.read("logs/stats", {}, options, ["workflowName", "since", "until"]);
  }
}
