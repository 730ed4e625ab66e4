/** Connects fetch handlers to Node's HTTP server. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { finished, Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";

/** A request of Node's HTTP server. Declared here, so that users do not need Node's types. */
export interface HttpRequestLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A response of Node's HTTP server. */
export interface HttpResponseLike {
  readonly headersSent: boolean;
  writeHead(status: number, headers?: Record<string, string | string[]>): unknown;
}

/** Methods that a `Request` cannot have. */
const FORBIDDEN = ["CONNECT", "TRACE", "TRACK"];

/**
 * Turns a fetch handler, such as a proxy or `engine.fetch`, into a listener for `http.createServer`. The URL of a
 * request has the host that the client names, whatever that is.
 *
 * @example
 * ```js
 * import { createServer } from "node:http";
 * import { listener } from "highway-wasm/node";
 *
 * const server = createServer(listener(async (request) => Response.json({ path: new URL(request.url).pathname })));
 * await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
 * const answer = await fetch(`http://127.0.0.1:${server.address().port}/hello`);
 * console.log(await answer.json()); // { path: '/hello' }
 * server.close();
 * ```
 */
export function listener(
  handler: (request: Request) => Response | Promise<Response>,
): (request: HttpRequestLike, response: HttpResponseLike) => void {
  return (request, response) => {
    const outgoing = response as ServerResponse;
    answer(handler, request as IncomingMessage, outgoing).catch((error: unknown) => {
      console.error("highway-wasm: a request could not be answered:", error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500, { "content-type": "text/plain" }).end("internal error");
    });
  };
}

async function answer(
  handler: (request: Request) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const url = urlOf(incoming);
  const { method = "GET" } = incoming;
  if (url === undefined || FORBIDDEN.includes(method)) {
    outgoing.writeHead(url === undefined ? 400 : 501).end();
    return;
  }
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  const underWay = underWayOn(incoming.socket);
  underWay.add(abort);
  outgoing.once("close", () => {
    underWay.delete(abort);
    if (!outgoing.writableFinished) gone.abort();
  });
  const request = new Request(url, {
    method,
    headers: headersOf(incoming),
    signal: gone.signal,
    ...(method === "GET" || method === "HEAD" ? {} : { body: bodyOf(incoming, outgoing), duplex: "half" }),
  });
  send(await handler(request), method, outgoing, gone.signal);
}

/** Functions that abort the pending requests of a connection. */
const connections = new WeakMap<Socket, Set<() => void>>();

/**
 * The functions that abort the pending requests of a connection. They are called as soon as the client ends the
 * connection, because it cannot get an answer then.
 */
function underWayOn(socket: Socket): Set<() => void> {
  const known = connections.get(socket);
  if (known) return known;
  const underWay = new Set<() => void>();
  connections.set(socket, underWay);
  socket.once("end", () => {
    for (const abort of underWay) abort();
  });
  return underWay;
}

/** The URL of a request: its host, and the path of its target. */
function urlOf({ socket, headers, url: target = "/" }: IncomingMessage): URL | undefined {
  const { host = "localhost" } = headers;
  const base = `${"encrypted" in socket ? "https" : "http"}://${host}`;
  if (/[/\\?#@\s]/.test(host) || !URL.canParse(base)) return undefined;
  const whole = /^https?:/i.test(target) && URL.canParse(target) ? new URL(target) : undefined;
  const path = whole ? whole.pathname + whole.search : target;
  // Appended to the host as text. Parsed by itself, `//other/path` would name another host.
  return new URL(base + (path.startsWith("/") ? path : `/${path}`));
}

function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const item of [value].flat()) if (item !== undefined) headers.append(name, item);
  }
  return headers;
}

/**
 * The body of a request. It is read from the connection as fast as the handler reads it. A body that the handler does
 * not read is discarded at the end, because the connection is needed for the answer and the next request.
 */
function bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let isOver = false;
  const letPass = (): void => {
    isOver = true;
    // Discards the rest, as Node itself does.
    incoming.removeAllListeners("data").resume();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (error?: unknown): void => {
          if (isOver) return;
          isOver = true;
          if (error) controller.error(error);
          else controller.close();
        };
        incoming.on("data", (chunk: Uint8Array) => {
          incoming.pause();
          controller.enqueue(chunk);
        });
        incoming.pause();
        finished(incoming, { writable: false }, end);
        outgoing.once("finish", () => {
          if (isOver) return;
          end(new Error("the request was answered"));
          letPass();
        });
      },
      pull: () => void incoming.resume(),
      cancel: letPass,
    },
    { highWaterMark: 0 },
  );
}

function send(response: Response, method: string, outgoing: ServerResponse, gone: AbortSignal): void {
  const { body } = response;
  // Nobody reads the answer any more.
  if (gone.aborted) {
    body?.cancel().catch(() => {});
    return;
  }
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  if (body === null || method === "HEAD") {
    outgoing.writeHead(response.status, headers).end();
    body?.cancel().catch(() => {});
    return;
  }
  const readable = Readable.fromWeb(body as NodeReadableStream);
  outgoing.writeHead(response.status, headers);
  // An event stream may be silent for a long time.
  outgoing.flushHeaders();
  // The client has gone, or the body broke off; neither can be continued.
  readable.on("error", () => outgoing.destroy());
  outgoing.once("close", () => readable.destroy());
  readable.pipe(outgoing);
}
