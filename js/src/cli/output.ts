/** The output of the program: results go to standard output, everything else to standard error. */

import { bigJson, parseJson } from "../shared/json.js";

/** A stream of text, which may be a terminal. */
export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
/** A shorter text is no key, and would be removed from common words. */
const LEAST_SECRET = 8;
/** The form of Highway's keys. */
const ANY_KEY = /hw_k1_[\w-]{8,}/g;

/** Settings of the output. */
export interface OutputOptions {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The two output streams, with colours if wanted, and without secrets. */
export class Output {
  /** Whether to write JSON instead of text. */
  isJson = false;
  /** Whether to show stacks. */
  isDebug = false;
  readonly #stdout: TextStream;
  readonly #stderr: TextStream;
  readonly #secrets = new Map<string, string>();
  /** Whether to use colours; undefined: only on terminals. */
  #colours: boolean | undefined;
  readonly #isDumb: boolean;
  /** Columns from the environment, for an output that is no terminal. */
  readonly #columns: number;

  constructor({ stdout, stderr, env }: OutputOptions) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#isDumb = env["TERM"] === "dumb";
    this.#colours = coloursOf(env);
    this.#columns = Number(env["COLUMNS"]) || 100;
  }

  /** Disables colours from now on. */
  dropColours(): void {
    this.#colours = false;
  }

  /** Removes a secret from everything that is written from now on. */
  hide(secret: string | undefined, name = "API key"): void {
    if (secret !== undefined && secret.length >= LEAST_SECRET) this.#secrets.set(secret, name);
  }

  /** Writes a line of the result. */
  result(text: string): void {
    this.#stdout.write(`${this.#struck(text)}\n`);
  }

  /** Writes a text as the result; with `--json`, as the field `name` of an object. */
  text(name: string, text: string): void {
    if (this.isJson) this.json({ [name]: text });
    else this.result(text.trimEnd());
  }

  /** Writes a value as the result: indented, or with `--json` in one line. Several values in lines are NDJSON. */
  json(value: unknown): void {
    const text = bigJson(value, this.isJson ? undefined : 2) ?? "null";
    // JSON escapes all other control characters itself.
    this.result(text.replace(COMMANDS, (char) => `\\u${hex(char, 4)}`));
  }

  /** Writes an error in place of the result. It may repeat what the user typed, so all keys are removed. */
  failure(value: unknown): void {
    this.json(parseJson(bigJson(value).replaceAll(ANY_KEY, "[API key]")));
  }

  /** Writes a line about progress or errors, without any key. */
  note(text: string): void {
    this.draw(`${text}\n`);
  }

  /** {@link note} without the line break. */
  draw(text: string): void {
    this.#stderr.write(this.#struck(text).replaceAll(ANY_KEY, "[API key]"));
  }

  /** Writes a line that may contain a key. Only a new key is shown this way. */
  reveal(text: string): void {
    this.#stdout.write(`${text}\n`);
  }

  /** Characters in a line of help. */
  get width(): number {
    return Math.min(Math.max(this.#stdout.columns || this.#columns, 40), 100);
  }

  /** Size of the terminal on standard error; undefined if it is none that can be drawn on. */
  get screen(): { readonly columns: number; readonly rows: number } | undefined {
    const { isTTY, columns = 80, rows = 24 } = this.#stderr;
    return isTTY && !this.#isDumb ? { columns: columns || 80, rows: rows || 24 } : undefined;
  }

  /** Text in a colour, if colours are enabled. */
  paint(colour: Colour, text: string, stream: "stdout" | "stderr" = "stderr"): string {
    const { isTTY } = stream === "stdout" ? this.#stdout : this.#stderr;
    return (this.#colours ?? isTTY) ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }

  #struck(text: string): string {
    let shown = text;
    for (const [secret, name] of this.#secrets) shown = shown.replaceAll(secret, `[${name}]`);
    return shown;
  }
}

/**
 * Whether the environment enables or disables colours; undefined if it says nothing. As in Node.js, FORCE_COLOR takes
 * precedence.
 */
function coloursOf(env: OutputOptions["env"]): boolean | undefined {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return !["0", "false"].includes(forced);
  return env["NO_COLOR"] || env["TERM"] === "dumb" ? false : undefined;
}

const hex = (char: string, digits: number): string => char.charCodeAt(0).toString(16).padStart(digits, "0");

/**
 * Characters that a terminal may interpret, apart from those that JSON escapes: controls, and changes of text
 * direction.
 */
const COMMANDS = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** Foreign text without characters that a terminal interprets. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const shown = text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (char) => `\\x${hex(char, 2)}`);
  return shown.replace(COMMANDS, (char) => `\\u${hex(char, 4)}`);
}

/** {@link printable} text in one line. */
export const oneLine = (text: string): string => printable(text.replace(/\s*\n\s*/g, " "));
