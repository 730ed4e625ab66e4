/** The one way into WebAssembly: every call passes here, so that every failure leaves as an error of this package. */

import { type ErrorFacts, errorOf, type HighwayError, makeError } from "../shared/errors.js";

/** Codes of an engine's refusals that say more than their HTTP status. */
const OWN_CODE =
  /^(LIMIT_EXCEEDED|SCHEDULE_INVALID|VALUE_NOT_JSON|JOURNAL_INVALID|STORE_IN_USE|ENGINE_CLOSED|WASM_PANIC)$/;

/** Calls into a module; `onTrap` hears of a module that stopped for good. */
export function guard<T>(call: () => T, onTrap: (error: HighwayError) => void): T {
  try {
    return call();
  } catch (error) {
    throw translate(error, onTrap);
  }
}

/** The same for a call that returns a promise. */
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

/** @internal What a module threw, as one of our errors. */
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

/** @internal An error as the core writes it. */
export function errorOfFacts(text: string): HighwayError {
  const { name, ...facts } = JSON.parse(text) as ErrorFacts & { name: string };
  const { status, serverCode, serverDetails } = facts.details ?? {};
  // The findings of an engine are written as our own, and so are some of its codes.
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
