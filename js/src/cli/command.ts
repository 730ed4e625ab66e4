/** What a command is. */

import type { Output } from "./output.js";

/** An option of a command. */
export interface OptionSpec {
  /** What stands for its value in the help; an option without takes none. */
  readonly value?: string;
  readonly short?: string;
  /** Whether it may be given several times. */
  readonly multiple?: boolean;
  readonly help: string;
}

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

/** A command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Names of its arguments, all of which it needs. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** What else the help has to say. */
  readonly notes?: string;
  /** Resolves with the exit code. */
  run(work: Work): Promise<number>;
}

/** Options of every command. */
export const COMMON: Readonly<Record<string, OptionSpec>> = {
  help: { short: "h", help: "show this help" },
  "no-color": { help: "no colours; NO_COLOR in the environment does the same" },
  debug: { help: "show the stack of an error" },
};

/** One JSON value in the place of text. */
export const JSON_OPTION: Readonly<Record<string, OptionSpec>> = {
  json: { help: "print one JSON object, for programs" },
};

/** Where the server is. */
export const SERVER_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  endpoint: { value: "URL", help: "address of the server; default: HIGHWAY_API_ENDPOINT" },
  "api-key": { value: "KEY", help: "API key; better in HIGHWAY_API_KEY, where no process list shows it" },
};

/** The text of an option. */
export const textOf = (given: Given, name: string): string | undefined => given[name] as string | undefined;

/** The texts of an option that may be given several times. */
export const textsOf = (given: Given, name: string): readonly string[] =>
  (given[name] ?? []) as readonly string[];
