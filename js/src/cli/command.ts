/** The description of a command. Help, shell completion and the checks of the command line all use it. */

import type { Output } from "./output.js";

/** What shells complete a word with. */
export type Completion = "file" | "folder";

/** An argument of a command. */
export interface ArgumentSpec {
  /** Name of the argument in the help. */
  readonly name: string;
  readonly isOptional?: boolean;
  /** Whether it may be given several times. Only the last argument may. */
  readonly isMany?: boolean;
  /** The allowed words; any text if undefined. */
  readonly values?: readonly string[];
  readonly completes?: Completion;
}

/** An option of a command. */
export interface OptionSpec {
  /** Name of the value in the help; undefined for an option without a value. */
  readonly value?: string;
  readonly short?: string;
  /** Whether it may be given several times. */
  readonly multiple?: boolean;
  /** The allowed values; any text if undefined. */
  readonly values?: readonly string[];
  readonly completes?: Completion;
  /** Whether the value may be empty. */
  readonly mayBeEmpty?: boolean;
  readonly help: string;
}

/** Options by name. */
export type Options = Readonly<Record<string, OptionSpec>>;

/**
 * The given options: text, a list of texts for an option that may be given several times, `true` for an option without
 * a value.
 */
export type Given = Readonly<Record<string, string | readonly string[] | true | undefined>>;

/** What a command gets when it runs. */
export interface Work {
  /** The arguments, as many as the command takes. */
  readonly args: readonly string[];
  readonly given: Given;
  readonly output: Output;
  /** Fires when the user interrupts the program. */
  readonly signal: AbortSignal;
}

/** An example of a command line, and its explanation. */
export type Example = readonly [line: string, does: string];

/** A command of the program. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: Options;
  /** Further paragraphs of the help, separated by blank lines. */
  readonly notes?: string;
  /** Examples, without the name of the program. */
  readonly examples: readonly Example[];
  /** Runs the command. Resolves with the exit code. */
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

/** Options that name the server. */
export const SERVER_OPTIONS: Options = {
  endpoint: { value: "URL", help: "address of the server; default: HIGHWAY_API_ENDPOINT" },
  "api-key": {
    value: "KEY",
    help: "API key; safer in HIGHWAY_API_KEY, because a list of processes shows options",
  },
};

/** The argument for a definition. */
export const FILE: ArgumentSpec = { name: "FILE", completes: "file" };
/** Help about definitions. */
export const FILE_NOTE = `FILE is a definition in JSON or YAML, - for standard input, or a JavaScript or TypeScript module whose
default export is a Driver, a Workflow, a WorkflowBuilder or a definition. TypeScript needs Node.js 22.18 or newer, or a loader in NODE_OPTIONS.`;

/** The argument for a run. */
export const RUN: ArgumentSpec = { name: "RUN" };
/** Help about the names of runs. */
export const RUN_NOTE =
  "RUN is a run id, or its first characters if they identify one of the newest 1,000 runs.";

/** The text of an option. */
export const textOf = (given: Given, name: string): string | undefined => given[name] as string | undefined;

/** The text of an option, converted by `read`; undefined if the option was not given. */
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
