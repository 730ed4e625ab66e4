/** Loads JavaScript and TypeScript modules that the command line names. */

import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isHighwayError } from "../shared/errors.js";
import { isObject } from "../shared/plain.js";
import { InputError } from "./exit-codes.js";
import { checkFile } from "./files.js";
import { findSlip } from "./places.js";

const JAVASCRIPT = [".js", ".mjs", ".cjs"];
const TYPESCRIPT = [".ts", ".mts", ".cts"];

/** What is needed to run a TypeScript module. */
export const TYPESCRIPT_NEEDS =
  "Node.js 22.18 or newer, or a loader such as tsx: `NODE_OPTIONS='--import tsx'`";

/** Whether a file is a module, by its name. */
export const isModule = (file: string): boolean =>
  [...JAVASCRIPT, ...TYPESCRIPT].includes(extname(file).toLowerCase());

/** The exports of a module. */
export interface Exports {
  readonly default?: unknown;
  readonly [name: string]: unknown;
}

/** Loads a module. */
export async function loadModule(file: string): Promise<Exports> {
  // The loader reads the whole file.
  checkFile(file);
  let exports: Exports;
  try {
    exports = (await import(pathToFileURL(resolve(file)).href)) as Exports;
  } catch (cause) {
    // An error of this package already says what is wrong.
    if (isHighwayError(cause)) throw cause;
    await findSlip(file, cause);
    throw failure(file, cause);
  }
  const { default: main } = exports;
  // A module compiled to CommonJS has its exports inside Node's default export.
  return isObject(main) && main["__esModule"] === true ? (main as Exports) : exports;
}

function failure(file: string, cause: unknown): InputError {
  const { code, message, name } = Object(cause ?? {}) as Readonly<
    Record<"code" | "message" | "name", unknown>
  >;
  const what = `\`${file}\` could not be loaded`;
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" && /"\.[cm]?tsx?"/.test(String(message))) {
    return new InputError(
      `${what}: Node.js ${process.versions.node} does not run TypeScript`,
      `use ${TYPESCRIPT_NEEDS}`,
      cause,
    );
  }
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    return new InputError(
      `${what}: ${String(message)}`,
      "Node.js removes types and compiles nothing: avoid `enum`, `namespace` and parameter properties, or use a loader such as tsx: `NODE_OPTIONS='--import tsx'`",
      cause,
    );
  }
  // `import` and `require` have different messages, and `require` lists the requiring modules after it.
  const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  const [text = ""] = isMissing ? String(message).split("\n") : [String(message)];
  const [, missing] = /^Cannot find (?:package|module) '([^'./\\][^':]*)'/.exec(isMissing ? text : "") ?? [];
  const help = missing && `install it: \`npm install ${missing}\``;
  const reason = cause instanceof Error ? `${String(name)}: ${text}` : String(cause);
  return new InputError(`${what}: ${reason}`, help, cause);
}
