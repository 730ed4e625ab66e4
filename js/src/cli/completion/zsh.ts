/** Completion in zsh. */

import { optionsOf } from "../arguments.js";
import type { ArgumentSpec, Command, Completion, OptionSpec } from "../command.js";

/** The completion script, as a file for `fpath` or to be sourced. */
export function zsh(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const specs = [...Object.entries(optionsOf(command)).map(option), ...command.args.map(argument)];
    return `    ${command.name})\n      _arguments -S \\\n        ${specs.join(" \\\n        ")}\n      ;;`;
  });
  return `#compdef highway-wasm
# Completion of highway-wasm in zsh.
_highway_wasm() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a commands=(
${rows.join("\n")}
  )
  _arguments -C '1:command:->command' '*::argument:->argument'
  if [[ $state == command ]]; then
    _describe command commands
    return
  fi
  case $words[1] in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _highway_wasm ]]; then _highway_wasm "$@"; else compdef _highway_wasm highway-wasm; fi
`;
}

function option([name, spec]: readonly [string, OptionSpec]): string {
  const { value, short, multiple, help } = spec;
  const shown = help.replace(/[[\]:\\]/g, "\\$&");
  const action = value === undefined ? "" : `:${value.replaceAll(":", "\\:")}:${actionOf(spec)}`;
  const text = `[${shown}]${action}`;
  const long = value === undefined ? `--${name}` : `--${name}=`;
  const names = short === undefined ? [long] : [`-${short}`, long];
  // When a flag that may be given once is there, its other spelling is not offered.
  const prefix = multiple ? "*" : short === undefined ? "" : `(-${short} --${name})`;
  return names.map((flag) => quoted(`${prefix}${flag}${text}`)).join(" ");
}

function argument(spec: ArgumentSpec, at: number): string {
  const place = spec.isMany ? "*" : `${at + 1}`;
  return quoted(`${place}:${spec.isOptional ? ":" : ""}${spec.name}:${actionOf(spec)}`);
}

function actionOf({ values, completes }: { values?: readonly string[]; completes?: Completion }): string {
  if (values) return `(${values.join(" ")})`;
  return completes === undefined ? " " : completes === "file" ? "_files" : "_files -/";
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
