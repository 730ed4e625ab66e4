/** Completion in bash, version 3.2 and newer. */

import { optionsOf } from "../arguments.js";
import { type ArgumentSpec, type Command, COMMON, type OptionSpec } from "../command.js";

/** The completion script. */
export function bash(commands: readonly Command[]): string {
  return `# Completion of highway-wasm in bash.
_highway_wasm() {
  local cur prev command words i IFS=$'\\n'
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  # bash makes three words of --option=value.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} != -* ]]; then command=\${COMP_WORDS[i]}; break; fi
  done
  case "$command $prev" in
${commands.flatMap(valuesOf).join("\n")}
  esac
  case "$command" in
${commands.map(wordsOf).join("\n")}
    *) words=${list([...commands.map(({ name }) => name), ...flags(COMMON)])} ;;
  esac
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -F _highway_wasm highway-wasm
`;
}

/** The values of options. */
function valuesOf(command: Command): string[] {
  return Object.entries(optionsOf(command)).flatMap(([name, spec]) => {
    if (spec.value === undefined) return [];
    const patterns = [`--${name}`, ...(spec.short ? [`-${spec.short}`] : [])];
    const pattern = patterns.map((flag) => `"${command.name} ${flag}"`).join("|");
    return [`    ${pattern}) ${offered(spec)}return ;;`];
  });
}

function offered({ values, completes }: OptionSpec): string {
  if (values) return `COMPREPLY=($(compgen -W ${list(values)} -- "$cur")); `;
  return completes ? `${paths(completes)}; ` : "";
}

const paths = (kind: "file" | "folder"): string =>
  `COMPREPLY=($(compgen ${kind === "file" ? "-f" : "-d"} -- "$cur")); compopt -o filenames 2>/dev/null`;

/** The other words of a command: its options and arguments. */
function wordsOf({ name, args, ...command }: Command): string {
  const words = [
    ...args.flatMap(({ values = [] }: ArgumentSpec) => values),
    ...flags(optionsOf({ name, args, ...command })),
  ];
  const hasFiles = args.some(({ completes }) => completes === "file");
  const files = hasFiles ? ` [[ $cur == -* ]] || { ${paths("file")}; };` : "";
  return `    ${name})${files} words=${list(words)} ;;`;
}

const flags = (options: Readonly<Record<string, OptionSpec>>): string[] =>
  Object.keys(options).map((name) => `--${name}`);

/** Words, one per line, in a quoting that bash reads. No word contains a quote. */
const list = (words: readonly string[]): string => `$'${words.join("\\n")}'`;
