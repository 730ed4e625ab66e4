// Installs missing Debian packages, as root or with a sudo that needs no password.
import { ask, run, which } from "./run.mjs";
import { Failure, step } from "./step.mjs";

let listsAreFresh = false;

/** The words before apt-get; undefined if this user may not install packages. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  if (which("sudo") && ask("sudo", ["-n", "true"]) !== undefined) return ["sudo", "-n"];
  return undefined;
}

export const hasApt = () => which("apt-get") !== undefined;

/** Installs packages. `purpose` says what they are for, in the progress line and in the error. */
export async function aptInstall(packages, purpose) {
  const command = `apt-get update && apt-get install --no-install-recommends ${packages.join(" ")}`;
  const prefix = privilege();
  if (prefix === undefined) {
    throw new Failure(
      `${purpose} needs Debian packages and this user may not install them.\nRun once: sudo sh -c '${command}'`,
    );
  }
  const apt = (...args) => {
    const [program, ...rest] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
    return run(program, rest, { capture: true });
  };
  await step(`apt-get install ${packages.join(" ")}, for ${purpose}`, async () => {
    if (!listsAreFresh) await apt("update");
    listsAreFresh = true;
    await apt("install", "-y", "--no-install-recommends", ...packages);
  });
}
