/** Every call into WebAssembly passes here, and every failure becomes an error of this package. */

import { type ErrorFacts, errorOf, type HighwayError, makeError } from "../shared/errors.js";

/** Error codes of an embedded engine that say more than the HTTP status. */
const OWN_CODE =
  /^(LIMIT_EXCEEDED|SCHEDULE_INVALID|VALUE_NOT_JSON|JOURNAL_INVALID|STORE_IN_USE|ENGINE_CLOSED|WASM_PANIC)$/;

/** Calls into a module. `onTrap` is called when the module has stopped for good. */
export function guard<T>(call: () => T, onTrap: (error: HighwayError) => void): T {
  try {
    return call();
  } catch (error) {
    throw translate(error, onTrap);
  }
}

/** {@link guard} for a call that returns a promise. */
export async function guardAsync<T>(
  call: () => Promise<T>,
  onTrap: (error: HighwayError) => void,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translate(error, onTrap);
  }
}

/** @internal Turns what a module threw into an error of this package. */
export function translate(error: unknown, onTrap?: (error: HighwayError) => void): unknown {
  const facts = (error as { highway?: unknown } | null)?.highway;
  if (typeof facts === "string") return errorOfFacts(facts);
  if (error instanceof WebAssembly.RuntimeError) {
    const trap = errorOf("WASM_PANIC", "the WebAssembly module stopped at an internal error", {
      help: "this is a defect of highway-wasm: please report it and the steps that led to it; restart to continue",
      cause: error,
    });
    onTrap?.(trap);
    return trap;
  }
  return error;
}

/** @internal The error that the core wrote as JSON text. */
export function errorOfFacts(text: string): HighwayError {
  const { name, ...facts } = JSON.parse(text) as ErrorFacts & { name: string };
  const { status, serverCode, serverDetails } = facts.details ?? {};
  // An embedded engine writes its findings, and some codes, in this package's own form.
  const found = Array.isArray(serverDetails) && serverDetails[0]?.severity ? serverDetails : undefined;
  const isOwn = typeof serverCode === "string" && (found !== undefined || OWN_CODE.test(serverCode));
  const code = isOwn ? serverCode : status === 413 ? "LIMIT_EXCEEDED" : facts.code;
  const details = isOwn && !found ? { ...(serverDetails as object), ...facts.details } : facts.details;
  return makeError(name, {
    ...facts,
    code,
    details,
    ...(found && { path: found[0].path, diagnostics: found }),
  });
}
