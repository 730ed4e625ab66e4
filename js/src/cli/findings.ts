/** The findings in an error. */

import type { Diagnostic, HighwayError } from "../shared/errors.js";

const SEVERITIES = ["error", "warning", "info"];

/** The findings about a definition, whether found here or by the server that refused it. */
export function findingsOf(error: HighwayError): readonly Diagnostic[] {
  if (error.diagnostics.length > 0) return error.diagnostics;
  const told: unknown = error.details["serverDetails"];
  const isFinding = (item: unknown): item is Diagnostic => {
    const { code, severity, path, message } = Object(item ?? {}) as Partial<
      Record<keyof Diagnostic, unknown>
    >;
    return (
      [code, path, message].every((text) => typeof text === "string") && SEVERITIES.includes(String(severity))
    );
  };
  return Array.isArray(told) && told.every(isFinding) ? told : [];
}
