/**
 * Every operation of the API by its method and path, for {@link Highway.request}. Only types, so nothing of it is
 * loaded.
 */

import type { CallOptions } from "../options.js";
import type { SystemOperations } from "./operations-system.js";
import type { WorkflowOperations } from "./operations-workflows.js";

/**
 * What each operation of the API takes and returns, by method and path as the API reference writes them. `query` and
 * `body` use the API's own names. `data` is the data of the answer: `unknown` if the API reference does not describe
 * it.
 */
export interface Operations extends WorkflowOperations, SystemOperations {}

/** The HTTP methods of the operations. */
export type OperationMethod = keyof Operations extends `${infer Method} ${string}` ? Method : never;

type OperationOf<Key, Method extends string> = Key extends `${Method} ${infer Path}` ? Path : never;

/** The paths of the operations with a given method. */
export type OperationPath<Method extends string> = OperationOf<keyof Operations, Method>;

/** The operation with a given method and path. */
export type Operation<Method extends string, Path extends string> = Operations[`${Method} ${Path}` &
  keyof Operations];

type Names<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

/** Values for the names in braces of a path. */
export type PathParams<Path> = [Names<Path>] extends [never]
  ? { params?: undefined }
  : { params: { readonly [Name in Names<Path>]: string | number } };

/** Options of a request besides the operation's own. */
export interface RequestExtras extends CallOptions {
  /** Additional headers. `Authorization` is not allowed; the client sets it. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** How to read the answer: `json` (default), `text`, or `bytes` for a `Uint8Array`. */
  expects?: "json" | "text" | "bytes" | undefined;
  /**
   * Whether a failed request may be sent again although its method (`POST`, `PATCH`) is not safe to repeat; default:
   * false.
   */
  repeatable?: boolean | undefined;
}

/** Options of a request for a known operation. */
export type RequestOptions<Method extends string, Path extends string> = RequestExtras &
  PathParams<Path> &
  Pick<Operation<Method, Path>, keyof Operation<Method, Path> & ("query" | "body")>;

/** The data that an operation returns. */
export type OperationData<Method extends string, Path extends string> =
  Operation<Method, Path> extends { data: infer Data } ? Data : unknown;

/** Options of a request for any other operation. */
export interface AnyRequestOptions extends RequestExtras {
  /** Values for the names in braces of the path. */
  params?: Readonly<Record<string, string | number>> | undefined;
  /** Query parameters. Null and undefined values are omitted; a list becomes one parameter per item. */
  query?: object | undefined;
  /** The body, sent as JSON. */
  body?: unknown;
}
