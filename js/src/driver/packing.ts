/** Packs the Python files of durable tasks. Loaded only when such tasks are submitted. */

import { type PythonPackage, type TaskPackage, uploadArtifact } from "../client/artifact.js";
import type { Client } from "../client/client.js";
import { builtinModule, uuid } from "../shared/environment.js";
import { errorOf, isHighwayError } from "../shared/errors.js";
import { context as source } from "../generated/context.js";
import { zip } from "../generated/zip.js";
import type { CallOptions } from "../client/options.js";
import { childPath } from "../shared/pointer.js";

/** Source of the Python module that creates the context of a durable function. */
export const context: string = source;

type Files = PythonPackage["files"];

/** Name of the package of functions that were given as source. */
const FUNCTIONS = "driver_tasks";

/** The functions of `fs` that are needed to read a package. */
interface FileSystem {
  readdirSync(folder: string, options: { withFileTypes: true }): { name: string; isDirectory(): boolean }[];
  readFileSync(file: string): Uint8Array;
}

/** @internal The files of the tasks' packages, by package name. Reads folders now. */
export function packageFiles(
  tasks: Iterable<readonly [string, { source: TaskPackage | undefined }]>,
): Record<string, Files> {
  // Undefined in browsers and workers.
  const fs = builtinModule<FileSystem>("fs");
  const known = new Map<string, { folder: string | undefined; files: Files }>();
  for (const [task, { source }] of tasks) {
    if (source === undefined) continue;
    const { name, folder, files: given } = source;
    const other = known.get(name);
    if (folder !== undefined && folder === other?.folder) continue;
    const refused = (message: string, help: string, cause?: unknown): Error => {
      const path = childPath("/tasks", task);
      return errorOf("PACKAGE_INVALID", message, { path, help, cause });
    };
    if (name === FUNCTIONS) {
      throw refused(
        `the package of task \`${task}\` is called \`${name}\`, like that of functions given as source`,
        "give it another name",
      );
    }
    let files = given ?? {};
    try {
      if (fs && folder !== undefined) files = filesIn(fs, folder);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `the package \`${folder}\` cannot be read: ${reason}`;
      throw refused(message, "give a folder of Python files in UTF-8", cause);
    }
    if (other !== undefined && JSON.stringify(sorted(files)) !== JSON.stringify(sorted(other.files))) {
      throw refused(
        `the package \`${name}\` of task \`${task}\` has the name of another one with other files`,
        "Python imports both by that name; rename one of them",
      );
    }
    known.set(name, { folder, files });
  }
  return Object.fromEntries(Array.from(known, ([name, { files }]) => [name, files]));
}

/** Files in the order of their paths, so that the same files give the same archive. */
const sorted = (files: Files): Record<string, string> =>
  Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The Python files in a folder and its subfolders, without hidden and compiled ones. */
function filesIn(fs: FileSystem, folder: string): Files {
  const found: Record<string, string> = {};
  const walk = (below: string): void => {
    for (const entry of fs.readdirSync(`${folder}/${below}`, { withFileTypes: true })) {
      const path = `${below}${entry.name}`;
      if (entry.name.startsWith(".") || entry.name.startsWith("__pycache__")) continue;
      if (entry.isDirectory()) walk(`${path}/`);
      else if (path.endsWith(".py")) found[path] = decoded(fs.readFileSync(`${folder}/${path}`), path);
    }
  };
  walk("");
  return found;
}

/** The text of a file, including its byte order mark. */
function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`\`${path}\` is not UTF-8`, { cause });
  }
}

/** @internal Uploads files as one artifact and returns its id. */
export async function uploadFiles(client: Client, files: Files, options: CallOptions): Promise<string> {
  try {
    const archive = new Blob([zip(sorted(files))]);
    return await uploadArtifact(client, archive, `${FUNCTIONS}_${uuid().slice(0, 8)}.zip`, options);
  } catch (cause) {
    if (!isHighwayError(cause) || cause.code === "ABORTED") throw cause;
    const { message, help, details } = cause;
    throw errorOf(
      "ARTIFACT_UPLOAD_FAILED",
      `the functions of the durable tasks could not be uploaded: ${message}`,
      {
        help:
          help ??
          "nothing was submitted; upload them yourself and pass the id as the run input `_artifact_id`",
        details,
        cause,
      },
    );
  }
}
