// Changes to the glue of wasm-bindgen. Each function fails if the glue does not have the form that it expects.

const called = "return f(a, state.b, ...args);\n        } finally {";
const heard = called.replace(
  "} finally",
  "} catch (error) {\n            trapped(error);\n        } finally",
);

/**
 * The glue with `whenTrapped`, which reports a trap in the continuation of a promise. Such a trap has no caller:
 * without the report, it is an unhandled rejection, and the pending call never ends.
 */
export function withTraps(glue) {
  if (!glue.includes(called))
    throw new Error("the glue of wasm-bindgen has another form than `withTraps` expects");
  return `${glue.replace(called, heard)}
let trapped = (error) => {
    throw error;
};
export function whenTrapped(hear) {
    trapped = hear;
}
`;
}

/** The types of that glue. */
export const withTrapTypes = (types) => `${types}
/** Sets the function that gets the error of a continuation. */
export function whenTrapped(hear: (error: unknown) => void): void;
`;

/**
 * The glue with a faster copy of long texts. wasm-bindgen's own looks at each character while the text is ASCII, and
 * reserves three bytes for each character after that: 20 MB would block the thread several times as long.
 */
export function withLongTexts(glue) {
  const own =
    / {4}let offset = 0;\n\n( {4}for \(; offset < len; offset\+\+\) \{.*?\n {4}\}\n) {4}if \(offset !== len\) \{\n {8}if \(offset !== 0\) \{\n *(arg = arg.slice)\(offset\);\n {8}\}\n/s;
  if (!own.test(glue))
    throw new Error("the glue of wasm-bindgen has another form than `withLongTexts` expects");
  return glue.replace(own, (_, loop, slice) => {
    return `    let [read, offset] = [0, 0];
    if (len > 1024) ({ read, written: offset } = cachedTextEncoder.encodeInto(arg, mem.subarray(ptr, ptr + len)));
    else {
${loop.replaceAll("offset", "read")}        offset = read;
    }
    if (read !== len) {
        ${slice}(read);
`;
  });
}
