/** What the runtime around us offers, and how it differs: variables, pages, ids, timers, the words of its errors. */

interface Globals {
  process?: { env?: Record<string, string | undefined> };
  Deno?: { env: { get(name: string): string | undefined } };
  window?: unknown;
  document?: unknown;
}

const globals = globalThis as Globals;

/** An environment variable of Node, Deno or Bun; undefined in browsers, in workers and where access is denied. */
export function environmentVariable(name: string): string | undefined {
  try {
    return (globals.Deno ? globals.Deno.env.get(name) : globals.process?.env?.[name]) || undefined;
  } catch {
    // Deno without --allow-env.
    return undefined;
  }
}

/** Whether visitors of a page could read what this code knows. */
export function isPage(): boolean {
  return globals.window !== undefined && globals.document !== undefined;
}

/** A random UUID; pages without a secure context lack `randomUUID`. */
export function uuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The longest delay a timer takes, in milliseconds. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** What went wrong with a request, in words; runtimes hide the useful part in the cause. */
export function describe(error: unknown): string {
  try {
    const { message, cause } = (Object(error) ?? {}) as {
      message?: unknown;
      cause?: { code?: unknown; message?: unknown };
    };
    const detail = cause?.code ?? cause?.message ?? "";
    const text = message === undefined ? String(error) : String(message);
    return detail === "" ? text : `${text} (${detail})`;
  } catch {
    return "for a reason that has no text";
  }
}
