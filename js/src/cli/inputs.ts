/** Run inputs from the command line. */

import { Workflow } from "../entries/workflow-inline.js";
import { isObject } from "../plain.js";
import { InputError, UsageError } from "./exit-codes.js";
import { readText } from "./files.js";
import { parseJson } from "../json.js";

/** The inputs of `--inputs FILE`, overlaid by those of `--input k=v`. */
export async function inputsOf(
  file: string | undefined,
  pairs: readonly string[],
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const inputs = file === undefined ? {} : fromText(await readText(file, signal), file);
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`\`--input\` is not of the form \`name=value\`: \`${pair}\``);
    // Defined, not assigned: `__proto__` is a name like any other.
    Object.defineProperty(inputs, pair.slice(0, at), {
      value: inputValue(pair.slice(at + 1)),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return inputs;
}

/** JSON where it is JSON, text otherwise. */
function inputValue(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

function fromText(text: string, file: string): Record<string, unknown> {
  const name = file === "-" ? "standard input" : `\`${file}\``;
  const help = 'inputs are a JSON or YAML object: `{"name": "value"}`';
  let inputs: unknown;
  try {
    inputs = text.trim() === "" ? {} : parsed(text);
  } catch (cause) {
    throw new InputError(`the inputs in ${name} cannot be read: ${(cause as Error).message}`, help, cause);
  }
  if (!isObject(inputs)) throw new InputError(`the inputs in ${name} are no object`, help);
  return { ...inputs };
}

/** There is a reader of definitions in YAML, and the variables of one may be anything. */
function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (/^\s*[{[]/.test(text)) throw error;
  }
  const indented = text.replace(/^(?=.)/gm, "  ");
  try {
    return Workflow.fromYAML(`variables:\n${indented}\nname: inputs\ntasks: {}\n`).toJSON().variables;
  } catch (error) {
    throw new Error(placed((error as Error).message), { cause: error });
  }
}

/** A message with places as they are in the file: a line stands before it, and two blanks before each of its own. */
function placed(message: string): string {
  return message.replace(/\bline (\d+), column (\d+)/g, (_, line: string, column: string) => {
    return `line ${Number(line) - 1}, column ${Math.max(1, Number(column) - 2)}`;
  });
}
