/** `highway-wasm validate` */

import { resolve } from "node:path";
import { type Diagnostic, isHighwayError } from "../../shared/errors.js";
import { advised, helpOf } from "../advice.js";
import { type Command, FILE, FILE_NOTE } from "../command.js";
import { FINE, type InputError, UsageError, WRONG } from "../exit-codes.js";
import { showError, showFindings } from "../failure.js";
import type { Output } from "../output.js";
import { placeOf } from "../places.js";
import { readSource } from "../source.js";

export const validate: Command = {
  name: "validate",
  summary: "list everything that is wrong with definitions",
  args: [{ ...FILE, isMany: true }],
  options: {},
  notes: `${FILE_NOTE}

The exit code is 2 if there are errors, or if a file cannot be read. With --json it prints {valid, files, findings};
each finding names its file.`,
  examples: [
    ["validate report.yaml", "all findings, each with its place and with advice"],
    ["validate workflows/*.yaml", "several files; the shell finds them"],
    ["validate workflow.mjs --json | jq '.findings[].code'", "for programs"],
  ],
  async run({ args, output, signal }) {
    const found: (Diagnostic & { file: string })[] = [];
    let unread = 0;
    for (const file of new Set(args)) {
      try {
        const source = await readSource(file, signal);
        const findings = source.findings();
        await source.close?.();
        for (const finding of findings) found.push({ file, ...advised(finding) });
        if (!output.isJson) showFindings(findings, output, "result", file);
      } catch (error) {
        // A file that cannot be read does not prevent the check of the others.
        if (args.length === 1 || signal.aborted) throw error;
        unread += 1;
        if (output.isJson) found.push({ file, ...findingOf(error, file) });
        else showError(error, output);
      }
    }
    const count = (severity: string): number =>
      found.filter((finding) => finding.severity === severity).length;
    const errors = count("error") + (output.isJson ? 0 : unread);
    if (output.isJson) output.json({ valid: errors === 0, files: args, findings: found });
    else summarise(errors, count("warning"), args, output);
    return errors === 0 ? FINE : WRONG;
  },
};

/** A finding about a file that cannot be read. */
function findingOf(error: unknown, file: string): Diagnostic {
  const { message } = error as Error;
  const code = isHighwayError(error) || error instanceof UsageError ? error.code : "FILE_UNREADABLE";
  const help = helpOf(error as InputError);
  const place = placeOf(error);
  const { line, column } = place?.file === resolve(file) ? place : {};
  return {
    code,
    severity: "error",
    message,
    path: "",
    ...(help === undefined ? {} : { help }),
    ...(line === undefined ? {} : { line, column }),
  } as Diagnostic;
}

function summarise(errors: number, warnings: number, files: readonly string[], output: Output): void {
  const word =
    errors === 0 ? output.paint("green", "valid", "stdout") : output.paint("red", "not valid", "stdout");
  const where = files.length === 1 ? "" : ` in ${files.length} files`;
  output.result(`${word}: ${counted(errors, "error")}, ${counted(warnings, "warning")}${where}`);
}

/** A number and a noun. */
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
