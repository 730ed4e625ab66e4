/** The ways in which a text may be written without being that text, and texts without the secrets that they repeat. */

/** Longer secrets are looked for in parts: there is a limit to what a pattern may be. */
const LONGEST = 500;

const hexOf = (char: string): string => char.charCodeAt(0).toString(16).padStart(2, "0");

/** One ASCII character: as it is, escaped in JSON any number of times over, percent-encoded, quoted-printable, or as a reference of HTML. */
function character(char: string): string {
  const hex = hexOf(char);
  const plain = char.replace(/[^\w]/, "\\$&");
  // Bounds, since a text of nothing but backslashes must not take longer than others.
  return `(?:\\\\{0,8}(?:${plain}|u00${hex}|x${hex})|(?:%(?:25){0,4}|=)${hex}|&#(?:0{0,5}${char.charCodeAt(0)}|x0{0,5}${hex});)`;
}

/** What base64 makes of a text, wherever it begins in what is encoded, without the characters that its neighbours decide about. */
function base64Of(text: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const [from, to] = [before, before + text.length].map((bytes) => (bytes * 8) / 6) as [number, number];
    const core = btoa("\0".repeat(before) + text).slice(Math.ceil(from), Math.floor(to));
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/**
 * The source of a pattern that finds an ASCII text however it is spelled: escaped in JSON, percent-encoded, with references of
 * HTML, in base64 of both alphabets, in hexadecimal digits. The pattern is for either case. The engine finds more
 * (`src/engine/secrets`); a larger pattern would make each answer of a proxy take ten times as long. What both find is listed in
 * `tests/fixtures/spellings.json`.
 */
export function spellings(text: string): string {
  const encoded = base64Of(text).map((core) => core.replace(/\W/g, character));
  const hex = [...text].map(hexOf).join("");
  return [...new Set([[...text].map(character).join(""), ...encoded, hex])].join("|");
}

/** What strikes a secret, of ASCII characters, out of a text however it is spelled. */
export function strikerOf(secret: string): (text: string) => string {
  const size = Math.ceil(secret.length / Math.ceil(secret.length / LONGEST));
  const patterns = Array.from({ length: Math.ceil(secret.length / size) }, (_, at) => {
    return new RegExp(spellings(secret.slice(at * size, (at + 1) * size)), "gi");
  });
  return (text) => patterns.reduce((shown, pattern) => shown.replace(pattern, "[API key]"), text);
}
