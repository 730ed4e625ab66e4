/** `tools.python.run`: calls functions of uploaded packages, for durable tasks. */

import { randomUUID } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  badArguments,
  type Tool,
  type ToolArguments,
  type ToolContext,
  ToolError,
} from "../engine/tools/tool.js";
import { run } from "./process.js";
import { RUNNER } from "./python-runner.js";
import { foldersOfRuns } from "./run-folder.js";
import { parseJson } from "../shared/json.js";
import { plainText } from "../shared/plain.js";

/** How to call Python. */
export interface PythonSettings {
  readonly python: string;
  readonly env: (more: unknown) => NodeJS.ProcessEnv;
  readonly directory: (context: ToolContext) => string;
  readonly workspace: string | undefined;
  /** Bytes of output to keep of each stream. */
  readonly maxOutput: number;
  /** The largest result, in bytes of JSON. */
  readonly maxResult: number;
}

/** The files of a run on the disk. */
interface PrivateFolder {
  readonly path: string;
  /** The files of its artifacts by id. Each is written once. */
  readonly archives: Map<string, Promise<string>>;
}

/** What the runner writes. */
type Outcome =
  | {
      readonly result: unknown;
      readonly variables: Readonly<Record<string, unknown>>;
      readonly events: readonly (readonly [string, unknown])[];
    }
  | { readonly code: string; readonly message: string; readonly traceback?: string };

/** Errors that another attempt would repeat. */
const FINAL = ["ARTIFACT_INVALID", "TOOL_ARGUMENTS_INVALID", "UNSUPPORTED", "VALUE_NOT_JSON"];

/** Creates the tool. */
export function pythonRun(settings: PythonSettings): Tool {
  const { python, env, directory, workspace, maxOutput, maxResult } = settings;
  // Outside the working directory, which the commands of the run may change, so that none of their files is run as
  // code.
  const privateFolder = foldersOfRuns<PrivateFolder>("python", workspace, (path) => ({
    path,
    archives: new Map(),
  }));

  return async (call, context) => {
    const [path, ...args] = call.args;
    if (typeof path !== "string") {
      throw badArguments("the first argument names no function", 'give it as "module.function"');
    }
    const variables = context.variables();
    const id = artifactOf(call, variables);
    const { path: folder, archives } = privateFolder(context);
    if (id !== undefined && !archives.has(id))
      archives.set(id, written(context, join(folder, `${id}.zip`), id));
    const archive = id && (await archives.get(id));
    const { artifact_id: _, ...kwargs } = call.kwargs;
    const outcomeFile = join(folder, `${randomUUID()}.outcome`);
    const { runId, workflow, task, attempt, idempotencyKey, signal } = context;
    const job = {
      ...{ runId, workflow, task, attempt, idempotencyKey, function: path, args, kwargs, variables },
      archive: archive ?? null,
      folder: id ? join(folder, id) : null,
      state: folder,
      outcome: outcomeFile,
    };
    const finished = await run(
      {
        file: python,
        args: ["-c", RUNNER],
        cwd: directory(context),
        env: { ...env(undefined), PYTHONIOENCODING: "utf-8" },
        input: plainText(job),
        maxOutput,
        output: context.output,
      },
      signal,
    );
    const { stdout, stderr } = finished;
    const text = await takenFile(outcomeFile, maxResult);
    const outcome = text === undefined ? undefined : (parseJson(text) as Outcome);
    if (outcome === undefined) {
      const message = `Python ended with exit code ${finished.code} before the function did`;
      throw new ToolError(message, {
        code: "EXIT_CODE_NONZERO",
        result: { stdout, stderr, returncode: finished.code },
      });
    }
    if ("code" in outcome) {
      const { code, message, traceback } = outcome;
      throw new ToolError(`\`${path}\` failed: ${message}`, {
        code,
        retryable: FINAL.includes(code) ? false : undefined,
        result: { stdout, stderr, ...(traceback === undefined ? {} : { traceback }) },
      });
    }
    for (const [name, value] of Object.entries(outcome.variables)) context.setVariable(name, value);
    for (const [name, payload] of outcome.events) context.emitEvent(name, payload);
    return outcome.result;
  };
}

/** The artifact that the call names, or else the inputs of the run. */
function artifactOf(
  { kwargs }: ToolArguments,
  variables: Readonly<Record<string, unknown>>,
): string | undefined {
  const id = kwargs["artifact_id"] ?? variables["_artifact_id"];
  if (id === undefined || id === null || id === "") return undefined;
  // The id becomes the name of a folder.
  if (typeof id === "string" && /^[0-9a-f]{64}$/.test(id)) return id;
  throw badArguments("`artifact_id` is not the id of an artifact", "take the `artifact_id` of its upload");
}

async function written(context: ToolContext, file: string, id: string): Promise<string> {
  await writeFile(file, await context.artifact(id));
  return file;
}

/** Reads and removes a file that Python has written; undefined if there is none. */
export async function takenFile(file: string, most: number): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size <= most) return await readFile(file, "utf8");
  } catch {
    // Python ended before it wrote the file.
    return undefined;
  } finally {
    await rm(file, { force: true });
  }
  throw new ToolError(`the result of the Python is larger than ${most} bytes`, {
    code: "LIMIT_EXCEEDED",
    retryable: false,
    help: "write it to a file, or raise `maxResult` of `nodeTools`",
    details: { limit: "maxResult", allowed: most },
  });
}
