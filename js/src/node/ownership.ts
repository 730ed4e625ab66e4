/** Checks who owns the files of a server. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "../shared/options.js";

/** The parts of a data folder that a server reads and trusts. */
const PARTS = ["", "key", "runs", "runs/journal", "runs/lock", "work"];
/** The permission bit that lets everybody write. */
const WRITABLE_BY_ALL = 0o002;

/**
 * Refuses a data folder that another user could have written to. It contains a key that grants access, and runs that
 * call a shell. Windows has other permissions, which only an administrator gives away.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function checkOwnership(data: string): void {
  const user = process.geteuid?.();
  if (user === undefined) return;
  for (const part of PARTS) {
    const path = join(data, part);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (found.uid !== user) {
      const whose = `belongs to another user (uid ${found.uid}; this process has ${user})`;
      throw invalid(
        `\`${path}\` ${whose}`,
        "/data",
        "serve from a data folder of your own, or make this one yours",
      );
    }
    if ((found.mode & WRITABLE_BY_ALL) !== 0) {
      const help = `remove this right (\`chmod -R o-w\`) if you trust the contents of the folder, or serve from another data folder`;
      throw invalid(`everybody may write to \`${path}\``, "/data", help);
    }
  }
}
