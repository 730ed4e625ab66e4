/** `highway-wasm simulate` */

import type { Mocks } from "../../engine/virtual/mocks.js";
import {
  type SimulatedDecision,
  type SimulatedSignal,
  type SimulateOptions,
  type Simulation,
  simulate as run,
} from "../../engine/virtual/simulate.js";
import type { TimelineEntry } from "../../engine/timeline.js";
import { isObject } from "../../shared/plain.js";
import { advised, advisedWithin, helpOf, inOptions } from "../advice.js";
import { duration } from "../arguments.js";
import { type Command, FILE, FILE_NOTE, type Given, textOf, textsOf, parsedOf } from "../command.js";
import { FAILED, FINE, InputError, UsageError, WRONG } from "../exit-codes.js";
import { readText } from "../files.js";
import { fromText, INPUT_OPTIONS, inputsOf, jsonValue, type Reading } from "../inputs.js";
import { LIMIT, limitsOf } from "../limits.js";
import { isModule, loadModule } from "../modules.js";
import { type Output, oneLine, printable } from "../output.js";
import { secretsOfEnvironment } from "../secrets.js";
import { readSource } from "../source.js";
import { looksOf } from "../states.js";
import { type Cell, showTable } from "../table.js";
import { isValid } from "./run.js";

export const simulate: Command = {
  name: "simulate",
  summary: "run a workflow in virtual time with mocks for its tools: days pass in milliseconds",
  args: [FILE],
  options: {
    ...INPUT_OPTIONS,
    mocks: {
      value: "FILE",
      completes: "file",
      help: "mocks by name of a task or a tool: JSON, YAML, or a module that exports an object",
    },
    unmocked: {
      value: "WHAT",
      values: ["succeed", "fail"],
      help: "what a tool without a mock does: succeed (by default) or fail",
    },
    signal: {
      value: "NAME[@TIME][=JSON]",
      multiple: true,
      help: 'a signal, with its time after the start and its data: paid@2h={"amount":1}',
    },
    approve: {
      value: "KEY",
      multiple: true,
      help: "approve the approval with this key, or the task with this id",
    },
    reject: { value: "KEY", multiple: true, help: "reject it" },
    timeout: { value: "TIME", help: "time limit of a run: seconds, `90s`, `1h30m` or `PT90S`" },
    for: { value: "TIME", help: "run the schedule of the definition for this time, instead of one run" },
    at: { value: "MOMENT", help: "start of virtual time, in ISO 8601; now by default" },
    limit: LIMIT,
    "max-time": { value: "TIME", help: "virtual time after which the simulation stops; 365d by default" },
  },
  notes: `${FILE_NOTE}

No tool is called. A mock is the result of its task or tool, or {result, error, delay}, or a list of those, one for
each call. The exit code is 1 if the run does not complete.`,
  examples: [
    ["simulate order.yaml --signal paid@2d", "what happens when the payment takes two days"],
    ["simulate order.yaml --mocks mocks.json --approve review", "with results of tools, and a decision"],
    ["simulate nightly.yaml --for 7d --json | jq .runs", "a week of a schedule, for programs"],
  ],
  async run({ args, given, output, signal }) {
    const file = args[0] as string;
    const options = await optionsOf(given, { signal, output });
    const source = await readSource(file, signal);
    const isFine = isValid(source, output, file);
    await source.close?.();
    if (!isFine) return WRONG;
    const document = source.document();
    const simulation = await inOptions(simulate.options, () => run(document, options));
    if (output.isJson)
      output.json({
        ...(advisedWithin(simulation) as Simulation),
        warnings: simulation.warnings.map(advised),
      });
    else show(simulation, output);
    return simulation.status === "completed" ? FINE : FAILED;
  },
};

async function optionsOf(given: Given, reading: Reading): Promise<SimulateOptions> {
  const time = (option: string, least: number): number | undefined =>
    parsedOf(given, option, (text, name) => duration(text, name, least));
  const mocks = textOf(given, "mocks");
  const decisions = (name: string, approved: boolean): [string, SimulatedDecision][] =>
    textsOf(given, name).map((key) => [key, approved]);
  const [approved, rejected] = [decisions("approve", true), decisions("reject", false)];
  const both = approved.find(([key]) => rejected.some(([other]) => other === key));
  if (both) throw new UsageError(`\`${both[0]}\` is both approved and rejected`, "keep one of the two");
  const all: SimulateOptions = {
    inputs: await inputsOf(given, reading),
    tools: mocks === undefined ? {} : await mocksOf(mocks, reading),
    unmocked: textOf(given, "unmocked") as SimulateOptions["unmocked"],
    signals: textsOf(given, "signal").map(signalOf),
    approvals: Object.fromEntries([...approved, ...rejected]),
    secrets: secretsOfEnvironment(),
    limits: limitsOf(given),
    timeout: time("timeout", 1),
    for: time("for", 1),
    at: textOf(given, "at"),
    maxTime: time("max-time", 1),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function mocksOf(file: string, { signal, output }: Reading): Promise<Mocks> {
  if (!isModule(file)) return fromText(await readText(file, signal), file, output) as Mocks;
  const { default: main, mocks: named } = await loadModule(file);
  const mocks: unknown = await (main ?? named);
  if (isObject(mocks)) return mocks as Mocks;
  throw new InputError(
    `\`${file}\` exports no mocks`,
    "export them by name: `export default { charge: { id: 7 } }`",
  );
}

function signalOf(text: string): SimulatedSignal {
  const [, name, at, json] = /^([^@=]+)(?:@([^=]*))?(?:=(.*))?$/s.exec(text) ?? [];
  if (name === undefined) {
    throw new UsageError(
      `\`--signal\` is not of the form \`name@time=json\`: \`${text}\``,
      "such as `paid@2h`",
    );
  }
  return {
    name,
    ...(at !== undefined && { at: duration(at, "signal") }),
    ...(json !== undefined && {
      payload: jsonValue(json, "the data of `--signal`", 'text needs quotes there: `name="text"`'),
    }),
  };
}

function show(
  { status, error, timeline, criticalPath, warnings, ...rest }: Simulation,
  output: Output,
): void {
  const from = rest.startedAt.getTime();
  const critical = new Set(criticalPath);
  const rows = timeline.map((entry) => rowOf(entry, from, critical.has(entry)));
  if (rows.length > 0) showTable(rows, output);
  // Warnings with a path are findings, which were shown before the simulation.
  for (const warning of warnings.filter(({ path }) => path === undefined)) {
    const { code, message } = warning;
    output.note(`${output.paint("yellow", "warning:")} ${oneLine(message)} (${oneLine(code)})`);
    const advice = helpOf(warning);
    if (advice) output.note(`  help: ${oneLine(advice)}`);
  }
  const colour = status === "completed" ? "green" : "red";
  const reason = error === null ? "" : `: ${printable(error.message)}`;
  output.note(`${output.paint(colour, oneLine(status))} after ${shownTime(rest.durationSeconds)}${reason}`);
  if (critical.size > 0) output.note("* the end of the run depended on these");
}

function rowOf(entry: TimelineEntry, from: number, isCritical: boolean): Cell[] {
  const { start, end, kind, step, attempt, waitsFor, outcome, error } = entry;
  const since = (at: Date): string => shownTime((at.getTime() - from) / 1000);
  const what = [step ?? "", waitsFor && `for ${waitsFor}`, attempt > 1 && `attempt ${attempt}`];
  const state = outcome ?? "under way";
  return [
    isCritical ? "*" : " ",
    since(start),
    end === null ? "…" : since(end),
    kind,
    what.filter(Boolean).join(" "),
    [error ? `${state}: ${error.message}` : state, looksOf(state)[1]],
  ];
}

/** A length of time for people: `2d 3h`, `1m 30s`, `0.25s`. */
function shownTime(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds * 1000) / 1000}s`;
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}
