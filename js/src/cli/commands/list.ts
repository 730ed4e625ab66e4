/** `highway-wasm list` */

import type { RunState, RunStatus } from "../../run.js";
import { wholeNumber } from "../arguments.js";
import { type Command, JSON_OPTION, SERVER_OPTIONS, textOf } from "../command.js";
import { FINE, UsageError } from "../exit-codes.js";
import { didYouMean } from "../nearest.js";
import { type Output, oneLine } from "../output.js";
import { plainStatus } from "../plain-run.js";
import { looksOf, RUN_STATES } from "../states.js";
import { highwayOf } from "../target.js";

/** Runs that are shown when nobody says otherwise. */
const LIMIT = 20;
/** The most that servers give at once. */
const LARGEST_PAGE = 100;

export const list: Command = {
  name: "list",
  summary: "list runs, newest first",
  args: [],
  options: {
    status: { short: "s", value: "STATUS", help: `only runs that are ${RUN_STATES.join(", ")}` },
    limit: { short: "n", value: "N", help: `as many as this, at most; ${LIMIT} by default` },
    ...JSON_OPTION,
    ...SERVER_OPTIONS,
  },
  async run({ given, output, signal }) {
    const status = stateOf(textOf(given, "status"));
    const limit = wholeNumber(textOf(given, "limit") ?? String(LIMIT), "limit", 1);
    const pageSize = Math.min(limit, LARGEST_PAGE);
    const runs = await highwayOf(given).workflows.list({ status, pageSize, signal }).toArray({ limit });
    if (output.isJson) output.json({ runs: runs.map(plainStatus) });
    else show(runs, output);
    return FINE;
  },
};

function stateOf(text: string | undefined): RunState | undefined {
  const state = RUN_STATES.find((known) => known === text);
  if (text === undefined || state !== undefined) return state;
  throw new UsageError(
    `no run has the status \`${text}\``,
    didYouMean(text, RUN_STATES) ?? `there are ${RUN_STATES.map((known) => `\`${known}\``).join(", ")}`,
  );
}

function show(runs: readonly RunStatus[], output: Output): void {
  if (runs.length === 0) {
    output.note("no runs");
    return;
  }
  const rows = runs.map(({ runId, state, workflowName, createdAt }) => ({
    id: oneLine(runId),
    state,
    when: createdAt?.toISOString().replace(/\.\d+Z$/, "Z") ?? "",
    name: oneLine(workflowName ?? ""),
  }));
  const width = (of: "id" | "state" | "when"): number => Math.max(...rows.map((row) => row[of].length));
  const [ids, states, times] = [width("id"), width("state"), width("when")];
  for (const { id, state, when, name } of rows) {
    const word = output.paint(looksOf(state)[1], state.padEnd(states), "stdout");
    output.result(`${id.padEnd(ids)}  ${word}  ${when.padEnd(times)}  ${name}`.trimEnd());
  }
}
