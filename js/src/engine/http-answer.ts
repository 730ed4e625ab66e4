/** What tools read of the answers of servers. */

/** Seconds that a server asks to be left alone for; a day at most. */
export function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const moment = Date.parse(text);
  const seconds = /^\d+$/.test(text) ? Number(text) : (moment - serverTime(response)) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 86_400) : undefined;
}

/** Whether another request may be answered. A redirect, of which a page is told no status, is not followed by who asks this. */
export const isBusy = ({ status }: Response): boolean => status === 408 || status === 429 || status >= 500;

/** How a server answered, in words. */
export const answered = ({ status, type }: Response): string =>
  type === "opaqueredirect" ? "answered with a redirect" : `answered ${status}`;

/** The server's own clock, where it tells: ours may be wrong. */
function serverTime(response: Response): number {
  const told = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(told) ? Date.now() : told;
}
