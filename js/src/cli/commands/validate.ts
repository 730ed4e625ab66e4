/** `highway-wasm validate` */

import { type Command, JSON_OPTION } from "../command.js";
import { FINE, WRONG } from "../exit-codes.js";
import { showFindings } from "../failure.js";
import { readSource } from "../source.js";

export const validate: Command = {
  name: "validate",
  summary: "list everything that is wrong with a definition, or worth knowing about it",
  args: ["FILE"],
  options: { ...JSON_OPTION },
  notes: `FILE is a definition in JSON or YAML, - for standard input, or a .js or .mjs file with a default export.
Exit code 2 where there are errors.`,
  async run({ args, output, signal }) {
    const source = await readSource(args[0] as string, signal);
    const findings = source.findings();
    const count = (severity: string): number =>
      findings.filter((found) => found.severity === severity).length;
    const errors = count("error");
    if (output.isJson) {
      output.json({ valid: errors === 0, findings });
    } else {
      showFindings(findings, output, "result");
      const word =
        errors === 0 ? output.paint("green", "valid", "stdout") : output.paint("red", "not valid", "stdout");
      output.result(`${word}: ${counted(errors, "error")}, ${counted(count("warning"), "warning")}`);
    }
    return errors === 0 ? FINE : WRONG;
  },
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
