/** `highway-wasm list` */

import type { RunState } from "../../client/run.js";
import { wholeNumber } from "../arguments.js";
import { type Command, SERVER_OPTIONS, textOf } from "../command.js";
import { FINE } from "../exit-codes.js";
import { plainStatus } from "../plain-run.js";
import { looksOf, RUN_STATES } from "../states.js";
import { shownMoment, showTable } from "../table.js";
import { highwayOf } from "../target.js";

/** Default number of runs to show. */
const LIMIT = 20;
/** The largest page that servers send. */
const LARGEST_PAGE = 100;

export const list: Command = {
  name: "list",
  summary: "list runs, newest first",
  args: [],
  options: {
    status: {
      short: "s",
      value: "STATUS",
      values: RUN_STATES,
      help: `only runs that are ${RUN_STATES.join(", ")}`,
    },
    limit: { short: "n", value: "N", help: `largest number of runs; ${LIMIT} by default` },
    ...SERVER_OPTIONS,
  },
  examples: [
    ["list --status failed", "runs that failed"],
    ["list -n 100 --json | jq -r '.runs[].runId'", "ids, for programs"],
  ],
  async run({ given, output, signal }) {
    const status = textOf(given, "status") as RunState | undefined;
    const limit = wholeNumber(textOf(given, "limit") ?? String(LIMIT), "limit", 1);
    const pageSize = Math.min(limit, LARGEST_PAGE);
    const runs = await (await highwayOf(given)).workflows
      .list({ status, pageSize, signal })
      .toArray({ limit });
    if (output.isJson) output.json({ runs: runs.map(plainStatus) });
    else if (runs.length === 0) output.note("no runs");
    else {
      const rows = runs.map(({ runId, state, workflowName, createdAt }) => {
        return [runId, [state, looksOf(state)[1]], shownMoment(createdAt), workflowName ?? ""] as const;
      });
      showTable(rows, output);
    }
    return FINE;
  },
};
