/** The user's own tools, from modules. */

import type { Tools } from "../engine/tools/tool.js";
import { isObject } from "../shared/plain.js";
import { type Options, type Given, textsOf } from "./command.js";
import { InputError } from "./exit-codes.js";
import { loadModule } from "./modules.js";

/** The option with the tools. */
export const TOOLS_OPTION: Options = {
  tools: {
    value: "FILE",
    multiple: true,
    completes: "file",
    help: "a module with further tools: it exports functions by name, or a function that returns them",
  },
};

/** The tools of all given files. A later tool replaces an earlier one of the same name. */
export async function toolsOf(given: Given): Promise<Tools> {
  const all: Record<string, unknown> = {};
  for (const file of textsOf(given, "tools")) Object.assign(all, await fromModule(file));
  return all as Tools;
}

async function fromModule(file: string): Promise<object> {
  const { default: main, tools: named } = await loadModule(file);
  const exported = await (main ?? named);
  const tools: unknown = typeof exported === "function" ? await (exported as () => unknown)() : exported;
  const help =
    'export functions by the names of their tools: `export default { "mail.send": ({ kwargs }) => … }`';
  // To Node.js, a file without exports is an empty object.
  if (!isObject(tools) || (tools === exported && Object.keys(tools).length === 0))
    throw new InputError(`\`${file}\` exports no tools`, help);
  for (const [name, tool] of Object.entries(tools)) {
    if (typeof tool === "function") continue;
    throw new InputError(`the tool \`${name}\` of \`${file}\` is not a function`, help);
  }
  return tools;
}
