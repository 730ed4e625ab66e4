/**
 * Texts for the reasons why a store failed. Runtimes, databases and browsers report the same reasons under different
 * codes.
 */

import { describe } from "../../shared/environment.js";

const FULL = "the disk is full";
const DENIED = "this process may not write there";

/** The texts, by Node's error code, the name of a browser's error, or SQLite's result code. */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file has reached the largest size that is allowed",
  EROFS: "the file system is read-only",
  EACCES: DENIED,
  EPERM: DENIED,
  EIO: "the disk reports an error",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENOENT: "the file or its folder is gone",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "a file stands where the folder should be",
  EISDIR: "a folder stands where the file should be",
  ESTALE: "the network file system has lost the file",
  SQLITE_FULL: FULL,
  SQLITE_READONLY: "the database is read-only",
  SQLITE_IOERR: "the disk reports an error",
  SQLITE_CORRUPT: "the database is damaged",
  SQLITE_NOTADB: "the file is not a database of SQLite",
  SQLITE_CANTOPEN:
    "the file cannot be opened: its folder has to exist, and this process has to be allowed to write there",
  QuotaExceededError: "the browser has no room left for this site",
  VersionError: "the database is of another program, or of a newer version of this one",
  NotFoundError: "the database is of another program",
  InvalidStateError: "the browser has closed the database",
  TransactionInactiveError: "the browser has closed the database",
  AbortError: "the browser aborted the change",
  UnknownError: "the browser cannot read or write its data",
  DataError: "the browser cannot read or write its data",
  SecurityError: "the browser lets this page keep no data",
  NotAllowedError: "the browser lets this page keep no data",
};

/** SQLite's result codes, which `node:sqlite` gives as numbers. */
const sqliteNames: Readonly<Record<number, string>> = {
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  26: "SQLITE_NOTADB",
};

/** The reason as text; never empty. */
export function reasonOf(error: unknown): string {
  const { code, errcode, name } = Object(error ?? {}) as {
    code?: unknown;
    errcode?: unknown;
    name?: unknown;
  };
  // An extended code is a primary code with a suffix.
  const simple = /^SQLITE_[A-Z]+/.exec(String(code))?.[0];
  const names = [code, simple, typeof errcode === "number" ? sqliteNames[errcode & 0xff] : undefined, name];
  const known = names.find((key) => typeof key === "string" && Object.hasOwn(reasons, key));
  if (known !== undefined) return reasons[known as string] as string;
  const isOfBrowser = typeof DOMException === "function" && error instanceof DOMException;
  if (isOfBrowser) return `the browser reports \`${name}\``;
  return describe(error) || "for a reason that has no text";
}
