// Creates folders in the cache once per machine. A folder is either complete or absent, even after an interruption.
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes the lock file. Returns false while a living process holds it. */
function takeLock(lock) {
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    // A link, so that the lock never exists without the id of its holder in it.
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  } finally {
    rmSync(own);
  }
  const holder = Number(existsSync(lock) && readFileSync(lock, "utf8"));
  if (holder > 0 && !alive(holder)) rmSync(lock, { force: true });
  return false;
}

/** Removes the remains of a killed set-up of the same folder. The caller holds the lock. */
function removeStagings(dir, prefix) {
  for (const name of readdirSync(dir)) {
    if (name.startsWith(prefix)) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/**
 * Ensures that the folder `target` exists. If it does not, `make(staging)` fills a folder next to it, which is then
 * renamed. Another clone that asks at the same time waits for the first.
 */
export async function makeOnce(target, make) {
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  const lock = `${target}.lock`;
  for (let waited = 0; !takeLock(lock); waited += 1) {
    if (waited === 4) console.log(`· waiting for another set-up that makes ${basename(target)} (${lock})`);
    await sleep(250);
  }
  const prefix = `.${basename(target)}.staging-`;
  const staging = join(dirname(target), prefix + process.pid);
  try {
    if (existsSync(target)) return;
    removeStagings(dirname(target), prefix);
    mkdirSync(staging);
    await make(staging);
    // Another set-up may have been first, because the lock of a killed one is free for everybody.
    if (!existsSync(target)) renameSync(staging, target);
  } finally {
    rmSync(staging, { recursive: true, force: true });
    rmSync(lock, { force: true });
  }
}
