/** `highway-wasm schedules` */

import type { Schedule } from "../../client/api/types.js";
import type { Highway } from "../../client/highway.js";
import { type Command, SERVER_OPTIONS, type Work } from "../command.js";
import { FINE, UsageError } from "../exit-codes.js";
import { oneLine } from "../output.js";
import { showTable } from "../table.js";
import { highwayOf } from "../target.js";

const ACTIONS = ["list", "show", "pause", "resume", "delete", "history"] as const;
type Action = (typeof ACTIONS)[number];

/** Number of runs of a schedule to show. */
const HISTORY = 20;

export const schedules: Command = {
  name: "schedules",
  summary: "list schedules, pause, resume or delete one, or show the runs it started",
  args: [
    { name: "ACTION", values: ACTIONS, isOptional: true },
    { name: "SCHEDULE", isOptional: true },
  ],
  options: { ...SERVER_OPTIONS },
  notes: `ACTION is ${ACTIONS.join(", ")}; list by default. All other actions need a SCHEDULE: its id, the first
characters of its id, or the name of its workflow if that has only one schedule. A definition with a schedule creates it when you submit it.`,
  examples: [
    ["schedules", "all schedules, with their next runs"],
    ["schedules pause nightly_report", "start no runs until it is resumed"],
    ["schedules history nightly_report", `the newest ${HISTORY} runs of one`],
  ],
  async run(work) {
    const { args, given, output } = work;
    const [action = "list", text] = args as [Action?, string?];
    if (action === "list" && text !== undefined) {
      throw new UsageError(
        `\`schedules list\` takes no argument \`${text}\``,
        `\`schedules show ${text}\` shows one`,
      );
    }
    if (action !== "list" && text === undefined) {
      throw new UsageError(
        `\`schedules ${action}\` needs SCHEDULE`,
        `highway-wasm schedules ${action} SCHEDULE`,
      );
    }
    const highway = await highwayOf(given);
    const all = await highway.schedules.list({ signal: work.signal });
    if (text === undefined) {
      if (output.isJson) output.json({ schedules: all });
      else if (all.length === 0) output.note("no schedules");
      else showTable(all.map(rowOf), output);
      return FINE;
    }
    await act(highway, action, scheduleOf(all, text), work);
    return FINE;
  },
};

async function act(
  highway: Highway,
  action: Action,
  id: string,
  { output, signal }: Pick<Work, "output" | "signal">,
): Promise<void> {
  if (action === "history") {
    const runs = await highway.schedules.history(id, { signal }).toArray({ limit: HISTORY });
    if (output.isJson) output.json({ executions: runs });
    else if (runs.length === 0) output.note("no runs");
    else
      showTable(
        runs.map((run) => [
          String(run.workflow_run_id ?? run.run_id ?? ""),
          String(run.status ?? ""),
          String(run.started_at ?? ""),
        ]),
        output,
      );
    return;
  }
  if (action === "show") {
    const schedule = await highway.schedules.get(id, { signal });
    if (output.isJson) output.json(schedule);
    else
      showTable(
        Object.entries(schedule)
          .filter(isShown)
          .map(([name, value]) => [name, shown(value)]),
        output,
      );
    return;
  }
  await highway.schedules[action as "pause" | "resume" | "delete"](id, { signal });
  const done = { pause: "paused", resume: "active again", delete: "deleted" }[action as "pause"];
  if (output.isJson) output.json({ scheduleId: id, done: action });
  else output.note(`schedule \`${oneLine(id)}\` is ${done}`);
}

const isShown = ([, value]: [string, unknown]): boolean =>
  value !== null && value !== undefined && value !== "";
const shown = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

function rowOf(schedule: Schedule): readonly (string | readonly [string, "green" | "dim"])[] {
  const { schedule_id: id, workflow_name: name = "", schedule_cron: cron = "", timezone } = schedule;
  const isActive = schedule.is_active !== false;
  const next = isActive && schedule.next_run_at ? `next ${schedule.next_run_at}` : "";
  const when = timezone && timezone !== "UTC" ? `${cron} ${timezone}` : cron;
  return [id, [isActive ? "active" : "paused", isActive ? "green" : "dim"], when, name, next];
}

/** The id of the schedule that a text means. Other text is used as an id, so that the server reports the error. */
function scheduleOf(all: readonly Schedule[], text: string): string {
  const ids = all.map(({ schedule_id: id }) => id);
  if (ids.includes(text)) return text;
  const found = all.filter(
    ({ schedule_id: id, workflow_name: name }) => name === text || id.startsWith(text),
  );
  if (found.length <= 1) return found[0]?.schedule_id ?? text;
  const names = found.slice(0, 8).map(({ schedule_id: id }) => `\`${oneLine(id)}\``);
  throw new UsageError(
    `\`${text}\` stands for ${found.length} schedules`,
    `name one of them: ${names.join("; ")}`,
  );
}
