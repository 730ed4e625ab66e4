/** `highway-wasm init` */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { listOf } from "../arguments.js";
import { type Command, FILE } from "../command.js";
import { FINE, InputError, UsageError } from "../exit-codes.js";
import { oneLine } from "../output.js";
import { COMMONJS, STARTERS } from "../starters.js";

/** What is written when nobody says otherwise. */
const DEFAULT_FILE = "workflow.yaml";

export const init: Command = {
  name: "init",
  summary: "write a workflow to begin with",
  args: [{ ...FILE, isOptional: true }],
  options: {},
  notes: `FILE is ${DEFAULT_FILE} by default. Its extension says what is written: YAML, JSON, or a module with a Driver (.mjs, .js, .mts, .ts); .js is CommonJS unless package.json has "type": "module". A file that is there is left alone, with exit code 2.`,
  examples: [
    ["init", `write ${DEFAULT_FILE}`],
    ["init workflows/report.mjs", "write a module with a Driver"],
  ],
  async run({ args: [file = DEFAULT_FILE], output }) {
    const extension = extname(file).toLowerCase();
    const text = extension === ".js" && !isInModules(resolve(file)) ? COMMONJS : STARTERS[extension];
    if (text === undefined) {
      throw new UsageError(
        `\`${file}\` has no extension of a workflow`,
        `there are ${listOf(Object.keys(STARTERS))}`,
      );
    }
    write(file, text.replaceAll("FILE", shown(file)));
    if (output.isJson) output.json({ file });
    else {
      output.note(`wrote ${oneLine(file)}; run it with`);
      output.result(`highway-wasm run ${shown(file)} --input name=Ada`);
    }
    return FINE;
  },
};

/** A file as a shell reads it, in one line. */
const shown = (file: string): string =>
  /^[\w./-]+$/.test(file) ? file : `'${oneLine(file).replaceAll("'", "'\\''")}'`;

/** Whether the nearest `package.json` says that `.js` files are modules. */
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

function write(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: "wx" });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      throw new InputError(
        `\`${file}\` is there already`,
        "name another file: `highway-wasm init other.yaml`",
        cause,
      );
    }
    throw new InputError(`\`${file}\` cannot be written: ${message}`, undefined, cause);
  }
}
