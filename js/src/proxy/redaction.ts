/** What pages do not get to see of an answer: the key, should the server repeat it, and the definitions. */

/** Characters of an answer, or of one line of a stream, that are passed on. */
export const MAX_ANSWER_SIZE = 32 * 1024 * 1024;
/** Keys that are shorter guard nothing, and would be found in many words. */
const SHORTEST_KEY = 8;
/** Types that a browser shows as what they are: anything else it might run, on the origin of the application. */
const HARMLESS = /^(application\/([\w.-]+\+)?json|text\/(plain|event-stream|vnd\.graphviz))\s*(;|$)/i;
const DEFINITION = "workflow_definition";

/** Strikes out of answers what pages do not get to see. */
export class Redaction {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** A header, or a word of it. */
  header(name: string, value: string): string {
    const text = this.#withoutKey(value);
    return name === "content-type" && !HARMLESS.test(text) ? "text/plain; charset=utf-8" : text;
  }

  /** A body. */
  body(text: string): string {
    return this.#withoutKey(withoutDefinitions(text));
  }

  /** The events of a stream, each line as soon as it is there. */
  events(): TransformStream<Uint8Array, Uint8Array> {
    const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
    let rest = "";
    return new TransformStream({
      transform: (bytes, controller) => {
        const text = decoder.decode(bytes, { stream: true });
        const end = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
        if (end > 0) controller.enqueue(encoder.encode(this.#lines(rest + text.slice(0, end))));
        rest = end > 0 ? text.slice(end) : rest + text;
        if (rest.length > MAX_ANSWER_SIZE) controller.error(new Error("the server sent a line without end"));
      },
      flush: (controller) => {
        const last = rest + decoder.decode();
        if (last !== "") controller.enqueue(encoder.encode(this.#lines(last)));
      },
    });
  }

  #lines(text: string): string {
    return text.replace(/[^\r\n]+/g, (line) => {
      const [field = ""] = /^data: ?/.exec(line) ?? [];
      return this.#withoutKey(field + withoutDefinitions(line.slice(field.length)));
    });
  }

  #withoutKey(text: string): string {
    return this.#key.length < SHORTEST_KEY ? text : text.replaceAll(this.#key, "[API key]");
  }
}

/** JSON without definitions. It is written anew only where there is one, so that numbers keep their digits. */
function withoutDefinitions(text: string): string {
  if (!text.includes(DEFINITION)) return text;
  try {
    return JSON.stringify(
      JSON.parse(text, (key, value: unknown) => (key === DEFINITION ? undefined : value)),
    );
  } catch (error) {
    // A log may speak of definitions.
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
