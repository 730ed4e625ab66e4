/** The API requests that a proxy knows, and the verb that each requires. */

import type { ProxyVerb } from "./options.js";
import { Refusal } from "./respond.js";

/** A request of a page. */
export interface Route {
  readonly verb: ProxyVerb;
  /** Segments of the path below `/api/v1`, decoded. */
  readonly segments: readonly string[];
  /** The id of the run in the path; null if there is none. */
  readonly runId: string | null;
  /** The key of the approval in the path; null if there is none. */
  readonly approvalKey: string | null;
}

/** Method and path, with `*` for any segment. Fixed paths come first. */
const ROUTES: readonly (readonly [string, ProxyVerb])[] = [
  ["POST workflows", "submit"],
  ["GET workflows", "list"],
  ["GET workflows/*", "status"],
  ["GET workflows/*/stream", "status"],
  ["GET workflows/*/steps", "steps"],
  ["GET workflows/*/steps/logs", "logs"],
  ["GET workflows/*/steps/*", "steps"],
  ["GET workflows/*/steps/*/logs", "logs"],
  ["GET workflows/*/events", "events"],
  ["GET workflows/*/graph", "graph"],
  ["GET workflows/*/graph/dot", "graph"],
  ["GET workflows/*/query", "query"],
  ["POST workflows/*/cancel", "cancel"],
  ["POST workflows/*/retry", "retry"],
  ["POST workflows/*/signals", "signal"],
  ["POST workflows/*/updates", "update"],
  ["GET approvals", "approve"],
  ["POST approvals/*/approve", "approve"],
  ["POST approvals/*/reject", "approve"],
];

/** Segments below `/workflows` that are not the id of a run. */
const NOT_RUNS = ["stats", "schedules", "by-hash", "definitions"];

/** The route of a request. The proxy may be mounted at any path: only what follows the last `/api/v1/` counts. */
export function routeOf(method: string, pathname: string): Route {
  const at = pathname.lastIndexOf("/api/v1/");
  const unknown = new Refusal(404, "NOT_FOUND", "the proxy does not allow this method and path");
  if (at < 0) throw unknown;
  const parts = pathname
    .slice(at + "/api/v1/".length)
    .replace(/\/$/, "")
    .split("/");
  const segments = parts.map(decoded);
  // The server decodes a path before it reads it, so the decoded path is compared.
  const found = ROUTES.find(([pattern]) => isMatch(pattern, method, segments));
  if (!found || !segments.every(isOneSegment) || !isWrittenPlainly(found[0], parts)) throw unknown;
  const [first, second = null] = segments;
  if (first === "workflows" && second !== null && !isRunId(second)) throw unknown;
  return {
    verb: found[1],
    segments,
    runId: first === "workflows" ? second : null,
    approvalKey: first === "approvals" ? second : null,
  };
}

/** Whether the server would read a text as the id of a run and not as another path. */
export function isRunId(text: string): boolean {
  return isOneSegment(text) && !NOT_RUNS.includes(text);
}

/** A server may decode slashes before it splits a path, and end it at a control character. */
function isOneSegment(text: string): boolean {
  return text !== "" && text !== "." && text !== ".." && !/[/\\\p{Cc}]/u.test(text);
}

function isMatch(pattern: string, method: string, segments: readonly string[]): boolean {
  const [verb, path = ""] = pattern.split(" ");
  const expected = path.split("/");
  return (
    verb === method &&
    expected.length === segments.length &&
    expected.every((part, index) => part === "*" || part === segments[index])
  );
}

/** Whether the fixed segments of a route are written without encoding. */
function isWrittenPlainly(pattern: string, parts: readonly string[]): boolean {
  const [, path = ""] = pattern.split(" ");
  return path.split("/").every((part, index) => part === "*" || part === parts[index]);
}

/** The decoded segment; empty, which no path has, if it cannot be decoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
