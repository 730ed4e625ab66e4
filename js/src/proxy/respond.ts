/** Answers of the proxy itself, and which origins get to read them. */

/** Headers of every answer: nobody keeps it, and no browser takes it for something else than it says. */
export const OF_NOBODY_ELSE = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Why the proxy does not pass a request on. Thrown, and sent as it is. */
export class Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Further members of the body. */
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
    return Response.json(body, { status, headers: { ...OF_NOBODY_ELSE, ...this.headers } });
  }
}

/** A refusal with advice, which clients show. It may say how the proxy is set up, but nothing of what is behind it. */
export function refusal(status: number, code: string, message: string, help: string): Refusal {
  return new Refusal(status, code, message, { details: [{ message, help }] });
}

/**
 * The origin that a request comes from where it is another one than the proxy's own, or null.
 *
 * @throws {Refusal} for an origin that may not use the proxy.
 */
export function foreignOrigin(request: Request, origins: readonly string[] | "*"): string | null {
  const origin = request.headers.get("origin");
  if (origin === null) {
    // Browsers leave the origin out where they read from their own; what they read from elsewhere says so here.
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
 * Whether a browser that named this host did so for a page of this origin. Behind another proxy the URL is not what the browser
 * sees, nor has it to be encrypted; but an encrypted one has no page that is not.
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

/** Lets pages of an origin read an answer. */
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
