// A TCP server on the loopback interface that sends any bytes and breaks off anywhere.
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The status line and the headers of an answer. A header may be a list. The connection is not used again. */
export function head(status, headers = {}) {
  const lines = Object.entries({ connection: "close", ...headers }).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`;
}

/** A complete answer with a body of text or bytes. */
export function whole(status, body = "", headers = {}) {
  const bytes = Buffer.from(body);
  const all = { "content-type": "application/json", "content-length": bytes.length, ...headers };
  return Buffer.concat([Buffer.from(head(status, all), "latin1"), bytes]);
}

/** One chunk of a chunked body. */
export function chunk(body) {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** Headers of an answer with a chunked body. */
export const chunked = { "content-type": "application/json", "transfer-encoding": "chunked" };

/** The server's end of one connection. */
class Peer {
  /** Fulfilled when nothing more can be sent. */
  closed;
  /** Whether a request came over it. Node also opens connections that it may need later. */
  isAsked = false;
  #data = Buffer.alloc(0);
  #socket;
  #requests;
  #waiting = () => {};

  constructor(socket, requests) {
    this.#socket = socket;
    this.#requests = requests;
    this.closed = new Promise((resolve) => {
      socket.once("close", resolve);
    });
    socket.on("error", () => {});
    socket.on("data", (data) => {
      this.isAsked = true;
      this.#data = Buffer.concat([this.#data, data]);
      this.#waiting();
    });
    socket.once("close", () => this.#waiting());
  }

  get isClosed() {
    return this.#socket.destroyed;
  }

  /** Bytes that were passed to the system. */
  get sent() {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Waits until enough has arrived. */
  async #until(isEnough) {
    while (!isEnough() && !this.isClosed) {
      await new Promise((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  /** Waits for the first line of a request, or a part of it. */
  async started() {
    await this.#until(() => this.#data.includes("\r\n"));
    const [method, url] = this.#data.toString("latin1").split(" ", 2);
    this.#requests.push({ method, url, headers: {}, body: "" });
  }

  /** Waits for the next complete request: `{method, url, headers, body}`; undefined if none comes. */
  async request() {
    await this.#until(() => this.#data.includes("\r\n\r\n"));
    const end = this.#data.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first, ...lines] = this.#data.toString("latin1", 0, end).split("\r\n");
    const [method, url] = first.split(" ");
    const headers = Object.fromEntries(
      lines.map((line) => line.split(/: (.*)/s, 2)).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const length = end + 4 + Number(headers["content-length"] ?? 0);
    await this.#until(() => this.#data.length >= length);
    const request = { method, url, headers, body: this.#data.toString("utf8", end + 4, length) };
    this.#data = this.#data.subarray(length);
    this.#requests.push(request);
    return request;
  }

  /** Sends bytes. Waits if the other side is slow to take them. */
  async send(...parts) {
    for (const part of parts) {
      if (this.isClosed) return;
      if (this.#socket.write(part)) continue;
      await Promise.race([once(this.#socket, "drain").catch(() => {}), this.closed]);
    }
  }

  /** Sends bytes one by one, as long as the other side takes them. */
  async drip(bytes, ms) {
    for (const byte of Buffer.from(bytes)) {
      if (this.isClosed) return;
      await this.send(Buffer.from([byte]));
      await sleep(ms);
    }
  }

  /** Sends bytes and closes the connection properly. */
  end(bytes) {
    this.#socket.end(bytes);
  }

  /** Sends bytes and then cuts the connection, after a pause, so that the other side sees them. */
  async reset(bytes) {
    if (bytes !== undefined) {
      await this.send(bytes);
      await sleep(30);
    }
    this.#socket.resetAndDestroy();
  }
}

/**
 * Starts a server. `script(peer, index)` handles each connection; the index starts at 0. `requests` has the requests
 * that were read. `t.after` closes the server with all its connections.
 */
export async function rawServer(t, script) {
  const requests = [];
  const sockets = new Set();
  const peers = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const peer = new Peer(socket, requests);
    peers.push(peer);
    Promise.resolve(script(peer, peers.length - 1)).catch((error) => {
      // An error of the script must be noticed.
      socket.destroy();
      queueMicrotask(() => {
        throw error;
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const asked = () => peers.filter(({ isAsked }) => isAsked);
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    /** Connections over which a request came. */
    get asked() {
      return asked().length;
    },
    /** Resolves when all of those are closed. */
    allClosed: () => Promise.all(asked().map(({ closed }) => closed)),
  };
}
