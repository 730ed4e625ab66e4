// The reference in docs/command-line.md is generated from the table of commands. HIGHWAY_UPDATE_DOCS=1 writes it.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const cli = (name) => import(inRoot("dist", "esm", "cli", name));
const { COMMANDS } = await cli("commands/index.js");
const { COMMON, SERVER_OPTIONS } = await cli("command.js");
const { ENVIRONMENT, EXIT_CODES, optionRows, paragraphsOf, wrapped } = await cli("help.js");
const { shownArgument } = await cli("arguments.js");

const MARK = "## Reference\n";
const file = inRoot("docs", "command-line.md");

const cell = (text) => text.replaceAll("|", "\\|");
const table = (head, rows) =>
  [
    `| ${head} | |`,
    "| --- | --- |",
    ...rows.map(([left, right]) => `| \`${left.trim()}\` | ${cell(right)} |`),
  ].join("\n");

/** Columns of the document. */
const WIDTH = 120;

function section({ name, args, summary, options, notes, examples }) {
  const isServer = Object.keys(SERVER_OPTIONS).every((option) => option in options);
  const own = Object.fromEntries(Object.entries(options).filter(([option]) => !(option in SERVER_OPTIONS)));
  const rows = optionRows(own);
  return [
    `### \`${[name, ...args.map(shownArgument)].join(" ")}\``,
    `${summary[0].toUpperCase()}${summary.slice(1)}.${isServer ? " Takes the options of a server." : ""}`,
    ...(rows.length > 0 ? [table("option", rows)] : []),
    ...paragraphsOf(notes).map((text) =>
      text.startsWith("  ")
        ? `\`\`\`sh\n${text.replace(/^ {2}/gm, "")}\n\`\`\``
        : wrapped(text, WIDTH).join("\n"),
    ),
    `\`\`\`sh\n${examples.map(([line, does]) => `highway-wasm ${line}  # ${does}`).join("\n")}\n\`\`\``,
  ].join("\n\n");
}

const reference = [
  MARK.trimEnd(),
  "Options of every command:",
  table("option", optionRows(COMMON)),
  "Options of a server, of every command that talks to one:",
  table("option", optionRows(SERVER_OPTIONS)),
  "The environment:",
  table("variable", ENVIRONMENT),
  "Exit codes:",
  table("code", EXIT_CODES),
  ...COMMANDS.map(section),
].join("\n\n");

test("the document describes every command, every option, the environment and the exit codes", () => {
  const text = readFileSync(file, "utf8");
  const [guide] = text.split(MARK);
  const expected = `${guide}${reference}\n`;
  if (process.env.HIGHWAY_UPDATE_DOCS) writeFileSync(file, expected);
  else assert.equal(text, expected, "run it with HIGHWAY_UPDATE_DOCS=1 to write the reference anew");
});
