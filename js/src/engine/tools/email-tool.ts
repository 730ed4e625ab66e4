/** `tools.email.send`: sends an e-mail through the user's function or service. */

import { checkOptions, invalid } from "../../shared/options.js";
import { answered, answerLimit, exchange, isBusy, retryAfterOf, takeCredentials } from "./http-answer.js";
import { decoded, jsonOf } from "../../shared/reading.js";
import { badArguments, ownTool, textGiven, type Tool, type ToolCall, ToolError } from "./tool.js";

/** Most characters of a body; Highway's own limit. */
const LONGEST_BODY = 4096;

/** An e-mail to send. */
export interface Email {
  /** Address of the recipient. */
  readonly to: string;
  readonly subject: string;
  /** Plain text, at most 4,096 characters. */
  readonly body: string;
  /** The same for every attempt of the task. A service that knows the header sends the mail once. */
  readonly idempotencyKey: string;
  /** Fires when the attempt is aborted. */
  readonly signal: AbortSignal;
}

/** How {@link emailTool} sends: exactly one of `send` and `url`. */
export interface EmailToolOptions {
  /** Sends an e-mail, and returns its id if it has one. An error fails the attempt. */
  send?: ((email: Email) => unknown) | undefined;
  /**
   * The URL of a service that accepts `{to, subject, body}` as JSON with the header `Idempotency-Key`. Its answer may
   * have an `id` or `message_id`.
   */
  url?: string | undefined;
  /** Headers for the service, such as a credential. They are never shown in errors. */
  headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The largest answer of the service, in bytes after decompression; default: 10 MiB. A larger one fails the task with
   * `LIMIT_EXCEEDED`.
   */
  maxAnswerBytes?: number | undefined;
}

/**
 * The tool `tools.email.send`. Arguments: `to`, `subject` and `body` (at most 4,096 characters). Result: `{success, to,
 * subject, task_id, message_id, message}`.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { emailTool, LocalEngine } from "highway-wasm/engine";
 *
 * const send = async ({ to, subject }) => {
 *   console.log(`${to}: ${subject}`); // ada@example.org: hello
 *   return "message-1";
 * };
 * const engine = new LocalEngine().tool("tools.email.send", emailTool({ send }));
 * const driver = new Driver({ engine });
 * driver.tool("mail", "tools.email.send", { to: "ada@example.org", subject: "hello", body: "…" });
 * console.log((await driver.run()).tasks.mail.result.message_id); // message-1
 * await engine.close();
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function emailTool(options: EmailToolOptions): Tool {
  checkOptions(options, ["send", "url", "headers", "maxAnswerBytes"], "emailTool");
  const { send, url, headers } = options;
  if (send !== undefined && typeof send !== "function") throw invalid("`send` is not a function", "/send");
  if ((send === undefined) === (url === undefined)) throw invalid("give either `send` or `url`", "/send");
  if (url !== undefined && !URL.canParse(url)) throw invalid("`url` is not an absolute URL", "/url");
  if (!areHeaders(headers))
    throw invalid("`headers` has a name or a value that a request cannot have", "/headers");
  const most = answerLimit(options.maxAnswerBytes);
  return ownTool("tools.email.send", async (call) => {
    const email = emailOf(call);
    const given =
      send === undefined ? await post(email, String(url), { ...headers }, most) : await send(email);
    const { to, subject } = email;
    return {
      success: true,
      to,
      subject,
      task_id: call.task,
      message_id: idOf(given),
      message: `the e-mail to ${to} was sent`,
    };
  });
}

function areHeaders(headers: EmailToolOptions["headers"]): boolean {
  try {
    return new Headers(headers) !== undefined;
  } catch {
    // The runtime's own error may repeat a credential.
    return false;
  }
}

function emailOf({ args, kwargs, idempotencyKey, signal }: ToolCall): Email {
  const text = (name: string, at: number): string => {
    return textGiven(
      kwargs[name] ?? args[at],
      name,
      "it takes `to`, `subject` and `body`, each of them text",
    );
  };
  const [to, subject, body] = [text("to", 0), text("subject", 1), text("body", 2)];
  // A line break would begin another header.
  for (const [name, value] of Object.entries({ to, subject })) {
    if (/[\r\n]/.test(value)) throw badArguments(`\`${name}\` has a line break`);
  }
  if (!/^[^@\s]+@[^@\s]+$/.test(to.replace(/^.*<(.*)>$/, "$1")))
    throw badArguments(`\`${to}\` is not an e-mail address`);
  const length = [...body].length;
  if (length > LONGEST_BODY) {
    throw badArguments(
      `\`body\` has ${length} characters, of ${LONGEST_BODY} at most`,
      "put the rest where a link leads",
    );
  }
  return { to, subject, body, idempotencyKey, signal };
}

async function post(
  email: Email,
  address: string,
  given: Record<string, string>,
  most: number,
): Promise<unknown> {
  const { to, subject, body, idempotencyKey, signal } = email;
  const url = new URL(address);
  const headers = new Headers({
    ...given,
    "content-type": "application/json",
    "idempotency-key": idempotencyKey,
  });
  const secrets = [...takeCredentials(url, headers), ...Object.values(given)];
  const text = JSON.stringify({ to, subject, body });
  // A redirect would send the credential elsewhere.
  const init: RequestInit = { method: "POST", headers, body: text, signal, redirect: "manual" };
  const { response, bytes } = await exchange(url.origin, most, () => fetch(url, init), secrets);
  if (!response.ok) {
    const retryable = isBusy(response);
    // The service's own text may repeat the credential.
    throw new ToolError(`\`${url.origin}\` ${answered(response)}`, {
      code: "HTTP_STATUS",
      retryable,
      retryAfter: retryable ? retryAfterOf(response) : undefined,
    });
  }
  return await jsonOf(await decoded(bytes));
}

function idOf(given: unknown): string | null {
  const { message_id, messageId, id } = Object(given ?? {}) as Record<string, unknown>;
  const found = typeof given === "string" ? given : (message_id ?? messageId ?? id);
  return ["string", "number", "bigint"].includes(typeof found) ? String(found) : null;
}
