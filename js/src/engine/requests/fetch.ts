/** The `fetch` of every engine: passes requests to the core, and carries out the instructions of its answers. */

import { listen } from "../../shared/signals.js";
import type { Fetch } from "../../client/options.js";
import { readRequest, responseOf } from "./bodies.js";
import type { Answer, Asked, Piece, Wait } from "../effects.js";
import type { PendingUpdates } from "../pending-updates.js";
import { compiled, type DslCompiler } from "./python-dsl.js";
import { type RunStreams, STREAM_HEADERS } from "./streams.js";

/** What requests need of their engine. */
export interface RequestHost {
  /** The largest body of a request, in bytes. */
  readonly requestBytes: number;
  /** Compiles Python. If undefined, Python is refused. */
  readonly pythonDsl: DslCompiler | undefined;
  /** If undefined, event streams are refused. */
  readonly streams: RunStreams | undefined;
  readonly updates: PendingUpdates;
  /** @throws {ExecutionError} `ENGINE_CLOSED`. */
  checkOpen(): void;
  /** Fulfilled when the engine takes requests. */
  ready(): Promise<void>;
  /** Whether the body of a request may be bytes. The core takes them as base64. */
  takesBytes(method: string, url: string): boolean;
  /** The answer of the core, after the store has written what the answer says. */
  answer(asked: Asked): Promise<Answer>;
  /** The next piece of an answer. */
  piece(rest: string): Promise<Piece>;
  /** Waits for the end of an update. In virtual time, time passes meanwhile. */
  waitFor(ended: Promise<void>): Promise<void>;
}

/** The `fetch` of an engine. */
export function fetchOf(engine: RequestHost): Fetch {
  return async (input, init) => {
    engine.checkOpen();
    const signal = init?.signal === undefined && input instanceof Request ? input.signal : init?.signal;
    const given = signal ?? undefined;
    return await untilAborted(given, () => respond(engine, input, init, given));
  };
}

async function respond(
  engine: RequestHost,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  await engine.ready();
  engine.checkOpen();
  const { url, method, headers, body } = await readRequest(input, init, engine);
  if (body instanceof Response) return body;
  const asked = { method, url: url.pathname + url.search, headers: Object.fromEntries(headers), body };
  const ask = (definition?: string): Promise<Answer> => {
    // An aborted request is never carried out.
    signal?.throwIfAborted();
    engine.checkOpen();
    return engine.answer({ ...asked, definition });
  };
  let answer = await ask();
  if (answer.compile !== undefined && engine.pythonDsl) {
    const { compile } = answer;
    const definition = compile === null ? "null" : await compiled(compile, engine.pythonDsl, signal);
    if (definition instanceof Response) {
      signal?.throwIfAborted();
      engine.checkOpen();
      return definition;
    }
    answer = await ask(definition);
  }
  if (answer.wait) answer = await updated(engine, answer.wait);
  if (answer.stream !== undefined && engine.streams) {
    const isHead = method === "HEAD";
    return isHead ? new Response(null, { headers: STREAM_HEADERS }) : engine.streams.open(answer.stream);
  }
  return responseOf(answer, (rest) => engine.piece(rest));
}

/** The answer of a run to an update. Waits for it. */
async function updated(engine: RequestHost, { runId, update, url }: Wait): Promise<Answer> {
  const ended = engine.updates.wait(runId, update);
  const read = (): Promise<Answer> => engine.answer({ method: "GET", url });
  // The run may have answered before this waits.
  const answer = await read();
  if (answer.status !== 202) return answer;
  await engine.waitFor(ended);
  engine.checkOpen();
  return await read();
}

/** The response of `respond`. If the signal fires first, rejects at once with the reason of the signal. */
function untilAborted(signal: AbortSignal | undefined, respond: () => Promise<Response>): Promise<Response> {
  if (signal === undefined) return respond();
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const unlisten = listen(signal, () => reject(signal.reason));
    respond().then(
      (response) => {
        unlisten();
        // Nobody reads the body.
        if (signal.aborted) response.body?.cancel().catch(() => {});
        resolve(response);
      },
      (error: unknown) => {
        unlisten();
        reject(error);
      },
    );
  });
}
