/** Finds runs by the beginning of their ids. */

import type { Highway } from "../client/highway.js";
import type { RunStatus } from "../client/run.js";
import { UsageError } from "./exit-codes.js";
import { oneLine } from "./output.js";

/** Number of runs to look through, the newest ones. */
const MOST_RUNS = 1000;
/** The largest page that servers send. */
const PAGE = 100;
/** Number of candidates to show. */
const MOST_CANDIDATES = 8;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * The id of the run whose id begins with the text. Letter case and surrounding blanks do not count. If no run matches,
 * returns the text itself, so that the server reports the error.
 */
export async function runIdOf(highway: Highway, given: string, signal: AbortSignal): Promise<string> {
  const text = given.trim();
  if (text === "") throw new UsageError("the id of the run is empty", "`highway-wasm list` shows the runs");
  if (UUID.test(text)) return text;
  const start = text.toLowerCase();
  const found: RunStatus[] = [];
  let count = 0;
  for await (const run of highway.workflows.list({ pageSize: PAGE, signal })) {
    if (run.runId === text) return text;
    if (run.runId.toLowerCase().startsWith(start)) found.push(run);
    count += 1;
    if (count >= MOST_RUNS) break;
  }
  const [only] = found;
  if (only === undefined) return text;
  if (found.length === 1) return only.runId;
  throw ambiguous(text, found);
}

function ambiguous(text: string, found: readonly RunStatus[]): UsageError {
  const lines = found.slice(0, MOST_CANDIDATES).map(({ runId, state, workflowName }) => {
    return `\`${oneLine(runId)}\` (${[workflowName, state]
      .filter(Boolean)
      .map((it) => oneLine(String(it)))
      .join(", ")})`;
  });
  const further = found.length - lines.length;
  if (further > 0) lines.push(`${further} more`);
  return new UsageError(
    `${found.length} runs have ids that begin with \`${text}\``,
    `name one of them: ${lines.join("; ")}`,
  );
}
