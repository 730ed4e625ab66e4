/**
 * Secrets of an engine in this process. They come from the environment, so neither a definition nor the list of
 * processes shows them.
 */

const PREFIX = "HIGHWAY_SECRET_";

/** The values of `HIGHWAY_SECRET_NAME` by `NAME`. */
export function secretsOfEnvironment(): Record<string, string> {
  const named = Object.entries(process.env).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(PREFIX.length), value ?? ""]));
}
