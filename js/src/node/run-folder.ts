/** Folders that belong to runs. */

import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToolContext } from "../engine/tool.js";
import { untilEnd } from "./process.js";

/**
 * Gives for each run a fresh folder, as what `kept` makes of its path; removed when the run is over, or this process ends.
 */
export function foldersOfRuns<T>(prefix: string, kept: (path: string) => T): (context: ToolContext) => T {
  const folders = new Map<string, T>();
  return (context) => {
    const existing = folders.get(context.runId);
    if (existing !== undefined) return existing;
    // Made at once, so that there is no moment in which it exists and nobody would remove it.
    const path = mkdtempSync(join(tmpdir(), prefix));
    const letGo = untilEnd(() => rmSync(path, { recursive: true, force: true }));
    const folder = kept(path);
    folders.set(context.runId, folder);
    context.onRunEnd(async () => {
      folders.delete(context.runId);
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      letGo();
    });
    return folder;
  };
}
