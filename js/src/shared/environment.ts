/** What runtimes offer in different ways: environment variables, page visibility, ids, timers, error texts. */

interface Globals {
  process?: { env?: Record<string, string | undefined>; getBuiltinModule?: (name: string) => unknown };
  Deno?: { env: { get(name: string): string | undefined } };
  window?: unknown;
  document?: Document;
  WorkerGlobalScope?: unknown;
  navigator?: { userAgent?: string };
  location?: { href: string };
}

const globals = globalThis as Globals;

/**
 * The value of an environment variable in Node, Deno or Bun. `undefined` in browsers and workers, and where access is
 * denied.
 */
export function environmentVariable(name: string): string | undefined {
  try {
    return (globals.Deno ? globals.Deno.env.get(name) : globals.process?.env?.[name]) || undefined;
  } catch {
    // Deno throws without `--allow-env`.
    return undefined;
  }
}

/** Whether visitors of a page can read what this code knows: the code runs in a page or in a worker of a browser. */
export function isPage(): boolean {
  if (globals.window !== undefined && globals.document !== undefined) return true;
  // Workers of servers have `WorkerGlobalScope` too, but no browser's user agent.
  const agent = globals.navigator?.userAgent ?? "";
  return globals.WorkerGlobalScope !== undefined && agent.startsWith("Mozilla/");
}

/** Whether this is a page that is hidden now. */
export function isHidden(): boolean {
  return globals.document?.visibilityState === "hidden";
}

/** Calls `listener` when the page is hidden or shown. Returns a function that stops this. */
export function onVisibility(listener: () => void): () => void {
  const { document } = globals;
  document?.addEventListener?.("visibilitychange", listener);
  return () => document?.removeEventListener?.("visibilitychange", listener);
}

/** Makes an address absolute. In a page it is relative to the page's own address. */
export function absolute(address: string): string {
  const base = globals.location?.href;
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || base === undefined || !isPage()) return address;
  return URL.canParse(address, base) ? new URL(address, base).href : address;
}

/** A built-in module of Node, Deno or Bun; `undefined` elsewhere. Bundlers do not follow this call. */
export function builtinModule<T>(name: string): T | undefined {
  return globals.process?.getBuiltinModule?.(name) as T | undefined;
}

/** A random UUID. Pages without a secure context lack `crypto.randomUUID`. */
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

/** The text of a failed request's error. Runtimes keep the useful part in the `cause`. */
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
