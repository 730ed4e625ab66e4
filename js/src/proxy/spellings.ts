/** The ways in which a text may be written without being that text. */

const hexOf = (char: string): string => char.charCodeAt(0).toString(16).padStart(2, "0");
/** Hexadecimal digits in either case. */
const anyCase = (hex: string): string => hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);

/** One ASCII character: as it is, escaped in JSON any number of times over, percent-encoded, or as a reference of HTML. */
function character(char: string): string {
  const hex = anyCase(hexOf(char));
  const plain = char.replace(/[^\w]/, "\\$&");
  // Bounds, since a text of nothing but backslashes must not take longer than others.
  return `(?:\\\\{0,8}(?:${plain}|u00${hex}|x${hex})|%(?:25){0,4}${hex}|&#(?:0{0,5}${char.charCodeAt(0)}|[xX]0{0,5}${hex});)`;
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
 * HTML, in base64 of both alphabets, in hexadecimal digits.
 */
export function spellings(text: string): string {
  const encoded = base64Of(text).map((core) => core.replace(/\W/g, character));
  const hex = anyCase([...text].map(hexOf).join(""));
  return [...new Set([[...text].map(character).join(""), ...encoded, hex])].join("|");
}
