/** Artifacts: the packages that durable tasks run from, as they are given, and archives as they are uploaded. */

import type { Client } from "./client.js";
import { builtinModule } from "../shared/environment.js";
import { errorOf } from "../shared/errors.js";
import type { CallOptions } from "./options.js";

/** A Python package as plain data, for runtimes without a file system. */
export interface PythonPackage {
  /** Name of the package, by which its modules import each other. */
  readonly name: string;
  /** Text of its files by path below it: `{ "main.py": "def run(ctx): …" }`. */
  readonly files: Readonly<Record<string, string>>;
}

/** @internal The package of a task: its files, or the folder that has them when the task is submitted. */
export interface TaskPackage {
  readonly name: string;
  readonly folder?: string;
  readonly files?: PythonPackage["files"];
}

/** @internal The package that the options of a task have. The core knows it by its name. */
export function packageOf(options: unknown): TaskPackage | undefined {
  const given = (options as { package?: unknown } | null)?.package;
  // As in Python, no name is no package.
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

/** The package in a folder, whose name is only known from the whole path where that ends in dots. */
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

/** Whether a path leads nowhere but down, on any system. */
const isInside = (path: string): boolean =>
  !/[\\:\p{Cc}]/u.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part));

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
