/** Talking to a run: signals, updates, approvals. */

import type { CallOptions } from "../options.js";
import { RunHandle, type UpdateOptions } from "../run-handle.js";
import { Resource } from "./resource.js";
import type { ApiObject, Approval } from "./types.js";

/** `client.signals` */
export class Signals extends Resource {
  /** Signals that a run has not taken yet. */
  pending(runId: string, options: CallOptions = {}): Promise<ApiObject[]> {
    return this.readAll("workflows/{runId}/signals", { runId }, options, [], ["signals"]);
  }

  /** Sends a signal, as {@link RunHandle.signal} does. */
  async send(runId: string, name: string, payload?: unknown, options?: CallOptions): Promise<void> {
    await new RunHandle(this.client, runId).signal(name, payload, options);
  }
}

/** `client.updates` */
export class Updates extends Resource {
  /** Sends an update and waits for what the workflow answers, as {@link RunHandle.update} does. */
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

  /** All updates of a run. `limit`: 50 by default. */
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

/** `client.approvals` */
export class Approvals extends Resource {
  /** Tasks that wait for a person, of all runs or of one. Permission: `view_approvals`. */
  list(
    options: CallOptions & { workflowRunId?: string; status?: "pending" | "approved" | "rejected" } = {},
  ): Promise<Approval[]> {
    return this.readAll("approvals", {}, options, ["workflowRunId", "status"], ["approvals"]);
  }

  /** One of them. Permission: `view_approvals`. @throws {ApiError} `API_NOT_FOUND`. */
  get(approvalKey: string, options?: CallOptions): Promise<Approval> {
    return this.read("approvals/{approvalKey}", { approvalKey }, options);
  }

  /** Lets the run go on. Permission: `approve_workflows`. */
  approve(approvalKey: string, options: CallOptions & { comment?: string } = {}): Promise<Approval> {
    return this.#decide("approve", approvalKey, options);
  }

  /** Tells the run no. Permission: `approve_workflows`. */
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
