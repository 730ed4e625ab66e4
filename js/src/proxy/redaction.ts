/** Removes from answers what pages must not see: the key, if the server repeats it, and definitions. */

import { inTurns } from "../shared/turns.js";
import { find, type Sought, secretSought, without } from "../shared/spellings.js";
import { atOnce, type Steps } from "../shared/steps.js";
import { OPENINGS, withoutDefinitions } from "./definitions.js";

/** Steps of 64 Ki characters each after which the event loop takes a turn. */
const STEPS_OF_TURN = 2;
/** A shorter key protects nothing, and would be found inside common words. */
const SHORTEST_KEY = 8;
/** Media types that a browser only displays. Other content might run on the origin of the application. */
const HARMLESS = /^(application\/([\w.-]+\+)?json|text\/(plain|event-stream|vnd\.graphviz))\s*(;|$)/i;
const LINE = /([^\r\n]*)(\r\n|\n|\r|$)/g;
/** The beginning of an event's line with data. */
const DATA = /^data(?:: ?|$)/;

/** The search for the latest key, which usually is that of all requests. */
let latest: { key: string; sought: readonly Sought[] } = { key: "", sought: [] };

/** Removes from answers what pages must not see. */
export class Redaction {
  readonly #key: readonly Sought[];
  readonly #limit: number;

  /** `limit` is the largest event of a stream, in characters. */
  constructor(key: string, limit: number) {
    if (key !== latest.key) {
      latest = { key, sought: key.length < SHORTEST_KEY ? [] : [secretSought(key)] };
    }
    this.#key = latest.sought;
    this.#limit = limit;
  }

  /** The value of a header, or a word of it. */
  header(name: string, value: string): string {
    const text = atOnce(this.#redacted(value));
    return name === "content-type" && !HARMLESS.test(text) ? "text/plain; charset=utf-8" : text;
  }

  /** The text of a body. The event loop takes turns while a large one is searched. */
  async body(text: string): Promise<string> {
    return await inTurns(this.#redacted(text), STEPS_OF_TURN);
  }

  *#redacted(text: string): Steps<string> {
    const [openings = [], key = []] = yield* find(text, [OPENINGS, ...this.#key]);
    if (openings.length === 0) return without(text, key);
    return yield* this.#withoutKey(yield* withoutDefinitions(text, openings));
  }

  *#withoutKey(text: string): Steps<string> {
    if (this.#key.length === 0) return text;
    const [key = []] = yield* find(text, this.#key);
    return without(text, key);
  }

  /** The events of a stream. Each is passed on when it is complete. */
  events(): TransformStream<Uint8Array, Uint8Array> {
    const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
    let rest = "";
    return new TransformStream({
      transform: async (bytes, controller) => {
        const seen = rest.length;
        rest += decoder.decode(bytes, { stream: true });
        const end = endOfEvents(rest, seen);
        if (end > 0)
          controller.enqueue(encoder.encode(await inTurns(this.#events(rest.slice(0, end)), STEPS_OF_TURN)));
        rest = rest.slice(end);
        if (rest.length > this.#limit) controller.error(new Error("the server sent an event without end"));
      },
      flush: async (controller) => {
        const last = rest + decoder.decode();
        if (last !== "") controller.enqueue(encoder.encode(await inTurns(this.#events(last), STEPS_OF_TURN)));
      },
    });
  }

  *#events(text: string): Steps<string> {
    let shown = "";
    let event: Line[] = [];
    for (const [, line = "", end = ""] of text.matchAll(LINE)) {
      event.push({ text: line, end });
      if (line !== "" && end !== "") continue;
      shown += yield* eventText(event);
      event = [];
    }
    return yield* this.#withoutKey(shown);
  }
}

function* cutDefinitions(text: string): Steps<string> {
  const [openings = []] = yield* find(text, [OPENINGS]);
  return yield* withoutDefinitions(text, openings);
}

/** A line and its line break. */
interface Line {
  readonly text: string;
  readonly end: string;
}

/** An event without definitions. The lines of its data together are one text. */
function* eventText(lines: readonly Line[]): Steps<string> {
  const all = lines.filter(({ text }) => DATA.test(text));
  const data = all.map(({ text }) => text.replace(DATA, "")).join("\n");
  const shown = all.length > 1 ? yield* cutDefinitions(data) : data;
  let event = "";
  for (const line of lines) {
    const { text, end } = line;
    const [field = ""] = DATA.exec(text) ?? [];
    if (shown === data || !DATA.test(text)) {
      event += field + (yield* cutDefinitions(text.slice(field.length))) + end;
    } else if (line === all[0]) event += shown.replace(/^/gm, "data: ") + end;
  }
  return event;
}

/** The end of the last complete event, unless it lies in the part that was searched before. */
function endOfEvents(text: string, seen: number): number {
  const blankLine = /(?:\r\n|\n|\r(?!\n)){2}/g;
  blankLine.lastIndex = Math.max(0, seen - 3);
  let end = 0;
  while (blankLine.test(text)) end = blankLine.lastIndex;
  return end;
}
