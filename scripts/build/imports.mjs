// Short names for the imports of a wasm module. wasm-bindgen's names contain a hash, once in the module and once in the
// glue. Hashes do not compress: they are 3 KB of the core's first load.

/** Reads a number (LEB128) at `at` of `bytes`. Returns `[number, end]`. */
function readNumber(bytes, at) {
  let [number, shift, end] = [0, 0, at];
  do {
    number |= (bytes[end] & 0x7f) << shift;
    shift += 7;
    end += 1;
  } while (bytes[end - 1] & 0x80);
  return [number >>> 0, end];
}

/** A number in five bytes, however small it is, so that nothing has to be moved when it is known. */
const fiveBytes = (number) =>
  Uint8Array.from([0, 7, 14, 21, 28], (shift) => ((number / 2 ** shift) & 0x7f) | (shift < 28 ? 0x80 : 0));

const IMPORTS = 2;
/** The byte after the two names of an imported function: its kind. The index of its type follows. */
const FUNCTION = 0;

/** The content of the import section with other names. `shorten` gets both names and returns both. */
function renamed(section, shorten) {
  const decoder = new TextDecoder();
  const parts = [];
  let [count, at] = readNumber(section, 0);
  parts.push(section.subarray(0, at));
  const name = () => {
    const [length, start] = readNumber(section, at);
    at = start + length;
    return decoder.decode(section.subarray(start, at));
  };
  for (; count > 0; count -= 1) {
    for (const short of shorten(name(), name())) parts.push(Uint8Array.of(short.length), Buffer.from(short));
    if (section[at] !== FUNCTION) throw new Error("a module of wasm-bindgen imports functions only");
    const [, end] = readNumber(section, at + 1);
    parts.push(section.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** A module and its glue with short names for the module's imports. */
export function withShortImports(wasm, glue) {
  const modules = new Map();
  const functions = new Map();
  const short = (names, name) => {
    if (!names.has(name)) names.set(name, names.size.toString(36));
    return names.get(name);
  };
  const shorten = (module, name) => [short(modules, module), short(functions, name)];
  const parts = [wasm.subarray(0, 8)];
  for (let at = 8; at < wasm.length; ) {
    const [length, start] = readNumber(wasm, at + 1);
    const end = start + length;
    if (wasm[at] === IMPORTS) {
      const section = renamed(wasm.subarray(start, end), shorten);
      parts.push(wasm.subarray(at, at + 1), fiveBytes(section.length), section);
    } else {
      parts.push(wasm.subarray(at, end));
    }
    at = end;
  }
  const known = (names, name) => names.get(name) ?? name;
  const text = glue
    .replace(/^( +)(__wb\w+)(?=: function)/gm, (_, indent, name) => `${indent}"${known(functions, name)}"`)
    .replace(/^( +)"(\S+)"(?=: import\d+,)/gm, (_, indent, name) => `${indent}"${known(modules, name)}"`);
  return { wasm: Buffer.concat(parts), glue: text };
}
