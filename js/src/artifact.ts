/** Artifacts: Python files that durable tasks run from, packed and uploaded. */

import type { Client } from "./client.js";
import { builtinModule, uuid } from "./environment.js";
import { errorOf, isHighwayError } from "./errors.js";
import type { CallOptions } from "./options.js";

/** A Python package as plain data, for runtimes without a file system. */
export interface PythonPackage {
  /** Name of the package, by which its modules import each other. */
  readonly name: string;
  /** Text of its files by path below it: `{ "main.py": "def run(ctx): …" }`. */
  readonly files: Readonly<Record<string, string>>;
}

/** The little of a file system that reading a package takes. */
interface FileSystem {
  readdirSync(folder: string, options: { withFileTypes: true }): { name: string; isDirectory(): boolean }[];
  readFileSync(file: string, encoding: "utf8"): string;
}

/** @internal The packages that a driver has been given. */
export class Packages {
  readonly #files = new Map<string, Readonly<Record<string, string>>>();
  readonly #folders = new Map<string, string>();

  /** The options of a task with a package by its name or folder, as the core knows it. */
  named(options: unknown): unknown {
    const given = (options as { package?: unknown } | null)?.package;
    if (typeof given === "string") this.#folders.set(baseName(given), given);
    if (typeof given !== "object" || given === null) return options;
    const { name, files } = given as Partial<PythonPackage>;
    if (typeof name !== "string" || !/^\w+$/.test(name)) {
      throw invalid("the package has no `name` that Python could import", "/package/name");
    }
    const isText = Object.entries(files ?? {}).every(
      ([path, text]) => typeof text === "string" && isInside(path),
    );
    if (typeof files !== "object" || files === null || !isText) {
      throw invalid(`the files of the package \`${name}\` are not texts by their paths`, "/package/files");
    }
    this.#files.set(name, files);
    return { ...(options as object), package: name };
  }

  /** The files of all packages by name; folders are read now. */
  files(): Record<string, Readonly<Record<string, string>>> {
    const fs = builtinModule<FileSystem>("fs");
    const read = fs ? [...this.#folders].map(([name, folder]) => [name, filesIn(fs, folder)] as const) : [];
    return Object.fromEntries([...read, ...this.#files]);
  }
}

const baseName = (folder: string): string => folder.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, "");

/** Whether a path leads nowhere but down. */
const isInside = (path: string): boolean =>
  path !== "" && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** The Python files in a folder and below it, but for what is hidden or compiled. */
function filesIn(fs: FileSystem, folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (below: string): void => {
    for (const entry of fs.readdirSync(`${folder}/${below}`, { withFileTypes: true })) {
      const path = `${below}${entry.name}`;
      if (entry.name.startsWith(".") || entry.name.startsWith("__pycache__")) continue;
      if (entry.isDirectory()) walk(`${path}/`);
      else if (entry.name.endsWith(".py")) found[path] = fs.readFileSync(`${folder}/${path}`, "utf8");
    }
  };
  try {
    walk("");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw errorOf("PACKAGE_INVALID", `the package \`${folder}\` cannot be read: ${reason}`, { cause });
  }
  return found;
}

/** @internal Uploads files as one artifact. Gives its id. */
export async function uploadFiles(
  client: Client,
  files: Record<string, string>,
  options: CallOptions,
): Promise<string> {
  const { zip } = await import("./generated/zip.js");
  try {
    return await uploadArtifact(
      client,
      new Blob([zip(files)]),
      `driver_tasks_${uuid().slice(0, 8)}.zip`,
      options,
    );
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

/** @internal Uploads an archive. Gives its id, which is made of its content: uploading it twice gives one artifact. */
export async function uploadArtifact(
  client: Client,
  archive: Blob,
  filename: string,
  { signal, timeout }: CallOptions,
): Promise<string> {
  const attachment = (): FormData => {
    const form = new FormData();
    form.append("artifact", new Blob([archive], { type: "application/zip" }), filename);
    return form;
  };
  const args = { method: "POST", path: "artifacts", attachment: true, repeatable: true };
  const answer = await client.call<{ artifact_id?: unknown } | null>("request", args, {
    signal,
    timeout,
    attachment,
  });
  const id = answer?.artifact_id;
  if (typeof id === "string" && id !== "") return id;
  throw client.unexpected("the server took the artifact but named no id", answer);
}

function invalid(message: string, path: string): Error {
  return errorOf("PACKAGE_INVALID", message, {
    path,
    help: 'give the folder, or `package: { name: "orders", files: { "main.py": "…" } }`',
  });
}
