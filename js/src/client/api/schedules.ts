/** Schedules, which start workflows at regular times. */

import type { CallOptions } from "../options.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { plain } from "../../shared/plain.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { ApiObject, Schedule, ScheduleExecution, ScheduleJob } from "./types.js";

/** The workflow that a schedule starts: exactly one of these fields. */
export interface ScheduleTarget {
  /** Id of a definition that the server keeps. */
  definitionId?: string | undefined;
  /** SHA-256 of such a definition, as hex. */
  definitionHash?: string | undefined;
  /** Name of such a definition. */
  workflowName?: string | undefined;
  /** A `Workflow`, the definition of `driver.build()`, or a definition as plain data. */
  workflow?: object | undefined;
}

/** A schedule to create. */
export interface CreateSchedule extends ScheduleTarget, CallOptions {
  /** Cron expression with five fields. */
  cron: string;
  /** Inputs of each run. */
  inputs?: Record<string, unknown> | undefined;
  /** Time zone of the cron expression, such as `Europe/Berlin`; default: `UTC`. */
  timezone?: string | undefined;
  /** Version number of the definition that every run uses. */
  versionPin?: number | undefined;
}

const TARGETS = ["definitionId", "definitionHash", "workflowName", "workflow"] as const;

/** The schedules of the server, as `highway.schedules`. */
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

  /**
   * One schedule. Permission: `view_workflows`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(scheduleId: string, options?: CallOptions): Promise<Schedule> {
    return this.read("schedules/{scheduleId}", { scheduleId }, options);
  }

  /** Pauses a schedule: it starts no runs until it is resumed. Safe to repeat. Permission: `manage_workflows`. */
  pause(scheduleId: string, options?: CallOptions): Promise<ApiObject> {
    return this.#activate(scheduleId, false, options);
  }

  /** Resumes a paused schedule. Safe to repeat. Permission: `manage_workflows`. */
  resume(scheduleId: string, options?: CallOptions): Promise<ApiObject> {
    return this.#activate(scheduleId, true, options);
  }

  /** Deletes a schedule. Permission: `manage_workflows`. */
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

  /** The schedules that workflows created with `tools.cron.durable_cron`. */
  jobs(options: CallOptions = {}): Promise<ScheduleJob[]> {
    return this.readAll("workflows/schedules", {}, options, [], ["schedules", "jobs"]);
  }

  /** Ends such a schedule, by the name of its job. */
  cancelJob(jobName: string, options?: CallOptions): Promise<ApiObject> {
    return this.write("POST", "workflows/schedules/{jobName}/cancel", { jobName }, options, { body: {} });
  }

  /** Repeating this request changes nothing, so it is safe to send again. */
  #activate(scheduleId: string, isActive: boolean, options?: CallOptions): Promise<ApiObject> {
    const what = { body: { is_active: isActive }, repeatable: true };
    return this.write("PATCH", "schedules/{scheduleId}", { scheduleId }, options, what);
  }
}
