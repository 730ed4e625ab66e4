/** Who gets in: checks of a request that come before anything else, on what its head says alone. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Paths that need no key: they tell nothing but that the server is up. */
const OPEN = ["/ping", "/api/v1/health"];

/** Headers of every answer: nobody keeps it, and no browser takes it for something else than it says. */
const ALWAYS = { "cache-control": "no-store", "x-content-type-options": "nosniff", vary: "origin" };

/** What clients of Highway send, and what they read. */
const PREFLIGHT = {
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers": "accept, authorization, content-type, last-event-id, x-idempotency-key",
  "access-control-max-age": "600",
};
const EXPOSED = "retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";

/** Who gets in. */
export interface DoorSettings {
  readonly key: string;
  /** Name or address that the server is bound to. */
  readonly host: string;
  /** Further names that it may be called by. */
  readonly allowedHosts: readonly string[];
  /** Origins other than its own whose pages may use it. */
  readonly origins: readonly string[];
}

/**
 * Makes the check of a request. It gives `true` where the request may go on, with the headers that its answer must have set
 * already; otherwise it has been answered.
 */
export function door(
  settings: DoorSettings,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const hosts = new Set([settings.host, ...settings.allowedHosts].map(nameOf));
  const isKey = sameAs(settings.key);

  return (request, response) => {
    const { headers, method = "GET" } = request;
    for (const [name, value] of Object.entries(ALWAYS)) response.setHeader(name, value);

    // A page whose name was made to lead here (DNS rebinding) is of our own origin to the browser. Its name gives it away.
    const host = hostOf(request);
    if (host === undefined || !(hosts.has(nameOf(host)) || isHere(nameOf(host), request))) {
      refuse(
        response,
        403,
        "HOST_NOT_ALLOWED",
        "this name of the server is not allowed; `--allowed-host` adds it",
      );
      return false;
    }

    const { origin } = headers;
    if (origin !== undefined && !isOwn(origin, host)) {
      if (!settings.origins.includes(origin)) {
        const message = "pages of this origin may not use the server; `--cors` allows an origin";
        refuse(response, 403, "ORIGIN_NOT_ALLOWED", message);
        return false;
      }
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-expose-headers", EXPOSED);
    }
    if (
      method === "OPTIONS" &&
      origin !== undefined &&
      headers["access-control-request-method"] !== undefined
    ) {
      preflight(request, response);
      return false;
    }

    if (isOpen(method, request.url) || isKey(bearer(headers.authorization))) return true;
    response.setHeader("www-authenticate", 'Bearer realm="highway"');
    const what = headers.authorization === undefined ? "no API key was sent" : "the API key is wrong";
    refuse(response, 401, "UNAUTHORIZED", `${what}; send it as \`Authorization: Bearer <key>\``);
    return false;
  };
}

/** Answers in the form of the API's own errors. */
export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ status: "error", success: false, message, code }));
}

/** The host that the client names: exactly one, since of two nobody knows which one counts. */
function hostOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length;
  return count === 1 ? headers.host : undefined;
}

/** A host without its port, as it is compared. */
export function nameOf(host: string): string {
  const [, name = ""] = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  // An IPv6 address stands in brackets where a port may follow, and without them elsewhere.
  const isBare = name === "" && host.includes(":");
  return isBare ? `[${host.toLowerCase()}]` : name.replace(/\.$/, "");
}

/** Whether a name can only mean this machine: loopback, or the address that was reached. Unlike a name it cannot be made to lead here. */
function isHere(name: string, { socket }: IncomingMessage): boolean {
  if (name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name)) return true;
  const reached = socket.localAddress?.replace(/^::ffff:/, "");
  return reached !== undefined && name === nameOf(reached);
}

/** Whether a server that is bound to this listens on all addresses. */
export const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || /^\[?[0:]+\]?$/.test(host);

/** Whether an origin is that of the server's own pages. What encrypts in front of it is left out of account. */
const isOwn = (origin: string, host: string): boolean =>
  origin.toLowerCase() === `http://${host.toLowerCase()}` ||
  origin.toLowerCase() === `https://${host.toLowerCase()}`;

function preflight(request: IncomingMessage, response: ServerResponse): void {
  // Asked by browsers where a page of the internet wants to reach a machine at home.
  const isPrivate = request.headers["access-control-request-private-network"] === "true";
  response.writeHead(204, {
    ...PREFLIGHT,
    ...(isPrivate ? { "access-control-allow-private-network": "true" } : {}),
  });
  response.end();
}

/** Only a target in its plain form counts: what the path is must not be a matter of interpretation. */
function isOpen(method: string, target = ""): boolean {
  const [path = ""] = target.split("?", 1);
  return (method === "GET" || method === "HEAD") && OPEN.includes(path);
}

const bearer = (authorization = ""): string => /^bearer +([^\s]+)$/i.exec(authorization)?.[1] ?? "";

/** Compares in a time that says nothing about how much is right, nor about the length. */
function sameAs(secret: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}
