// Assertions about errors of the package.
import assert from "node:assert/strict";
import { isHighwayError } from "highway-wasm";

/** The error that a function throws. */
export function thrownBy(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

/** The error that a promise rejects with. */
export async function rejectionOf(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  assert.fail(`it did not reject, but gave ${JSON.stringify(value)}`);
}

/**
 * Checks an error of the package: its class, code and path, and patterns of message and help. Also checks the style of
 * all messages: lower case, no full stop.
 */
export function checkError(error, { name, code, path, message, help }) {
  assert.ok(isHighwayError(error), `not an error of the package: ${error?.stack ?? error}`);
  assert.ok(error instanceof Error);
  assert.equal(`${error.name} ${error.code}`, `${name} ${code}`, error.message);
  assert.ok(isHighwayError(error, code));
  if (path !== undefined) assert.equal(error.path, path);
  if (message !== undefined) assert.match(error.message, message);
  if (help !== undefined) assert.match(error.help ?? "", help);
  assert.doesNotMatch(error.message, /^[A-Z][a-z]|[^.]\.$/, "lower case, no full stop");
  return error;
}

/** {@link checkError} for the error that a function throws. */
export const checkThrown = (work, expected) => checkError(thrownBy(work), expected);

/** {@link checkError} for the error that a promise rejects with. */
export const checkRejection = async (promise, expected) => checkError(await rejectionOf(promise), expected);

/** Every text that an error can become in a log. */
export async function textsOf(error) {
  const { inspect } = await import("node:util");
  const own = Reflect.ownKeys(error).map((key) => inspect(error[key], { depth: 10 }));
  return [
    String(error),
    error.message,
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: 20, showHidden: true }),
    ...own,
  ].join("\n");
}
