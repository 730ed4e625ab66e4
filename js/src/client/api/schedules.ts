/** Schedules: workflows that start regularly. */

import type { CallOptions } from "../options.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { plain } from "../../shared/plain.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { ApiObject, Schedule, ScheduleExecution, ScheduleJob } from "./types.js";

/** The workflow that a schedule starts; exactly one of these. */
export interface ScheduleTarget {
  definitionId?: string | undefined;
  definitionHash?: string | undefined;
  workflowName?: string | undefined;
  /** A `Workflow`, what `driver.build()` gives, or a definition as plain data. */
  workflow?: object | undefined;
}

/** A schedule to create. */
export interface CreateSchedule extends ScheduleTarget, CallOptions {
  /** Cron text of five fields. */
  cron: string;
  /** Run inputs of each run. */
  inputs?: Record<string, unknown> | undefined;
  /** Name of the time zone that the cron text is meant in; `UTC` by default. */
  timezone?: string | undefined;
  /** Keep to this version of the definition. */
  versionPin?: number | undefined;
}

const TARGETS = ["definitionId", "definitionHash", "workflowName", "workflow"] as const;

/** `client.schedules` */
export class Schedules extends Resource {
  /** All schedules. Permission: `view_workflows`. */
  list(options: CallOptions = {}): Promise<Schedule[]> {
    return this.readAll("schedules", {}, options, [], ["schedules"]);
  }

  /** Creates a schedule. Permission: `submit_workflows`. Not repeated after a failure. */
  async create(options: CreateSchedule): Promise<Schedule> {
    checkOptions(
      options,
      [...TARGETS, "cron", "inputs", "timezone", "versionPin", "signal", "timeout"],
      "create",
    );
    const { definitionId, definitionHash, workflowName, workflow, cron, inputs, timezone, versionPin } =
      options;
    if (TARGETS.filter((name) => options[name] !== undefined).length !== 1) {
      throw invalid(`give exactly one of ${TARGETS.map((name) => `\`${name}\``).join(", ")}`, "");
    }
    if (typeof cron !== "string") throw invalid("`cron` is not text", "/cron");
    const body = {
      definition_id: definitionId,
      definition_hash: definitionHash,
      workflow_name: workflowName,
      workflow_definition: workflow && plain(workflow, "/workflow"),
      schedule_cron: cron,
      version_pin: versionPin,
      inputs: inputs && plain(inputs, "/inputs"),
      timezone,
    };
    const { signal, timeout } = options;
    return await this.write("POST", "schedules", {}, { signal, timeout }, { body });
  }

  /** One schedule. Permission: `view_workflows`. @throws {ApiError} `API_NOT_FOUND`. */
  get(scheduleId: string, options?: CallOptions): Promise<Schedule> {
    return this.read("schedules/{scheduleId}", { scheduleId }, options);
  }

  /** Stops starting runs until it is resumed. Permission: `manage_workflows`. May be done again. */
  pause(scheduleId: string, options?: CallOptions): Promise<ApiObject> {
    return this.#activate(scheduleId, false, options);
  }

  /** Starts runs again. Permission: `manage_workflows`. May be done again. */
  resume(scheduleId: string, options?: CallOptions): Promise<ApiObject> {
    return this.#activate(scheduleId, true, options);
  }

  /** Ends a schedule for good. Permission: `manage_workflows`. */
  delete(scheduleId: string, options?: CallOptions): Promise<ApiObject> {
    return this.write("DELETE", "schedules/{scheduleId}", { scheduleId }, options);
  }

  /** The runs that a schedule started. Permission: `view_workflows`. */
  history(scheduleId: string, options: ListOptions = {}): List<ScheduleExecution> {
    return this.readPages(options, {
      path: "schedules/{scheduleId}/history",
      params: { scheduleId },
      items: ["executions"],
      ids: ["workflow_run_id", "run_id"],
      style: ["offset", "limit", 50],
      each: (run) =>
        run?.status === "failed" && run.error_code === "RUN_TIMED_OUT"
          ? { ...run, status: "timed_out" }
          : run,
    });
  }

  /** Schedules by the names of their jobs, as workflows make them with `tools.cron.durable_cron`. */
  jobs(options: CallOptions = {}): Promise<ScheduleJob[]> {
    return this.readAll("workflows/schedules", {}, options, [], ["schedules", "jobs"]);
  }

  /** Ends a schedule by the name of its job. */
  cancelJob(jobName: string, options?: CallOptions): Promise<ApiObject> {
    return this.write("POST", "workflows/schedules/{jobName}/cancel", { jobName }, options, { body: {} });
  }

  /** Setting what is set already changes nothing, so it may be repeated. */
  #activate(scheduleId: string, isActive: boolean, options?: CallOptions): Promise<ApiObject> {
    const what = { body: { is_active: isActive }, repeatable: true };
    return this.write("PATCH", "schedules/{scheduleId}", { scheduleId }, options, what);
  }
}
