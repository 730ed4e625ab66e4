/** The proxy's own answers, and the origins that may read them. */

/** Headers of every answer: it is not cached, and browsers do not guess its type. */
export const SAFE_HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Why the proxy does not pass on a request. It is thrown, and becomes the answer. */
export class Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Additional fields of the body. */
  readonly more: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.status = status;
    this.code = code;
    this.message = message;
    this.more = more;
    this.headers = headers;
  }

  /** The answer, in the form of the API's own errors. */
  toResponse(): Response {
    const { status, code, message, more } = this;
    const body = { status: "error", success: false, message, code, ...more };
    return Response.json(body, { status, headers: { ...SAFE_HEADERS, ...this.headers } });
  }
}

/** A refusal with advice, which clients show. It may describe the proxy's settings, but nothing behind the proxy. */
export function refusal(status: number, code: string, message: string, help: string): Refusal {
  return new Refusal(status, code, message, { details: [{ message, help }] });
}

/**
 * The origin of a request's page; null if it is the proxy's own.
 *
 * @throws {Refusal} for an origin that may not use the proxy.
 */
export function foreignOrigin(request: Request, origins: readonly string[] | "*"): string | null {
  const origin = request.headers.get("origin");
  if (origin === null) {
    // Browsers omit the origin when a page reads from its own. This header then says where the request comes from.
    const site = request.headers.get("sec-fetch-site");
    if (site === "cross-site" || site === "same-site") throw notAllowed("another site");
    return null;
  }
  const own = new URL(request.url);
  if (origin === own.origin) return null;
  if (origins === "*" || origins.includes(origin)) return origin;
  if (isHostOf(request.headers.get("host"), origin, own.protocol)) return null;
  throw notAllowed(`\`${origin}\``);
}

/**
 * Whether a request to this host came from a page of this origin. Behind another proxy, the URL may differ from the
 * browser's in host and encryption; but a request with encryption never comes from a page without.
 */
function isHostOf(host: string | null, origin: string, protocol: string): boolean {
  if (host === null || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  return page.host === host && (page.protocol === "https:" || page.protocol === protocol);
}

function notAllowed(origin: string): Refusal {
  return new Refusal(403, "ORIGIN_NOT_ALLOWED", `pages of ${origin} may not use this proxy`);
}

/** The answer to a browser that asks whether it may send a request. */
export function preflight(origin: string | null): Response {
  const headers = new Headers({
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "accept, content-type, x-idempotency-key",
    "access-control-max-age": "600",
  });
  return withOrigin(new Response(null, { status: 204, headers }), origin);
}

/** Allows pages of an origin to read an answer. */
export function withOrigin(response: Response, origin: string | null): Response {
  response.headers.append("vary", "origin");
  if (origin !== null) {
    response.headers.set("access-control-allow-origin", origin);
    response.headers.set(
      "access-control-expose-headers",
      "retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset",
    );
  }
  return response;
}
