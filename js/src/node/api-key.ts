/** The API key of a server: one that was given, or one of its own, which is kept in its data folder. */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { environmentVariable } from "../shared/environment.js";
import { invalid } from "../shared/options.js";

/** A key, and where it is from. */
export interface ApiKey {
  readonly key: string;
  /** The file it is kept in; undefined where it was given. */
  readonly file: string | undefined;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/** The key that was given, else that of the environment, else that of the data folder, which gets one where it has none. */
export function apiKey(given: string | undefined, data: string): ApiKey {
  if (given !== undefined) return { key: checked(given, "/key"), file: undefined, isNew: false };
  const fromEnvironment = environmentVariable("HIGHWAY_API_KEY");
  if (fromEnvironment !== undefined) {
    return { key: checked(fromEnvironment, "/key"), file: undefined, isNew: false };
  }
  const file = join(resolve(data), "key");
  return read(file) ?? create(resolve(data), file);
}

/** A header has to be able to carry it. The key itself is not for messages. */
function checked(key: unknown, path: string, help?: string): string {
  if (typeof key === "string" && /^[\x21-\x7e]+$/.test(key)) return key;
  throw invalid("the API key is empty, or has blanks or characters that are not ASCII", path, help);
}

function read(file: string): ApiKey | undefined {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    // Where a link leads, somebody else's file would become the key, and get other rights.
    throw code === "ELOOP" ? noFile(file) : cause;
  }
  try {
    if (!fstatSync(fd).isFile()) throw noFile(file);
    const help = `remove the file \`${file}\`, and a new key is made`;
    const key = checked(readFileSync(fd, "utf8").trim(), "/data", help);
    closeToOthers(fd);
    return { key, file, isNew: false };
  } finally {
    closeSync(fd);
  }
}

function noFile(file: string): Error {
  const help = "remove it, and a new key is made; a key of your own is read from HIGHWAY_API_KEY";
  return invalid(`\`${file}\` is not a regular file, so the API key is not read from it`, "/data", help);
}

/** What was copied or restored may have come with other rights. Windows has none of these. */
function closeToOthers(fd: number): void {
  if (process.platform === "win32" || (fstatSync(fd).mode & 0o077) === 0) return;
  try {
    fchmodSync(fd, 0o600);
  } catch {
    // Another user's file, or a mount that nobody writes to: whoever made it so has to know.
  }
}

/** Makes a folder for what a server keeps, where there is none. */
export function makeFolder(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) {
    // The folder is made where people work, and a key is soon committed.
    writeFileSync(join(folder, ".gitignore"), "*\n");
  }
}

function create(folder: string, file: string): ApiKey {
  makeFolder(folder);
  const key = `hw_k1_${randomBytes(32).toString("base64url")}`;
  const draft = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`;
  writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: "wx" });
  try {
    // Unlike writing in place this is all or nothing: who starts at the same moment reads a whole key, the same one.
    linkSync(draft, file);
    return { key, file, isNew: true };
  } catch (cause) {
    const other = (cause as NodeJS.ErrnoException).code === "EEXIST" ? read(file) : undefined;
    if (other !== undefined) return other;
    // Not every file system has hard links.
    writeFileSync(file, `${key}\n`, { mode: 0o600, flag: "wx" });
    return { key, file, isNew: true };
  } finally {
    rmSync(draft, { force: true });
  }
}
