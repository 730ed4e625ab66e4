/** `highway-wasm approvals`, `approve` and `reject` */

import type { Approval } from "../../client/api/types.js";
import { type HighwayError, isHighwayError, makeError } from "../../shared/errors.js";
import type { Highway } from "../../client/highway.js";
import { type Command, SERVER_OPTIONS, textOf, type Work } from "../command.js";
import { FINE, UsageError } from "../exit-codes.js";
import { oneLine } from "../output.js";
import { runIdOf } from "../run-id.js";
import { showTable } from "../table.js";
import { highwayOf } from "../target.js";

export const approvals: Command = {
  name: "approvals",
  summary: "list tasks that wait for a person",
  args: [],
  options: {
    run: { value: "RUN", help: "only approvals of this run" },
    ...SERVER_OPTIONS,
  },
  notes: "Each row has the key for `approve` and `reject`, and the title.",
  examples: [["approvals", "everything that waits for a decision"]],
  async run({ given, output, signal }) {
    const highway = await highwayOf(given);
    const run = textOf(given, "run");
    const workflowRunId = run === undefined ? undefined : await runIdOf(highway, run, signal);
    const found = await pending(highway, signal, workflowRunId);
    // A run without approvals looks like an unknown run. The server says which it is.
    if (workflowRunId !== undefined && found.length === 0)
      await highway.workflows.get(workflowRunId, { signal });
    if (output.isJson) output.json({ approvals: found });
    else if (found.length === 0) output.note("no approvals are pending");
    else
      showTable(
        found.map(({ approval_key: key, title }) => [key, String(title ?? "")]),
        output,
      );
    return FINE;
  },
};

export const approve = decision("approve", "approved", "approve a request: the task that asked completes");
export const reject = decision(
  "reject",
  "rejected",
  "reject a request: the task that asked completes with `approved: false`",
  "\n\nA rejection is a result, not a failure: tasks that depend on it run, unless a condition reads `approved`.",
);

function decision(name: "approve" | "reject", done: string, summary: string, note = ""): Command {
  return {
    name,
    summary,
    args: [{ name: "KEY" }],
    options: {
      comment: { value: "TEXT", mayBeEmpty: true, help: "shown with the decision" },
      ...SERVER_OPTIONS,
    },
    notes: `KEY is the key of an approval, as \`approvals\` shows it, or its first characters. If
a run has one approval, its id will do.${note}`,
    examples: [[`${name} 3f2a --comment "looked at it"`, "the approval whose key begins with 3f2a"]],
    async run({ args, given, output, signal }: Work) {
      const highway = await highwayOf(given);
      const key = await keyOf(highway, args[0] as string, signal);
      const comment = textOf(given, "comment");
      const answer = await highway.approvals[name](key, {
        ...(comment !== undefined && { comment }),
        signal,
      }).catch((error: unknown) => {
        throw isHighwayError(error, "API_NOT_FOUND") ? undecidable(key, error) : error;
      });
      if (output.isJson) output.json({ approvalKey: key, status: answer?.status ?? done });
      else output.note(`\`${oneLine(key)}\` is ${done}`);
      return FINE;
    },
  };
}

/** The error for an approval that is not pending. A server may not say whether it was decided. */
const undecidable = (key: string, cause: HighwayError): HighwayError =>
  makeError(cause.name, {
    code: cause.code,
    message: `no task waits for the approval \`${key}\``,
    help: "it may be decided already, or its run may have ended: `highway-wasm approvals` lists those that wait",
    details: cause.details,
    cause,
  });

const pending = (highway: Highway, signal: AbortSignal, workflowRunId?: string): Promise<Approval[]> =>
  highway.approvals.list({
    status: "pending",
    ...(workflowRunId !== undefined && { workflowRunId }),
    signal,
  });

/**
 * The key that begins with a text, or that of the only approval of a run whose id does. Other text is used as a key.
 */
async function keyOf(highway: Highway, text: string, signal: AbortSignal): Promise<string> {
  const found: string[] = [];
  for (const { approval_key: key, workflow_run_id: runId } of await pending(highway, signal)) {
    if (key === text) return key;
    if (key.startsWith(text) || runId?.startsWith(text)) found.push(key);
  }
  if (found.length <= 1) return found[0] ?? text;
  const keys = found.slice(0, 8).map((key) => `\`${oneLine(key)}\``);
  throw new UsageError(
    `\`${text}\` stands for ${found.length} approvals`,
    `name one of them: ${keys.join("; ")}`,
  );
}
