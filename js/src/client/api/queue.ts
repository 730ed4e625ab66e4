/** The queue engine below: its runs, its tasks, and the activities of workers. */

import type { CallOptions } from "../options.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { Activity, ApiObject, Checkpoint, EngineRun, QueueTask } from "./types.js";

/** `client.runs`: attempts at workflows, by the ids of the queue engine. */
export class Runs extends Resource {
  /** Runs that are not over. Permission: `view_workflows`. */
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

  /** One of them. Permission: `view_workflow_status`. @throws {ApiError} `API_NOT_FOUND`. */
  get(runId: string, options?: CallOptions): Promise<EngineRun> {
    return this.read("runs/{runId}", { runId }, options);
  }

  /** Its checkpoints. Permission: `view_workflows`. */
  checkpoints(runId: string, options: CallOptions = {}): Promise<Checkpoint[]> {
    return this.readAll("runs/{runId}/checkpoints", { runId }, options, [], ["checkpoints"]);
  }
}

/** `client.tasks`: what is in the queues. Permission of all: `view_workflows`. */
export class Tasks extends Resource {
  /** Tasks, by state and queue. */
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

  /** One task, with its attempts. @throws {ApiError} `API_NOT_FOUND`. */
  get(taskId: string, options?: CallOptions): Promise<QueueTask> {
    return this.read("tasks/{taskId}", { taskId }, options);
  }
}

/** `client.activities`: work outside of the workflow's own process. */
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

  /** Activities of a run, in the order they were made. */
  ofRun(runId: string, options: CallOptions & { includeCompleted?: boolean } = {}): Promise<Activity[]> {
    return this.readAll(
      "workflows/{runId}/activities",
      { runId },
      options,
      ["includeCompleted"],
      ["activities"],
    );
  }

  /** Activities that run without a sign of life for `threshold` seconds; 60 by default. */
  stale(options: CallOptions & { threshold?: number } = {}): Promise<Activity[]> {
    return this.readAll("activities/stale", {}, options, ["threshold"], ["activities", "stale_activities"]);
  }

  /** Workers and queues at a glance. */
  status(options: CallOptions & { staleThreshold?: number } = {}): Promise<ApiObject> {
    return this.read("activities/status", {}, options, ["staleThreshold"]);
  }

  /** One activity, with its signs of life. @throws {ApiError} `API_NOT_FOUND`. */
  get(
    activityId: string,
    options: CallOptions & { includeHeartbeats?: boolean; heartbeatLimit?: number } = {},
  ): Promise<Activity> {
    const names = ["includeHeartbeats", "heartbeatLimit"];
    return this.read("activities/{activityId}", { activityId }, options, names);
  }

  /** The signs of life of an activity. `limit`: 100 by default, at most 500. */
  heartbeats(activityId: string, options: CallOptions & { limit?: number } = {}): Promise<ApiObject[]> {
    return this.readAll(
      "activities/{activityId}/heartbeats",
      { activityId },
      options,
      ["limit"],
      ["heartbeats"],
    );
  }

  /** Forgets signs of life older than `retentionHours`; 24 by default. */
  cleanupHeartbeats(options: CallOptions & { retentionHours?: number } = {}): Promise<ApiObject> {
    return this.write("POST", "activities/cleanup-heartbeats", {}, options, { names: ["retentionHours"] });
  }
}
