/** The requests of the API that a proxy knows, and the verb that lets each pass. */

import type { ProxyVerb } from "./options.js";
import { Refusal } from "./respond.js";

/** What a request is about. */
export interface Route {
  readonly verb: ProxyVerb;
  /** Segments of the path below `/api/v1`, decoded. */
  readonly segments: readonly string[];
  /** The run it is about, where the path says so. */
  readonly runId: string | null;
  /** The approval it is about. */
  readonly approvalKey: string | null;
}

/** Method and path, with `*` for what may be anything; static paths come first. */
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

/** What the API calls otherwise below `/workflows` than a run. */
const NOT_RUNS = ["stats", "schedules", "by-hash", "definitions"];

/** The route of a request. The proxy may be mounted anywhere; what counts is behind the last `/api/v1/`. */
export function routeOf(method: string, pathname: string): Route {
  const at = pathname.lastIndexOf("/api/v1/");
  const unknown = new Refusal(404, "NOT_FOUND", "the proxy does not allow this method and path");
  if (at < 0) throw unknown;
  const parts = pathname
    .slice(at + "/api/v1/".length)
    .replace(/\/$/, "")
    .split("/");
  const segments = parts.map(decoded);
  // The server decodes a path before it looks at it, so what is compared is what it will see.
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

/** Whether a text is an id of a run to the server, and not another path. */
export function isRunId(text: string): boolean {
  return isOneSegment(text) && !NOT_RUNS.includes(text);
}

/** Servers may decode slashes before they part a path, and take control characters for its end. */
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

/** Whether the words of a route are there as they are, and not encoded. */
function isWrittenPlainly(pattern: string, parts: readonly string[]): boolean {
  const [, path = ""] = pattern.split(" ");
  return path.split("/").every((part, index) => part === "*" || part === parts[index]);
}

/** A segment, decoded; an empty one, which no path has, where it cannot be. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
