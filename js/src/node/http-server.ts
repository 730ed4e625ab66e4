/** Node's HTTP server, which stops only after pending requests have ended. */

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { isAnyAddress } from "./door.js";

/** A server that listens. */
export interface Listening {
  readonly port: number;
  readonly url: string;
  /** Number of pending requests. */
  readonly underWay: number;
  /** Accepts no more connections. Fulfilled when all requests are answered, or after `patience` milliseconds. */
  stop(patience: number): Promise<void>;
}

/**
 * Starts to listen.
 *
 * @throws {Error} if that fails, with the system's `code` and a `help`.
 */
export async function listen(answer: RequestListener, host: string, port: number): Promise<Listening> {
  let underWay = 0;
  let isStopping = false;
  // Connections without a request so far. Browsers open some in advance, and Node does not count them as idle.
  const silent = new Set<Socket>();
  const server = createServer((request, response) => {
    silent.delete(request.socket);
    underWay += 1;
    response.once("close", () => {
      underWay -= 1;
      // The connection is idle after this event. Close it, so that no other request arrives over it.
      if (isStopping) setImmediate(() => server.closeIdleConnections());
    });
    answer(request, response);
  });
  server.on("connection", (socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
  });
  await opened(server, host, port);
  const { port: actual } = server.address() as AddressInfo;
  return {
    port: actual,
    url: `http://${reachable(host)}:${actual}`,
    get underWay() {
      return underWay;
    },
    stop: (patience) => {
      isStopping = true;
      const stopped = closed(server, patience);
      for (const socket of silent) socket.destroy();
      return stopped;
    },
  };
}

function opened(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(explained(cause, host, port)));
    server.listen({ host, port }, () => {
      server.removeAllListeners("error");
      // A single connection that fails (no file descriptors left) must not end the server.
      server.on("error", () => {});
      resolve();
    });
  });
}

function closed(server: Server, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), patience);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** The address at which this machine reaches the server. */
function reachable(host: string): string {
  if (isAnyAddress(host)) return host.includes(":") ? "[::1]" : "127.0.0.1";
  return host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host;
}

function explained(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const [message, help] = {
    EADDRINUSE: [`port ${port} of \`${host}\` is in use`, "choose another port; 0 takes a free one"],
    EACCES: [`port ${port} may not be used by this user`, "choose a port above 1023"],
    EADDRNOTAVAIL: [
      `\`${host}\` is not an address of this machine`,
      "choose an address of this machine; 0.0.0.0 means all",
    ],
    ENOTFOUND: [`the host \`${host}\` is not known`, "choose a name or an address of this machine"],
  }[cause.code ?? ""] ?? [
    `the server cannot listen on port ${port} of \`${host}\`: ${cause.message}`,
    undefined,
  ];
  return Object.assign(new Error(message, { cause }), { code: cause.code, help });
}
