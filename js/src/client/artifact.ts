/** Python packages of durable tasks, and the upload of archives. */

import type { Client } from "./client.js";
import { builtinModule } from "../shared/environment.js";
import { errorOf } from "../shared/errors.js";
import type { CallOptions } from "./options.js";

/** A Python package as plain data, for runtimes without a file system. */
export interface PythonPackage {
  /** Name of the package, by which Python imports it. */
  readonly name: string;
  /** Text of each file, by its path within the package: `{ "main.py": "def run(ctx): …" }`. */
  readonly files: Readonly<Record<string, string>>;
}

/** @internal The package of a task: its files, or the folder to read them from at submission. */
export interface TaskPackage {
  readonly name: string;
  readonly folder?: string;
  readonly files?: PythonPackage["files"];
}

/** @internal The package in the options of a task. The core gets only its name. */
export function packageOf(options: unknown): TaskPackage | undefined {
  const given = (options as { package?: unknown } | null)?.package;
  // An empty name means no package, as in Python.
  if (given === "") return undefined;
  if (typeof given === "string") return packageIn(given);
  if (typeof given !== "object" || given === null) return undefined;
  const { name, files } = given as Partial<PythonPackage>;
  if (typeof name !== "string" || !/^[A-Za-z_]\w*$/.test(name)) {
    throw invalid("the package has no `name` that Python could import", "/package/name");
  }
  const isText = Object.entries(files ?? {}).every(
    ([path, text]) => typeof text === "string" && isInside(path),
  );
  if (typeof files !== "object" || files === null || !isText) {
    throw invalid(`the files of the package \`${name}\` are not texts by their paths`, "/package/files");
  }
  return { name, files: { ...files } };
}

/** The package in a folder. The path is resolved first, because its last part may be `.` or `..`. */
function packageIn(given: string): TaskPackage {
  const paths = builtinModule<{ resolve(path: string): string }>("path");
  const folder = paths?.resolve(given) ?? given;
  const name = folder
    .split(/[/\\]/)
    .filter((part) => part !== "" && part !== ".")
    .at(-1);
  if (name === undefined) throw invalid("`package` names no folder", "/package");
  return { name, folder };
}

/** Whether a relative path stays inside its folder, on every operating system. */
const isInside = (path: string): boolean =>
  !/[\\:\p{Cc}]/u.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part));

/**
 * @internal Uploads an archive and returns the artifact's id. The id comes from the content, so uploading twice is
 * safe.
 */
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
