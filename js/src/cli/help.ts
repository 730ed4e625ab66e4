/** Creates the help from the descriptions of the commands. */

import { optionsOf, shownArgument } from "./arguments.js";
import { type Command, COMMON, type Options } from "./command.js";
import type { Output } from "./output.js";

/** The environment variables of the program. */
export const ENVIRONMENT: readonly (readonly [name: string, does: string])[] = [
  ["HIGHWAY_API_ENDPOINT", "address of the server, instead of --endpoint"],
  ["HIGHWAY_API_KEY", "API key, instead of --api-key, or of --key for serve"],
  ["HIGHWAY_SECRET_NAME", "value of {{secrets.NAME}}, for engines in this process"],
  ["COLUMNS", "width of this help, 40 to 100, when the output is not a terminal"],
  ["NO_COLOR", "no colours"],
  ["FORCE_COLOR", "colours also without a terminal; 0 turns them off"],
];

/** The meaning of the exit codes. */
export const EXIT_CODES: readonly (readonly [code: string, means: string])[] = [
  ["0", "fine"],
  ["1", "the run or a request failed"],
  ["2", "wrong usage, or an invalid definition"],
  ["130", "interrupted; 143 by SIGTERM"],
];

/** Writes the help of a command, or without one that of the program, as the result. */
export function showHelp(commands: readonly Command[], command: Command | undefined, output: Output): void {
  const { width } = output;
  output.text("help", command === undefined ? programHelp(commands, width) : commandHelp(command, width));
}

/** The help of the program, in lines of at most `width` characters. */
export function programHelp(commands: readonly Command[], width: number): string {
  const rows = commands.map(
    ({ name, args, summary }) => [[name, ...args.map(shownArgument)].join(" "), summary] as const,
  );
  return `${wrapped("Defines, runs and follows Highway workflows.", width).join("\n")}

Usage: highway-wasm COMMAND [OPTIONS]

Commands:
${table(rows, width)}

Options:
${table(optionRows(COMMON), width)}

Environment:
${table(ENVIRONMENT, width)}

Exit codes:
${table(EXIT_CODES, width)}

${wrapped("`highway-wasm help COMMAND` shows the help of a command.", width).join("\n")}
`;
}

/** The help of a command, in lines of at most `width` characters. */
export function commandHelp(command: Command, width: number): string {
  const { name, args, summary, notes, examples } = command;
  const lines = examples.map(([line, does]) => [`highway-wasm ${line}`, does] as const);
  const parts = [
    wrapped(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`, width).join("\n"),
    `Usage: highway-wasm ${[name, ...args.map(shownArgument)].join(" ")} [OPTIONS]`,
    `Options:\n${table(optionRows(optionsOf(command)), width)}`,
    ...paragraphsOf(notes).map((text) => wrapped(text, width).join("\n")),
    `Examples:\n${lines.map(([line, does]) => `  # ${does}\n  ${line}`).join("\n")}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The paragraphs of notes, each in one line. Indented paragraphs stay as they are. */
export function paragraphsOf(notes = ""): string[] {
  const paragraphs = notes.split("\n\n").filter(Boolean);
  return paragraphs.map((text) => (text.startsWith("  ") ? text : text.replaceAll("\n", " ")));
}

/** Options in the form of the help and the document. */
export function optionRows(options: Options): (readonly [flag: string, help: string])[] {
  return Object.entries(options).map(([name, { value, short, multiple, help }]) => {
    const flag = `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return [multiple ? `${flag} ...` : flag, help];
  });
}

function table(rows: readonly (readonly [string, string])[], width: number): string {
  const first = Math.max(...rows.map(([left]) => left.length));
  const room = width - first - 4;
  const lines = rows.map(([left, right]) => {
    // On a narrow terminal, the second column would hold single words.
    if (room < 24) return [`  ${left}`, ...wrapped(right, width - 6)].join("\n      ");
    return `  ${left.padEnd(first)}  ${wrapped(right, room).join(`\n${" ".repeat(first + 4)}`)}`;
  });
  return lines.join("\n");
}

/** A paragraph in lines. Indented lines stay as they are. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const given of text.split("\n")) {
    if (given.startsWith("  ")) {
      lines.push(given);
      continue;
    }
    let line = "";
    for (const word of given.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}
