/**
 * The lines of a journal file: `checksum length entry`. The checksum is the CRC-32 of the rest of the line, as eight
 * hexadecimal digits. The length is that of the entry in bytes. Lines of the first versions have no length.
 */

import { constants } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import zlib from "node:zlib";
import { errorOf, type HighwayError } from "../shared/errors.js";

/** Bytes to read at once. */
export const CHUNK = 1 << 20;
const { MAX_STRING_LENGTH } = constants;

/** Bytes of a checksum and the blank after it. */
const CHECKSUM = 9;
const LINE_BREAK = 10;
/** JSON escapes all bytes below this one, so no entry has them. */
const BLANK = 32;

/** The line of an entry. */
export function lineOf(entry: string): string {
  const text = `${Buffer.byteLength(entry)} ${entry}`;
  return `${checksum(text)} ${text}\n`;
}

/**
 * The entry of a line; undefined if the line is damaged.
 *
 * @throws {ExecutionError} `JOURNAL_INVALID` if the entry is too long to be read.
 */
export function entryOf({ bytes, from }: Line, path: string): string | undefined {
  const text = bytes.subarray(CHECKSUM, -1);
  const isWhole =
    bytes.at(-1) === LINE_BREAK && bytes.toString("latin1", 0, CHECKSUM) === `${checksum(text)} `;
  if (!isWhole) return undefined;
  const [length = ""] = /^\d* ?/.exec(text.toString("latin1", 0, 20)) ?? [];
  try {
    return text.toString("utf8", length.length);
  } catch {
    throw tooLong(path, from);
  }
}

/**
 * Whether the last line is the beginning of an entry, as an interrupted write leaves it. The length tells it from
 * damage, which leaves too many bytes. Zeros are damage, because they may replace any number of entries.
 */
export function isCutOff({ bytes }: Line): boolean {
  const start = bytes.toString("latin1", 0, 20);
  const [head, digits] = /^[0-9a-f]{8} (\d{1,10}) /.exec(start) ?? [];
  if (head === undefined) return /^([0-9a-f]{0,8}|[0-9a-f]{8} \d{0,10})$/.test(start);
  const missing = Number(digits) - (bytes.length - head.length);
  // Only the line break is missing. The checksum tells whether the entry is complete.
  if (missing === 0) return head.startsWith(checksum(bytes.subarray(CHECKSUM)));
  return missing > 0 && !bytes.some((byte) => byte < BLANK) && isUtf8(bytes);
}

/** Whether bytes are UTF-8 text, whose last character may be incomplete. */
function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** A line of a file. */
export interface Line {
  /** The bytes of the line, with its line break if it has one. */
  readonly bytes: Buffer;
  /** Position of its first byte in the file. */
  readonly from: number;
}

/** The lines of a file. Reads each byte once, and holds one line and one chunk at most. */
export async function* linesOf(file: FileHandle, path: string): AsyncGenerator<Line> {
  /** The beginning of a line that is not complete yet. */
  let parts: Buffer[] = [];
  let held = 0;
  let from = 0;
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    let start = 0;
    for (
      let at = buffer.indexOf(LINE_BREAK);
      at >= 0 && at < bytesRead;
      at = buffer.indexOf(LINE_BREAK, start)
    ) {
      const bytes = Buffer.concat([...parts, buffer.subarray(start, at + 1)]);
      yield { bytes, from };
      [parts, held, from, start] = [[], 0, from + bytes.length, at + 1];
    }
    if (start < bytesRead) parts.push(buffer.subarray(start, bytesRead));
    held += bytesRead - start;
    // A character takes at most three bytes.
    if (held > 3 * MAX_STRING_LENGTH) throw tooLong(path, from);
  }
  if (held > 0) yield { bytes: Buffer.concat(parts), from };
}

/** CRC-32 as eight hexadecimal digits. */
function checksum(entry: string | Buffer): string {
  return crc32(entry).toString(16).padStart(8, "0");
}

/** Node's own function, which came after Node 20.0, takes a tenth of the time. */
const crc32: (entry: string | Buffer) => number = zlib.crc32 ?? ownCrc32;

function ownCrc32(entry: string | Buffer): number {
  const bytes = typeof entry === "string" ? Buffer.from(entry, "utf8") : entry;
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) {
    crc = (table[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ -1) >>> 0;
}

const table = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The error for a journal with a damaged line. */
export function damaged({ bytes, from }: Line, path: string): HighwayError {
  let zeros = 0;
  while (bytes.at(-1 - zeros) === 0) zeros += 1;
  const help =
    zeros === 0
      ? "restore the file from a copy, or move it away to begin anew; nothing in it was changed"
      : `it has ${zeros} zeros there, as a power failure may leave them; to go on without what they replace, shorten the file to ${from} bytes (\`truncate -s ${from}\`), or restore it from a copy; nothing in it was changed`;
  return errorOf("JOURNAL_INVALID", `the journal \`${path}\` is damaged at byte ${from}`, {
    details: { path, offset: from, ...(zeros > 0 && { zeros }) },
    help,
  });
}

function tooLong(path: string, offset: number): Error {
  return errorOf(
    "JOURNAL_INVALID",
    `the entry at byte ${offset} of the journal \`${path}\` is too long to be read`,
    {
      details: { path, offset },
      help: `a text has ${MAX_STRING_LENGTH} characters at most here; restore the file, or move it away to begin anew`,
    },
  );
}
