/**
 * Reads the file of a form (`multipart/form-data`). The runtime's own reader takes seconds for a form with many parts
 * or many header lines.
 */

import type { Steps } from "../../shared/steps.js";

/** Bytes that become the arguments of one call. */
const CHUNK = 1 << 13;
/** The most bytes of the headers of all parts together, and the bytes that each part counts in addition. */
export const MOST_HEAD = 64 * 1024;
const EACH_PART = 64;
/** Longest boundary between parts, in characters (RFC 2046). */
const LONGEST_BOUNDARY = 70;

/** A file in a form. */
interface FormFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/**
 * The part `artifact` of a form if it is a file, otherwise the first file. Undefined if there is none, or the form is
 * broken.
 */
export function* fileOfForm(bytes: Uint8Array, type: string): Steps<FormFile | "too much" | undefined> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined || boundary.length > LONGEST_BOUNDARY) return undefined;
  // One character per byte, so that positions in the text are positions in the bytes.
  const text = yield* binaryOf(bytes);
  const delimiter = `\r\n--${boundary}`;
  let at = text.startsWith(delimiter.slice(2)) ? delimiter.length - 2 : endOf(text, delimiter);
  let [first, left]: [FormFile | undefined, number] = [undefined, MOST_HEAD];
  while (at >= 0 && !text.startsWith("--", at)) {
    const head = text.indexOf("\r\n\r\n", at);
    const end = text.indexOf(delimiter, head);
    left -= head - at + EACH_PART;
    if (head < 0 || end < 0) return undefined;
    if (left < 0) return "too much";
    const { name, file, mime } = headOf(new TextDecoder().decode(bytes.subarray(at, head)));
    if (file !== undefined) {
      const found = { name: file, type: mime, bytes: bytes.subarray(head + 4, end) };
      if (name === "artifact") return found;
      first ??= found;
    }
    at = end + delimiter.length;
  }
  return at < 0 ? undefined : first;
}

/** The bytes as characters. The runtime's decoder takes four times as long. */
function* binaryOf(bytes: Uint8Array): Steps<string> {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK) as unknown as number[]);
    yield;
  }
  return text;
}

/** The position after the first occurrence of a text; -1 if there is none. */
function endOf(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? -1 : at + part.length;
}

/** Reads the headers of a part. */
function headOf(head: string): { name: string | undefined; file: string | undefined; mime: string } {
  const line = (name: string): string => new RegExp(`^${name}:(.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
  const disposition = line("content-disposition");
  const value = (name: string): string | undefined => {
    const [, quoted, plain] =
      new RegExp(`;[ \\t]*${name}=(?:"([^"]*)"|([^\\s;"]+))`, "i").exec(disposition) ?? [];
    return (quoted ?? plain)?.replace(/%0a|%0d|%22/gi, decodeURIComponent);
  };
  return { name: value("name"), file: value("filename"), mime: line("content-type") || "text/plain" };
}
