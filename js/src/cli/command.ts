/** What a command is. The help, the completion of shells and the checks of the command line all come from these tables. */

import type { Output } from "./output.js";

/** What a shell offers for a word. */
export type Completion = "file" | "folder";

/** An argument of a command. */
export interface ArgumentSpec {
  /** What stands for it in the help. */
  readonly name: string;
  readonly isOptional?: boolean;
  /** Whether it may be given several times; only the last argument may. */
  readonly isMany?: boolean;
  /** The words that it may be, where there are only some. */
  readonly values?: readonly string[];
  readonly completes?: Completion;
}

/** An option of a command. */
export interface OptionSpec {
  /** What stands for its value in the help; an option without takes none. */
  readonly value?: string;
  readonly short?: string;
  /** Whether it may be given several times. */
  readonly multiple?: boolean;
  /** The words that its value may be, where there are only some. */
  readonly values?: readonly string[];
  readonly completes?: Completion;
  /** Whether its value may be an empty text. */
  readonly mayBeEmpty?: boolean;
  readonly help: string;
}

/** Options by their names. */
export type Options = Readonly<Record<string, OptionSpec>>;

/** Options as they were given: text, lists of text where they may be given several times, `true` without a value. */
export type Given = Readonly<Record<string, string | readonly string[] | true | undefined>>;

/** What a command works with. */
export interface Work {
  /** As many as the command takes. */
  readonly args: readonly string[];
  readonly given: Given;
  readonly output: Output;
  /** Fires when the user has enough. */
  readonly signal: AbortSignal;
}

/** A command line to learn from, and what it does. */
export type Example = readonly [line: string, does: string];

/** A command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: Options;
  /** What else the help has to say: paragraphs, with blank lines between them. */
  readonly notes?: string;
  /** Without the name of the program. */
  readonly examples: readonly Example[];
  /** Resolves with the exit code. */
  run(work: Work): Promise<number>;
}

/** Options of every command. */
export const COMMON: Options = {
  json: { help: "print JSON, for programs" },
  "no-color": { help: "no colours, even if the environment asks for them" },
  debug: { help: "show the stack of an error" },
  help: { short: "h", help: "show this help" },
  version: { short: "v", help: "show the version" },
};

/** Where the server is. */
export const SERVER_OPTIONS: Options = {
  endpoint: { value: "URL", help: "address of the server; default: HIGHWAY_API_ENDPOINT" },
  "api-key": {
    value: "KEY",
    help: "API key; safer in HIGHWAY_API_KEY, because a list of processes shows options",
  },
};

/** A definition. */
export const FILE: ArgumentSpec = { name: "FILE", completes: "file" };
/** What a definition may be. */
export const FILE_NOTE = `FILE is a definition in JSON or YAML, - for standard input, or a JavaScript or TypeScript module whose
default export is a Driver, a Workflow, a WorkflowBuilder or a definition. TypeScript needs Node.js 22.18 or newer, or a loader in NODE_OPTIONS.`;

/** A run. */
export const RUN: ArgumentSpec = { name: "RUN" };
/** How a run may be named. */
export const RUN_NOTE =
  "RUN is a run id, or its first characters if they identify one of the newest 1,000 runs.";

/** The text of an option. */
export const textOf = (given: Given, name: string): string | undefined => given[name] as string | undefined;

/** What `read` makes of the text of an option; undefined if the option was not given. */
export function parsedOf<T>(
  given: Given,
  name: string,
  read: (text: string, name: string) => T,
): T | undefined {
  const text = textOf(given, name);
  return text === undefined ? undefined : read(text, name);
}

/** The texts of an option that may be given several times. */
export const textsOf = (given: Given, name: string): readonly string[] =>
  (given[name] ?? []) as readonly string[];
