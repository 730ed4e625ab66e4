/** `tools.llm.call`: calls a language model behind an OpenAI-compatible endpoint or Ollama. */

import { errorOf } from "../../shared/errors.js";
import { checkOptions } from "../../shared/options.js";
import { isObject } from "../../shared/plain.js";
import { bigJson } from "../../shared/json.js";
import {
  answered,
  answerLimit,
  exchange,
  isBusy,
  refusal,
  retryAfterOf,
  struck,
  takeCredentials,
} from "./http-answer.js";
import { decoded, jsonOf } from "../../shared/reading.js";
import {
  badArguments,
  ownTool,
  textGiven,
  type Tool,
  type ToolCall,
  ToolError,
  type ToolErrorOptions,
} from "./tool.js";

/** Characters of a server's message that an error shows. */
const SNIPPET = 300;

/** The base URLs of providers that have a single one. */
const ADDRESSES: Readonly<Record<string, string>> = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com/v1",
  groq: "https://api.groq.com/openai/v1",
  mistral: "https://api.mistral.ai/v1",
  deepseek: "https://api.deepseek.com/v1",
  openrouter: "https://openrouter.ai/api/v1",
  ollama: "http://localhost:11434",
};

/** A provider of language models. */
export interface LlmProvider {
  /** The name that tasks use, such as `openai`. */
  provider: string;
  /**
   * The URL above `/chat/completions`, or of an Ollama server. Known for `openai`, `anthropic`, `groq`, `mistral`,
   * `deepseek`, `openrouter` and a local `ollama`; required for all others.
   */
  baseUrl?: string | undefined;
  /** The key, sent as a bearer credential to this provider only. It is never shown in errors. */
  apiKey?: string | undefined;
  /** The model for tasks that name none. */
  model?: string | undefined;
  /** Additional headers. Their values are never shown in errors. */
  headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The protocol: `ollama` (`/api/chat`) or `openai` (`/chat/completions`). Default: `ollama` for the provider of that
   * name, otherwise `openai`.
   */
  api?: "openai" | "ollama" | undefined;
  /**
   * The largest answer, in bytes after decompression; default: 10 MiB. A larger one fails the task with
   * `LIMIT_EXCEEDED`.
   */
  maxAnswerBytes?: number | undefined;
}

interface Wanted {
  readonly name: string;
  readonly url: URL;
  readonly isOllama: boolean;
  readonly model: string;
  readonly headers: Headers;
  readonly secrets: readonly string[];
  readonly body: string;
  /** The largest answer in bytes. */
  readonly most: number;
}

/**
 * The tool `tools.llm.call` for the given providers. The first one is the default of tasks that name none.
 *
 * Arguments: `prompt`, `provider` (or `route`), `model`, `system_prompt`, `temperature`, `max_tokens`,
 * `max_completion_tokens`, and for another OpenAI-compatible endpoint `base_url` and `api_key`. Give the key as
 * `{{ENV.NAME}}`, whose value is not stored. With a `base_url`, only the task's own `api_key` is sent. Arguments that
 * are missing or null are not sent, so the provider's defaults apply. Result: `{response, provider, model, usage:
 * {prompt_tokens, completion_tokens, total_tokens}, finish_reason}`.
 *
 * For the provider `openai`, `max_tokens` is sent as `max_completion_tokens`, because its newer models refuse the old
 * name. Other providers get it unchanged. `max_completion_tokens` is sent under its own name to all.
 *
 * After a 408, 429 or 5xx the attempt may be repeated, after `Retry-After` at the earliest; after other refusals it is
 * not. An error inside an answer of status 200 also fails the attempt (`LLM_STATUS`). A model that refuses fails with
 * `LLM_REFUSED`, an answer without text with `LLM_ANSWER_INVALID`.
 *
 * @example
 * ```js
 * import { LocalEngine, llmTool } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine().tool(
 *   "tools.llm.call",
 *   llmTool(
 *     { provider: "openai", apiKey: "sk-…", model: "gpt-5-mini" },
 *     { provider: "ollama", model: "llama3.2" },
 *   ),
 * );
 * await engine.close();
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function llmTool(...providers: readonly LlmProvider[]): Tool {
  const known = new Map<string, LlmProvider>();
  for (const [at, provider] of providers.entries()) {
    checkProvider(provider, `/${at}`);
    if (known.has(provider.provider)) {
      throw errorOf("OPTION_INVALID", `there are two providers \`${provider.provider}\``, { path: `/${at}` });
    }
    known.set(provider.provider, provider);
  }
  if (known.size === 0) throw errorOf("OPTION_INVALID", "there is no provider", { path: "/0" });
  return ownTool("tools.llm.call", async (call) => {
    const wanted = wantedOf(call, known);
    const { url, headers, body, secrets, most } = wanted;
    const { signal } = call;
    // A redirect would send the key elsewhere.
    const init: RequestInit = { method: "POST", headers, body, signal, redirect: "manual" };
    const { response, bytes } = await exchange(url.origin, most, () => fetch(url, init), secrets);
    const text = await decoded(bytes);
    const answer = await jsonOf(text);
    if (!response.ok) {
      const retryable = isBusy(response);
      throw failed(`\`${url.origin}\` ${answered(response)}`, messageOf(answer) ?? text, wanted, {
        retryable,
        retryAfter: retryable ? retryAfterOf(response) : undefined,
        help: helpFor(response.status, wanted),
      });
    }
    return { provider: wanted.name, model: wanted.model, ...resultOf(answer, text, wanted) };
  });
}

/** The error of a failed call, with the server's message. */
function failed(
  message: string,
  said: string,
  { secrets }: Wanted,
  options: ToolErrorOptions = {},
): ToolError {
  const { message: text, messageLimit } = refusal(message, struck(said, secrets), SNIPPET);
  return new ToolError(text, { code: "LLM_STATUS", messageLimit, ...options });
}

function checkProvider(provider: LlmProvider, path: string): void {
  if (!isObject(provider)) throw errorOf("OPTION_INVALID", "the provider is not an object", { path });
  checkOptions(
    provider,
    ["provider", "baseUrl", "apiKey", "model", "headers", "api", "maxAnswerBytes"],
    "llmTool",
  );
  const { provider: name, baseUrl, api } = provider as LlmProvider;
  const invalid = (message: string, field: string): Error =>
    errorOf("OPTION_INVALID", message, { path: `${path}/${field}` });
  if (typeof name !== "string" || name === "") throw invalid("the provider has no name", "provider");
  for (const field of ["apiKey", "model"] as const) {
    if (provider[field] !== undefined && typeof provider[field] !== "string")
      throw invalid(`\`${field}\` is not text`, field);
  }
  if (provider.headers !== undefined && !isObject(provider.headers))
    throw invalid("`headers` is not an object", "headers");
  if (api !== undefined && api !== "openai" && api !== "ollama") {
    throw invalid("`api` is neither `openai` nor `ollama`", "api");
  }
  if (baseUrl === undefined && !Object.hasOwn(ADDRESSES, name)) {
    throw invalid(`the provider \`${name}\` has no \`baseUrl\``, "baseUrl");
  }
  if (baseUrl !== undefined && !isHttp(baseUrl))
    throw invalid("`baseUrl` is not an absolute URL of HTTP", "baseUrl");
  answerLimit(provider.maxAnswerBytes, path);
}

const isHttp = (text: unknown): text is string =>
  typeof text === "string" && URL.canParse(text) && /^https?:/i.test(text);

/** The request of a task. */
function wantedOf(call: ToolCall, known: ReadonlyMap<string, LlmProvider>): Wanted {
  const own = { url: textOf(call, "base_url"), key: textOf(call, "api_key") };
  // Definitions for a Highway server may name a route; here each provider is one.
  const asked = textOf(call, "provider") ?? textOf(call, "route");
  if ((call.kwargs["use_agentic_prompt"] ?? false) !== false) {
    throw badArguments(
      "there is no agentic prompt here",
      "write it as `system_prompt`, or run on a Highway server",
    );
  }
  const provider = asked === undefined ? [...known.values()][0] : known.get(asked);
  if (provider === undefined && own.url === undefined) {
    throw badArguments(
      `there is no provider \`${asked}\``,
      `there are ${[...known.keys()].map((name) => `\`${name}\``).join(", ")}; give \`llmTool\` more of them, or the task a \`base_url\``,
    );
  }
  if (own.url !== undefined && !isHttp(own.url))
    throw badArguments("`base_url` is not an absolute URL of HTTP");
  const model = textOf(call, "model") ?? provider?.model;
  if (model === undefined)
    throw badArguments("`model` is missing", "name one in the task, or for the provider");
  const prompt = textGiven(
    call.kwargs["prompt"] ?? call.args[0],
    "prompt",
    "give the model something to read",
  );
  const system = textOf(call, "system_prompt");
  const messages = [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt },
  ];
  const temperature = numberOf(call, "temperature", 0);
  const most = numberOf(call, "max_tokens", 1);
  const mostCompletion = numberOf(call, "max_completion_tokens", 1);
  const name = provider?.provider ?? asked ?? "";
  const isOllama = (provider?.api ?? (name === "ollama" ? "ollama" : "openai")) === "ollama";
  const base = own.url ?? provider?.baseUrl ?? ADDRESSES[name] ?? "";
  const url = new URL(`${base.replace(/\/+$/, "")}${isOllama ? "/api/chat" : "/chat/completions"}`);
  // Settings for one address are not sent to another address, which a definition names.
  const configured = own.url === undefined ? provider : undefined;
  const key = own.key ?? configured?.apiKey;
  const headers = headersOf({ ...configured?.headers }, key);
  const credentials = takeCredentials(url, headers);
  // `JSON.stringify` omits fields that are undefined.
  const options = { temperature, num_predict: mostCompletion ?? most };
  const isOpenAi = configured !== undefined && name === "openai";
  const body = isOllama
    ? { model, messages, stream: false, options: bigJson(options) === "{}" ? undefined : options }
    : {
        model,
        messages,
        temperature,
        max_tokens: isOpenAi ? undefined : most,
        max_completion_tokens: mostCompletion ?? (isOpenAi ? most : undefined),
      };
  const secrets = [key, ...Object.values(configured?.headers ?? {}), ...credentials].filter(
    (secret): secret is string => typeof secret === "string" && secret !== "",
  );
  return {
    name,
    url,
    isOllama,
    model,
    headers,
    secrets,
    body: bigJson(body),
    most: answerLimit(provider?.maxAnswerBytes),
  };
}

function headersOf(given: Readonly<Record<string, string>>, key: string | undefined): Headers {
  try {
    const headers = new Headers(given);
    headers.set("content-type", "application/json");
    if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
    return headers;
  } catch {
    // The runtime's own error may repeat the value.
    throw badArguments(
      "the key, or a header, has a character that a header cannot have",
      "look for line breaks in it",
    );
  }
}

function textOf(call: ToolCall, name: string): string | undefined {
  const value = call.kwargs[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw badArguments(`\`${name}\` is not text`);
  return value;
}

/** A template may have turned the number into text. */
function numberOf(call: ToolCall, name: string, least: number): number | undefined {
  const value = call.kwargs[name];
  if (value === undefined || value === null || value === "") return undefined;
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number === "number" && number >= least && Number.isFinite(number)) return number;
  throw badArguments(`\`${name}\` is not a number, at least ${least}`);
}

function resultOf(answer: unknown, text: string, wanted: Wanted): Record<string, unknown> {
  const { isOllama, model } = wanted;
  const said = fieldsOf(answer);
  const choice = isOllama ? said : fieldsOf((said["choices"] as unknown[] | undefined)?.[0]);
  checkError(said, wanted);
  checkError(choice, wanted);
  const content = contentOf(choice, messageOf(said), text, wanted);
  const count = (value: unknown): number | bigint =>
    typeof value === "bigint" || Number.isInteger(value) ? (value as number | bigint) : 0;
  const used = fieldsOf(said["usage"]);
  const prompt = count(isOllama ? said["prompt_eval_count"] : used["prompt_tokens"]);
  const completion = count(isOllama ? said["eval_count"] : used["completion_tokens"]);
  const sum =
    typeof prompt === "number" && typeof completion === "number"
      ? prompt + completion
      : BigInt(prompt) + BigInt(completion);
  const reason = isOllama ? said["done_reason"] : choice["finish_reason"];
  return {
    response: content,
    model: typeof said["model"] === "string" ? said["model"] : model,
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: count(used["total_tokens"]) || sum,
    },
    finish_reason: typeof reason === "string" ? reason : null,
  };
}

const fieldsOf = (value: unknown): Record<string, unknown> => Object(value ?? {}) as Record<string, unknown>;

/** Throws the error inside an answer with a status of success. */
function checkError(said: Record<string, unknown>, wanted: Wanted): void {
  const { error } = said;
  if (error === undefined || error === null || error === "" || error === false) return;
  const { code, status } = fieldsOf(error);
  const told = [code, status].map(Number).find((number) => number >= 400 && number < 600);
  const text = messageOf(said) ?? bigJson(error);
  throw failed(`\`${wanted.url.origin}\` answered with an error`, text, wanted, {
    retryable: told === undefined ? undefined : isBusy({ status: told }),
    help: told === undefined ? undefined : helpFor(told, wanted),
  });
}

/**
 * The text of a model's answer, which may be in parts. Without text, the error shows the reason or the start of the
 * answer.
 */
function contentOf(
  choice: Record<string, unknown>,
  said: string | undefined,
  answer: string,
  wanted: Wanted,
): string {
  const message = fieldsOf(choice["message"]);
  const { content } = message;
  if (typeof content === "string") return content;
  const parts = Array.isArray(content) ? content.map(fieldsOf) : [];
  const textsOf = (from: Record<string, unknown>[], field: string): string[] =>
    from.map((part) => part[field]).filter((text): text is string => typeof text === "string");
  const texts = textsOf(parts, "text");
  if (texts.length > 0) return texts.join("");
  const { origin } = wanted.url;
  const refused = textsOf([message, ...parts], "refusal").join("");
  if (refused !== "") {
    throw failed(`the model of \`${origin}\` refused`, refused, wanted, {
      code: "LLM_REFUSED",
      retryable: false,
    });
  }
  const reason = choice["finish_reason"] ?? choice["done_reason"];
  const end = typeof reason === "string" ? `it ended with \`${reason}\`` : answer;
  throw failed(`\`${origin}\` gave no text`, said ?? end, wanted, { code: "LLM_ANSWER_INVALID" });
}

/** A server's error message: `{error: {message}}`, `{error}` or `{message}`. */
function messageOf(answer: unknown): string | undefined {
  const { error, message } = Object(answer ?? {}) as { error?: unknown; message?: unknown };
  const inner = (Object(error ?? {}) as { message?: unknown }).message;
  return [inner, error, message].find((text): text is string => typeof text === "string" && text !== "");
}

function helpFor(status: number, { name, model }: Wanted): string | undefined {
  if (status === 401 || status === 403) return `check the key of the provider \`${name}\``;
  if (status === 404) return `check the address of the provider \`${name}\`, and its model \`${model}\``;
  return undefined;
}
