/** Finds the place in the user's module that an error comes from. */

import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A place in a file. */
export interface Place {
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
  /** The source line and a mark below it, if Node.js shows them. */
  readonly frame?: readonly string[];
}

/** Milliseconds that the search for a syntax error may take. */
const PATIENCE = 10_000;
/** Characters to show of a source line. */
const LONGEST = 200;

/** Places that are not in the stack of an error. */
const known = new WeakMap<object, Place>();

/** Finds the syntax error that prevents a module from loading, and keeps its place for {@link placeOf}. */
export async function findSlip(file: string, error: unknown): Promise<void> {
  if (!(error instanceof SyntaxError) || placeOf(error) !== undefined) return;
  const place = headOf(await slipIn(resolve(file), error.message));
  if (place !== undefined) known.set(error, place);
}

/** The place in the user's module where an error, or its cause, was thrown. */
export function placeOf(error: unknown): Place | undefined {
  if (!(error instanceof Error)) return undefined;
  const { stack = "", cause } = error;
  return known.get(error) ?? headOf(stack) ?? frameOf(stack) ?? placeOf(cause);
}

/** A place in the form that editors understand. */
export function shownPlace({ file, line, column }: Place): string {
  const short = relative(process.cwd(), file);
  return `${short.startsWith("..") || isAbsolute(short) ? file : short}:${line}:${column}`;
}

/** Prints which module has a syntax error: the given one, or one that it imports. Runs none of them. */
const LOOK = `import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SourceTextModule } from "node:vm";
const [, first, message] = process.argv;
const seen = new Set();
const look = (file) => {
  if (seen.has(file) || !/\\.m?js$/.test(file)) return;
  seen.add(file);
  try {
    const { dependencySpecifiers } = new SourceTextModule(readFileSync(file, "utf8"), { identifier: file });
    for (const name of dependencySpecifiers) if (/^\\.{0,2}\\//.test(name)) look(resolve(dirname(file), name));
  } catch (error) {
    if (error.message === message) process.stdout.write(file, () => process.exit());
  }
};
look(first);`;

/** Node's message about a syntax error. Node shows the place of one in a module only if the process ends with it. */
async function slipIn(file: string, message: string): Promise<string> {
  const flags = ["--experimental-vm-modules", "--no-warnings", "--input-type=module", "--eval", LOOK];
  const { stdout: found } = await node([...flags, "--", file, message]);
  return found === "" ? "" : (await node(["--check", found])).stderr;
}

function node(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NODE_OPTIONS: "" };
  return new Promise((done) => {
    execFile(process.execPath, args, { env, timeout: PATIENCE }, (_, stdout, stderr) =>
      done({ stdout, stderr }),
    );
  });
}

/** The place before the stack, where Node.js puts it for syntax errors. */
function headOf(stack: string): Place | undefined {
  const [, name = "", line, text = "", mark = ""] =
    /^([^\n]+):(\d+)\n([^\n]*)\n([ \t]*\^+)/.exec(stack) ?? [];
  if (line === undefined) return undefined;
  const column = mark.search(/\^/) + 1;
  const frame = text.length > LONGEST ? undefined : { frame: [text, mark] };
  return { file: pathOf(name), line: Number(line), column, ...frame };
}

/** The first place in a stack that belongs neither to Node.js nor to this package. */
function frameOf(stack: string): Place | undefined {
  for (const [, name = "", line, column] of stack.matchAll(/^ {4}at (?:.*\()?([^()\n]+):(\d+):(\d+)\)?$/gm)) {
    if (!/^(file:|\/|[A-Za-z]:\\)/.test(name)) continue;
    const file = pathOf(name);
    if (!isOwn(file)) return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

const pathOf = (name: string): string => (name.startsWith("file:") ? fileURLToPath(name) : name);

/** Whether a file belongs to this package or another copy of it. */
function isOwn(file: string): boolean {
  const [, program = ""] = process.argv;
  // …/esm/cli/main.js
  const root = dirname(dirname(dirname(realpathSync(program))));
  return file.startsWith(root + sep) || file.includes(`${sep}node_modules${sep}highway-wasm${sep}`);
}
