/** What pages do not get to see of an answer: the key, should the server repeat it, and the definitions. */

import { strikerOf } from "../spellings.js";
import { withoutDefinitions } from "./definitions.js";

/** Keys that are shorter guard nothing, and would be found in many words. */
const SHORTEST_KEY = 8;
/** Types that a browser shows as what they are: anything else it might run, on the origin of the application. */
const HARMLESS = /^(application\/([\w.-]+\+)?json|text\/(plain|event-stream|vnd\.graphviz))\s*(;|$)/i;
const LINE = /([^\r\n]*)(\r\n|\n|\r|$)/g;
/** How a line of an event begins that has data. */
const DATA = /^data(?:: ?|$)/;

/** What strikes out the latest key, which mostly is that of all requests. */
let latest = { key: "", strike: (text: string): string => text };

/** Strikes out of answers what pages do not get to see. */
export class Redaction {
  readonly #withoutKey: (text: string) => string;
  readonly #limit: number;

  /** `limit` is the number of characters that an event of a stream may have. */
  constructor(key: string, limit: number) {
    if (key !== latest.key) {
      latest = { key, strike: key.length < SHORTEST_KEY ? (text) => text : strikerOf(key) };
    }
    this.#withoutKey = latest.strike;
    this.#limit = limit;
  }

  /** A header, or a word of it. */
  header(name: string, value: string): string {
    const text = this.body(value);
    return name === "content-type" && !HARMLESS.test(text) ? "text/plain; charset=utf-8" : text;
  }

  /** A body. */
  body(text: string): string {
    return this.#withoutKey(withoutDefinitions(text));
  }

  /** The events of a stream, each as soon as it is whole. */
  events(): TransformStream<Uint8Array, Uint8Array> {
    const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
    let rest = "";
    return new TransformStream({
      transform: (bytes, controller) => {
        const seen = rest.length;
        rest += decoder.decode(bytes, { stream: true });
        const end = endOfEvents(rest, seen);
        if (end > 0) controller.enqueue(encoder.encode(this.#events(rest.slice(0, end))));
        rest = rest.slice(end);
        if (rest.length > this.#limit) controller.error(new Error("the server sent an event without end"));
      },
      flush: (controller) => {
        const last = rest + decoder.decode();
        if (last !== "") controller.enqueue(encoder.encode(this.#events(last)));
      },
    });
  }

  #events(text: string): string {
    let shown = "";
    let event: Line[] = [];
    for (const [, line = "", end = ""] of text.matchAll(LINE)) {
      event.push({ text: line, end });
      if (line !== "" && end !== "") continue;
      shown += eventText(event);
      event = [];
    }
    return this.#withoutKey(shown);
  }
}

/** A line with what ends it. */
interface Line {
  readonly text: string;
  readonly end: string;
}

/** An event without definitions. What its data says is said by all its lines of data together. */
function eventText(lines: readonly Line[]): string {
  const all = lines.filter(({ text }) => DATA.test(text));
  const data = all.map(({ text }) => text.replace(DATA, "")).join("\n");
  const shown = all.length > 1 ? withoutDefinitions(data) : data;
  return lines
    .map((line) => {
      const { text, end } = line;
      if (shown !== data && all.includes(line)) {
        return line === all[0] ? shown.replace(/^/gm, "data: ") + end : "";
      }
      const [field = ""] = DATA.exec(text) ?? [];
      return field + withoutDefinitions(text.slice(field.length)) + end;
    })
    .join("");
}

/** Where the last event ends that is whole, if that is not in the part that was looked at before. */
function endOfEvents(text: string, seen: number): number {
  const blankLine = /(?:\r\n|\n|\r(?!\n)){2}/g;
  blankLine.lastIndex = Math.max(0, seen - 3);
  let end = 0;
  while (blankLine.test(text)) end = blankLine.lastIndex;
  return end;
}
