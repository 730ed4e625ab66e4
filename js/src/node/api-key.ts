/** The API key of a server: given by the caller, or created and kept in the data folder. */

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

/** A key and its origin. */
export interface ApiKey {
  readonly key: string;
  /** The file with the key; undefined if the caller or the environment gave it. */
  readonly file: string | undefined;
  /** Whether the key is new. */
  readonly isNew: boolean;
}

/**
 * The key of a server: `given`, or that of the environment, or that of the data folder. If none has one, creates a
 * key in the data folder.
 */
export function apiKey(given: string | undefined, data: string): ApiKey {
  if (given !== undefined) return { key: checked(given, "/key"), file: undefined, isNew: false };
  const fromEnvironment = environmentVariable("HIGHWAY_API_KEY");
  if (fromEnvironment !== undefined) {
    return { key: checked(fromEnvironment, "/key"), file: undefined, isNew: false };
  }
  const file = join(resolve(data), "key");
  return read(file) ?? create(resolve(data), file);
}

/** A header must be able to hold the key. Messages never show it. */
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
    // If the file is a link, another user's file could become the key and get other permissions.
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

/** A copied or restored file may have other permissions. Windows does not have them. */
function closeToOthers(fd: number): void {
  if (process.platform === "win32" || (fstatSync(fd).mode & 0o077) === 0) return;
  try {
    fchmodSync(fd, 0o600);
  } catch {
    // The file belongs to another user, or the mount is read-only: the permissions are the business of its owner.
  }
}

/** Creates the folder for a server's data, if it does not exist. */
export function makeFolder(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) {
    // The folder may be inside a repository, and a key is soon committed.
    writeFileSync(join(folder, ".gitignore"), "*\n");
  }
}

function create(folder: string, file: string): ApiKey {
  makeFolder(folder);
  const key = `hw_k1_${randomBytes(32).toString("base64url")}`;
  const draft = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`;
  writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: "wx" });
  try {
    // A link is created completely or not at all: two servers that start at the same moment read the same, complete
    // key.
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
