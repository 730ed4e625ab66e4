/** What the runtime around us offers, and how it differs: variables, pages, ids, timers, the words of its errors. */

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

/** An environment variable of Node, Deno or Bun; undefined in browsers, in workers and where access is denied. */
export function environmentVariable(name: string): string | undefined {
  try {
    return (globals.Deno ? globals.Deno.env.get(name) : globals.process?.env?.[name]) || undefined;
  } catch {
    // Deno without --allow-env.
    return undefined;
  }
}

/** Whether visitors of a page could read what this code knows: it runs in the page, or in a worker of the browser. */
export function isPage(): boolean {
  if (globals.window !== undefined && globals.document !== undefined) return true;
  // The workers of servers have the scope too, but name themselves otherwise.
  const agent = globals.navigator?.userAgent ?? "";
  return globals.WorkerGlobalScope !== undefined && agent.startsWith("Mozilla/");
}

/** Whether this is a page that nobody sees now. */
export function isHidden(): boolean {
  return globals.document?.visibilityState === "hidden";
}

/** Hears when a page is hidden or shown; gives back how to stop. */
export function onVisibility(listener: () => void): () => void {
  const { document } = globals;
  document?.addEventListener?.("visibilitychange", listener);
  return () => document?.removeEventListener?.("visibilitychange", listener);
}

/** An address as an absolute one: in a page, relative to it. */
export function absolute(address: string): string {
  const base = globals.location?.href;
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || base === undefined || !isPage()) return address;
  return URL.canParse(address, base) ? new URL(address, base).href : address;
}

/** A module of Node, Deno or Bun; undefined elsewhere. Asked for in a way that bundlers do not follow. */
export function builtinModule<T>(name: string): T | undefined {
  return globals.process?.getBuiltinModule?.(name) as T | undefined;
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
