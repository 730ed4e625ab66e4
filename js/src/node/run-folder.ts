/** Folders that belong to runs. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToolContext } from "../engine/tools/tool.js";
import { untilEnd } from "./process.js";

const GONE = { recursive: true, force: true } as const;
/** {@link GONE} for a folder in which a process may still be running. */
const GONE_SOON = { ...GONE, maxRetries: 5, retryDelay: 100 } as const;

/**
 * Returns a function that gives each run a folder, as the value that `kept` makes of its path. The folder is removed
 * when the run has ended. In a `workspace` it survives this process, for runs that continue at the next start;
 * otherwise it is removed when this process ends.
 */
export function foldersOfRuns<T>(
  kind: string,
  workspace: string | undefined,
  kept: (path: string) => T,
): (context: ToolContext) => T {
  const folders = new Map<string, T>();
  return (context) => {
    const { runId } = context;
    const existing = folders.get(runId);
    if (existing !== undefined) return existing;
    const { path, letGo } = workspace === undefined ? temporary(kind) : lasting(workspace, runId, kind);
    const folder = kept(path);
    folders.set(runId, folder);
    context.onRunEnd(async (isOver) => {
      folders.delete(runId);
      if (workspace === undefined) await rm(path, GONE_SOON);
      else if (isOver) await rm(ofRun(workspace, runId), GONE_SOON);
      letGo();
    });
    return folder;
  };
}

function temporary(kind: string): { path: string; letGo: () => void } {
  // Created synchronously, so that at no moment a folder exists that nobody would remove.
  const path = mkdtempSync(join(tmpdir(), `highway-${kind}-`));
  return { path, letGo: untilEnd(() => rmSync(path, GONE)) };
}

function lasting(workspace: string, runId: string, kind: string): { path: string; letGo: () => void } {
  const path = join(ofRun(workspace, runId), kind);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, letGo: () => {} };
}

const ofRun = (workspace: string, runId: string): string => join(workspace, encodeURIComponent(runId));

/** Removes the folders of runs that ended while no process was there to do so. */
export async function tidyWorkspace(
  workspace: string,
  isOver: (runId: string) => Promise<boolean>,
): Promise<void> {
  for (const name of await readdir(workspace).catch(() => [])) {
    if (await isOver(decodeURIComponent(name))) await rm(join(workspace, name), GONE_SOON);
  }
}
