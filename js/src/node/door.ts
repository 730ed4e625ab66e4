/** Access checks, which come before anything else and use only the head of a request. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { healthPaths } from "../engine/asking.js";

/** Headers of every answer: it is not cached, and browsers do not guess its type. */
const ALWAYS = { "cache-control": "no-store", "x-content-type-options": "nosniff", vary: "origin" };

/** The methods and headers that Highway's clients use. */
const PREFLIGHT = {
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers": "accept, authorization, content-type, last-event-id, x-idempotency-key",
  "access-control-max-age": "600",
};
const EXPOSED = "retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";

/** Settings of the access checks. */
export interface DoorSettings {
  readonly key: string;
  /** Name or address that the server is bound to. */
  readonly host: string;
  /** Other names that clients may use for the server. */
  readonly allowedHosts: readonly string[];
  /** Origins, apart from the server's own, whose pages may use the server. */
  readonly origins: readonly string[];
}

/**
 * Creates the access check. It returns `true` if the request may continue, and has set the headers that the answer
 * needs. Otherwise it has sent the answer.
 */
export function door(
  settings: DoorSettings,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const hosts = new Set([settings.host, ...settings.allowedHosts].map(nameOf));
  const isKey = sameAs(settings.key);
  // These paths need no key: they reveal only that the server is running.
  const keyless = healthPaths();

  return (request, response) => {
    const { headers, method = "GET" } = request;
    for (const [name, value] of Object.entries(ALWAYS)) response.setHeader(name, value);

    // With DNS rebinding, a page's own host name leads here, and the browser takes this server for the page's origin.
    // The host name reveals it.
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

    if (isOneOf(keyless, request) || isKey(bearer(headers.authorization))) return true;
    response.setHeader("www-authenticate", 'Bearer realm="highway"');
    const what = headers.authorization === undefined ? "no API key was sent" : "the API key is wrong";
    refuse(response, 401, "UNAUTHORIZED", `${what}; send it as \`Authorization: Bearer <key>\``);
    return false;
  };
}

/** Sends an error in the form of the API's own errors. */
export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ status: "error", success: false, message, code }));
}

/** The host that the client names. There must be exactly one; with two it is unclear which one counts. */
function hostOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length;
  return count === 1 ? headers.host : undefined;
}

/** A host without its port, in the form for comparisons. */
export function nameOf(host: string): string {
  const [, name = ""] = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  // An IPv6 address has brackets where a port may follow, otherwise none.
  const isBare = name === "" && host.includes(":");
  return isBare ? `[${host.toLowerCase()}]` : name.replace(/\.$/, "");
}

/**
 * Whether a host can only mean this machine: loopback, or the address that the client connected to. Unlike a name, an
 * address cannot be redirected here.
 */
function isHere(name: string, { socket }: IncomingMessage): boolean {
  if (name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name)) return true;
  const reached = socket.localAddress?.replace(/^::ffff:/, "");
  return reached !== undefined && name === nameOf(reached);
}

/** Whether a server bound to this host listens on all addresses. */
export const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || /^\[?[0:]+\]?$/.test(host);

/** Whether an origin is that of the server's own pages. A proxy may add encryption, so the scheme is ignored. */
const isOwn = (origin: string, host: string): boolean =>
  origin.toLowerCase() === `http://${host.toLowerCase()}` ||
  origin.toLowerCase() === `https://${host.toLowerCase()}`;

function preflight(request: IncomingMessage, response: ServerResponse): void {
  // Browsers ask this before a page of the internet may reach a machine in a private network.
  const isPrivate = request.headers["access-control-request-private-network"] === "true";
  response.writeHead(204, {
    ...PREFLIGHT,
    ...(isPrivate ? { "access-control-allow-private-network": "true" } : {}),
  });
  response.end();
}

/** Only the plain form of a path counts, so that its meaning cannot be disputed. */
function isOneOf(paths: readonly string[], { method, url = "" }: IncomingMessage): boolean {
  const [path = ""] = url.split("?", 1);
  return (method === "GET" || method === "HEAD") && paths.includes(path);
}

const bearer = (authorization = ""): string => /^bearer +([^\s]+)$/i.exec(authorization)?.[1] ?? "";

/** Compares secrets in a time that reveals neither how much is right nor the length. */
function sameAs(secret: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}
