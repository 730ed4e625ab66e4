/** Communication with a run: signals, updates, approvals. */

import type { CallOptions } from "../options.js";
import { RunHandle, type UpdateOptions } from "../run-handle.js";
import { Resource } from "./resource.js";
import type { ApiObject, Approval } from "./types.js";

/** Signals to runs, as `highway.signals`. */
export class Signals extends Resource {
  /** Signals that a run has not received yet. */
  pending(runId: string, options: CallOptions = {}): Promise<ApiObject[]> {
    return this.readAll("workflows/{runId}/signals", { runId }, options, [], ["signals"]);
  }

  /** Sends a signal, as {@link RunHandle.signal} does. */
  async send(runId: string, name: string, payload?: unknown, options?: CallOptions): Promise<void> {
    await new RunHandle(this.client, runId).signal(name, payload, options);
  }
}

/** Updates of runs, as `highway.updates`. */
export class Updates extends Resource {
  /** Sends an update and waits for the workflow's answer, as {@link RunHandle.update} does. */
  async send<T = unknown>(
    runId: string,
    name: string,
    payload?: unknown,
    options?: UpdateOptions,
  ): Promise<T> {
    return await new RunHandle(this.client, runId).update<T>(name, payload, options);
  }

  /** Updates that a run has not answered yet. */
  pending(runId: string, options: CallOptions & { updateName?: string } = {}): Promise<ApiObject[]> {
    return this.readAll("workflows/{runId}/updates", { runId }, options, ["updateName"], ["updates"]);
  }

  /** All updates of a run, at most `limit`; default: 50. */
  history(
    runId: string,
    options: CallOptions & {
      limit?: number;
      status?: "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "TIMEOUT";
    } = {},
  ): Promise<ApiObject[]> {
    const names = ["limit", "status"];
    return this.readAll("workflows/{runId}/updates/history", { runId }, options, names, [
      "updates",
      "history",
    ]);
  }
}

/** Tasks that wait for the approval of a person, as `highway.approvals`. */
export class Approvals extends Resource {
  /** The approvals of all runs, or of one run. Permission: `view_approvals`. */
  list(
    options: CallOptions & { workflowRunId?: string; status?: "pending" | "approved" | "rejected" } = {},
  ): Promise<Approval[]> {
    return this.readAll("approvals", {}, options, ["workflowRunId", "status"], ["approvals"]);
  }

  /**
   * One approval. Permission: `view_approvals`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown key.
   */
  get(approvalKey: string, options?: CallOptions): Promise<Approval> {
    return this.read("approvals/{approvalKey}", { approvalKey }, options);
  }

  /** Approves a task, so that its run continues. Permission: `approve_workflows`. */
  approve(approvalKey: string, options: CallOptions & { comment?: string } = {}): Promise<Approval> {
    return this.#decide("approve", approvalKey, options);
  }

  /** Rejects a task. Permission: `approve_workflows`. */
  reject(approvalKey: string, options: CallOptions & { comment?: string } = {}): Promise<Approval> {
    return this.#decide("reject", approvalKey, options);
  }

  #decide(
    how: "approve" | "reject",
    approvalKey: string,
    options: CallOptions & { comment?: string },
  ): Promise<Approval> {
    return this.write("POST", `approvals/{approvalKey}/${how}`, { approvalKey }, options, {
      body: { comment: "" },
      names: ["comment"],
    });
  }
}
