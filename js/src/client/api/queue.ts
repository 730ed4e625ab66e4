/** The queue engine below the workflows: its runs, its tasks, and the activities of workers. */

import type { CallOptions } from "../options.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { Activity, ApiObject, Checkpoint, EngineRun, QueueTask } from "./types.js";

/** Runs of the queue engine (attempts at workflows), as `highway.runs`. Their ids are not the ids of workflow runs. */
export class Runs extends Resource {
  /** Runs that have not ended. Permission: `view_workflows`. */
  list(options: ListOptions & { state?: "pending" | "running" | "sleeping" } = {}): List<EngineRun> {
    const style = ["page", "page_size", 20] as const;
    return this.readPages(options, {
      path: "runs",
      names: ["state"],
      items: ["runs"],
      ids: ["run_id"],
      style,
    });
  }

  /**
   * One run of the queue engine. Permission: `view_workflow_status`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(runId: string, options?: CallOptions): Promise<EngineRun> {
    return this.read("runs/{runId}", { runId }, options);
  }

  /** The checkpoints of a run. Permission: `view_workflows`. */
  checkpoints(runId: string, options: CallOptions = {}): Promise<Checkpoint[]> {
    return this.readAll("runs/{runId}/checkpoints", { runId }, options, [], ["checkpoints"]);
  }
}

/** The tasks in the queues, as `highway.tasks`. Permission for every method: `view_workflows`. */
export class Tasks extends Resource {
  /** All tasks, or those of one state or queue. */
  list(
    options: ListOptions & {
      state?: "pending" | "running" | "sleeping" | "completed" | "failed" | "cancelled";
      /** `highway_default`, `highway_internal` or `highway_activity`. */
      queue?: string;
    } = {},
  ): List<QueueTask> {
    const style = ["page", "page_size", 50] as const;
    return this.readPages(options, {
      path: "tasks",
      names: ["state", "queue"],
      items: ["tasks"],
      ids: ["task_id"],
      style,
    });
  }

  /** Counts by state and queue. */
  summary(options?: CallOptions): Promise<ApiObject> {
    return this.read("tasks/summary", {}, options);
  }

  /**
   * One task with its attempts.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(taskId: string, options?: CallOptions): Promise<QueueTask> {
    return this.read("tasks/{taskId}", { taskId }, options);
  }
}

/** Activities, as `highway.activities`: work that a worker does outside the workflow's own process. */
export class Activities extends Resource {
  /** Activities, newest first. `functionName` may be a part of the name. */
  list(
    options: ListOptions & {
      status?: "pending" | "running" | "completed" | "failed" | "cancelled";
      workerId?: string;
      functionName?: string;
      workflowRunId?: string;
    } = {},
  ): List<Activity> {
    return this.readPages(options, {
      path: "activities",
      names: ["status", "workerId", "functionName", "workflowRunId"],
      items: ["activities"],
      ids: ["activity_id"],
      style: ["offset", "limit", 100],
    });
  }

  /** Activities of a run, oldest first. */
  ofRun(runId: string, options: CallOptions & { includeCompleted?: boolean } = {}): Promise<Activity[]> {
    return this.readAll(
      "workflows/{runId}/activities",
      { runId },
      options,
      ["includeCompleted"],
      ["activities"],
    );
  }

  /** Running activities without a heartbeat for `threshold` seconds; default: 60. */
  stale(options: CallOptions & { threshold?: number } = {}): Promise<Activity[]> {
    return this.readAll("activities/stale", {}, options, ["threshold"], ["activities", "stale_activities"]);
  }

  /** A summary of workers and queues. */
  status(options: CallOptions & { staleThreshold?: number } = {}): Promise<ApiObject> {
    return this.read("activities/status", {}, options, ["staleThreshold"]);
  }

  /**
   * One activity with its heartbeats.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(
    activityId: string,
    options: CallOptions & { includeHeartbeats?: boolean; heartbeatLimit?: number } = {},
  ): Promise<Activity> {
    const names = ["includeHeartbeats", "heartbeatLimit"];
    return this.read("activities/{activityId}", { activityId }, options, names);
  }

  /** The heartbeats of an activity, at most `limit`; default: 100, at most 500. */
  heartbeats(activityId: string, options: CallOptions & { limit?: number } = {}): Promise<ApiObject[]> {
    return this.readAll(
      "activities/{activityId}/heartbeats",
      { activityId },
      options,
      ["limit"],
      ["heartbeats"],
    );
  }

  /** Deletes heartbeats older than `retentionHours` hours; default: 24. */
  cleanupHeartbeats(options: CallOptions & { retentionHours?: number } = {}): Promise<ApiObject> {
    return this.write("POST", "activities/cleanup-heartbeats", {}, options, { names: ["retentionHours"] });
  }
}
