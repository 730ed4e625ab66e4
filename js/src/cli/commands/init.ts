/** `highway-wasm init` */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { listOf } from "../arguments.js";
import { type Command, FILE } from "../command.js";
import { FINE, InputError, UsageError } from "../exit-codes.js";
import { isModule, TYPESCRIPT_NEEDS } from "../modules.js";
import { oneLine } from "../output.js";
import { STARTERS } from "../starters.js";

/** The default file. */
const DEFAULT_FILE = "workflow.yaml";

export const init: Command = {
  name: "init",
  summary: "write a first workflow",
  args: [{ ...FILE, isOptional: true }],
  options: {},
  notes: `FILE is ${DEFAULT_FILE} by default. Its extension selects the kind of file: YAML, JSON, or a module with a Driver
(.mjs, .cjs, .js, .mts, .cts, .ts). .js and .ts are CommonJS unless package.json has "type": "module". An existing file is not changed; the exit code is 2.`,
  examples: [
    ["init", `write ${DEFAULT_FILE}`],
    ["init workflows/report.mjs", "write a module with a Driver"],
  ],
  async run({ args: [file = DEFAULT_FILE], output }) {
    const text = STARTERS[kindOf(file)];
    if (text === undefined) {
      throw new UsageError(
        `\`${file}\` has no extension of a workflow`,
        `there are ${listOf(Object.keys(STARTERS))}`,
      );
    }
    write(file, text.replaceAll("FILE", shown(file)));
    if (output.isJson) output.json({ file });
    else {
      output.note(`wrote ${oneLine(file)}`);
      for (const need of isModule(file) ? needsOf(file) : []) output.note(need);
      output.note("run it with");
      output.result(`npx highway-wasm run ${shown(file)} --input name=Ada`);
    }
    return FINE;
  },
};

/** A file name in one line, as a shell reads it. */
const shown = (file: string): string =>
  /^[\w./-]+$/.test(file) ? file : `'${oneLine(file).replaceAll("'", "'\\''")}'`;

/** The extension of a file; for `.js` and `.ts`, the one for the kind of module that their package decides. */
function kindOf(file: string): string {
  const extension = extname(file).toLowerCase();
  if (extension !== ".js" && extension !== ".ts") return extension;
  return `.${isInModules(resolve(file)) ? "m" : "c"}${extension.slice(1)}`;
}

/** Whether the nearest `package.json` makes `.js` and `.ts` files ES modules. */
function isInModules(file: string): boolean {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, "package.json"), "utf8");
      return (JSON.parse(text) as { type?: unknown } | null)?.type === "module";
    } catch (cause) {
      if (cause instanceof SyntaxError || folder === dirname(folder)) return false;
    }
  }
}

/** What a module needs before it runs here. */
function needsOf(file: string): string[] {
  const needs: string[] = [];
  try {
    createRequire(resolve(file)).resolve("highway-wasm");
  } catch {
    needs.push("it needs the package: npm install highway-wasm");
  }
  if (/ts$/i.test(file) && !runsTypeScript()) needs.push(`it needs ${TYPESCRIPT_NEEDS}`);
  return needs;
}

/** Whether this Node.js removes types. The type declarations of Node.js are older than this feature. */
const runsTypeScript = (): boolean => Boolean((process.features as { typescript?: unknown }).typescript);

function write(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (cause) {
    throw unwritable(`the folder \`${dirname(file)}\` cannot be made: ${(cause as Error).message}`, cause);
  }
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw unwritable(
      `\`${file}\` ${code === "EEXIST" ? "is there already" : `cannot be written: ${message}`}`,
      cause,
    );
  }
}

const unwritable = (message: string, cause: unknown): InputError =>
  new InputError(message, "name another file: `highway-wasm init other.yaml`", cause, "FILE_UNWRITABLE");
