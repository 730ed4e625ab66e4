/** Shows errors and findings. */

import { type Diagnostic, type HighwayError, isHighwayError } from "../shared/errors.js";
import { advised, helpOf } from "./advice.js";
import { UsageError } from "./exit-codes.js";
import { STDIN } from "./files.js";
import { findingsOf } from "./findings.js";
import { type Output, oneLine, printable } from "./output.js";
import { placeOf, shownPlace } from "./places.js";

const SEVERITY = { error: "red", warning: "yellow", info: "cyan" } as const;

/**
 * Shows an error: what, where, and what to do about it. `file` is the file that its findings are about. The stack is
 * shown only with `--debug`.
 */
export function showError(error: unknown, output: Output, file?: string): void {
  const { code, message, help, path, diagnostics } = factsOf(error);
  const place = placeOf(error);
  const at = place && shownPlace(place);
  if (output.isJson) {
    output.failure({
      error: { ...(isHighwayError(error) ? plainError(error) : { code, message, help }), ...(at && { at }) },
    });
  } else {
    const [first] = diagnostics;
    const isList = diagnostics.length > 1;
    // With several findings, the error's own message, path and help are those of the first one, which is in the list.
    const said = isList
      ? message.replace(
          `${first?.message} (and ${diagnostics.length - 1} more)`,
          `${diagnostics.length} findings`,
        )
      : message;
    output.note(`${output.paint("red", "error:")} ${printable(said)}`);
    if (file !== undefined && first !== undefined) output.note(`  file: ${oneLine(file)}`);
    if (at) output.note(`  at: ${oneLine(at)}`);
    for (const line of place?.frame ?? []) output.note(`    ${printable(line)}`);
    if (path && !isList) output.note(`  ${path.startsWith("--") ? "option" : "path"}: ${oneLine(path)}`);
    if (help && !isList && !(at && help === DEBUG)) output.note(`  help: ${oneLine(help)}`);
    if (isHighwayError(error)) output.note(`  code: ${oneLine(code)}`);
    // A single finding is already in the message.
    if (isList) showFindings(diagnostics, output, "note", file);
  }
  if (output.isDebug) {
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      output.note(printable(at.stack ?? String(at)));
  }
}

function plainError(error: HighwayError): object {
  const { diagnostics } = error;
  return {
    ...error.toJSON(),
    help: helpOf(error),
    ...(diagnostics.length > 0 && { diagnostics: diagnostics.map(advised) }),
  };
}

/** Shows findings, each with its place, code, path, message and help. `file` is the file that they are about. */
export function showFindings(
  found: readonly Diagnostic[],
  output: Output,
  to: "note" | "result",
  file?: string,
): void {
  const stream = to === "note" ? "stderr" : "stdout";
  for (const finding of found) {
    const { severity, code, path, message, related } = finding;
    const help = helpOf(finding);
    const where = path === "" ? "the whole document" : oneLine(path);
    const word = output.paint(SEVERITY[severity], severity, stream);
    const lines = [
      `${whereOf(finding, file)}${word} ${output.paint("bold", code, stream)} ${where}`,
      `  ${oneLine(message)}`,
      ...(related?.length ? [`  see also: ${related.map(oneLine).join(", ")}`] : []),
      ...(help ? [`  help: ${oneLine(help)}`] : []),
    ];
    for (const line of lines) output[to](line);
  }
}

/** `file:line:column: `, as editors understand it. */
function whereOf({ line, column }: Diagnostic, file: string | undefined): string {
  if (file === undefined) return "";
  const place = [file === STDIN ? "stdin" : oneLine(file), line, column];
  return `${place.filter((part) => part !== undefined).join(":")}: `;
}

/** Advice if the place of an error is unknown. */
const DEBUG = "`--debug` shows where it was thrown";
/** The code for errors of the user's modules. */
const UNEXPECTED = "UNEXPECTED";

interface Facts {
  readonly code: string;
  readonly message: string;
  readonly help: string | undefined;
  readonly path: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** A definition that is a program may throw anything. */
function factsOf(error: unknown): Facts {
  if (isHighwayError(error)) {
    const { code, message, path } = error;
    return { code, message, help: helpOf(error), path, diagnostics: findingsOf(error) };
  }
  const { message, help } = Object(error ?? {}) as { message?: unknown; help?: unknown };
  return {
    code: error instanceof UsageError ? error.code : UNEXPECTED,
    message: typeof message === "string" && message !== "" ? message : String(error),
    help: typeof help === "string" ? help : error instanceof UsageError ? undefined : DEBUG,
    path: undefined,
    diagnostics: [],
  };
}
