/** Every operation of the API by its method and path, for {@link Highway.request}. Types alone; nothing of it is loaded. */

import type { CallOptions } from "../options.js";
import type { SystemOperations } from "./operations-system.js";
import type { WorkflowOperations } from "./operations-workflows.js";

/**
 * What each operation of the API takes and gives, by method and path as the API reference has them: `query` and `body` with
 * the API's own names, and the `data` of the answer; `unknown` where the API does not say what it is.
 */
export interface Operations extends WorkflowOperations, SystemOperations {}

/** The methods that operations have. */
export type OperationMethod = keyof Operations extends `${infer Method} ${string}` ? Method : never;

type OperationOf<Key, Method extends string> = Key extends `${Method} ${infer Path}` ? Path : never;

/** The paths of the operations with a method. */
export type OperationPath<Method extends string> = OperationOf<keyof Operations, Method>;

/** The operation of a method and a path. */
export type Operation<Method extends string, Path extends string> = Operations[`${Method} ${Path}` &
  keyof Operations];

type Names<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

/** What goes into a path, in the place of the names in its braces. */
export type PathParams<Path> = [Names<Path>] extends [never]
  ? { params?: undefined }
  : { params: { readonly [Name in Names<Path>]: string | number } };

/** What a request may have besides what its operation takes. */
export interface RequestExtras extends CallOptions {
  /** Further headers; not `Authorization`, which is the client's own. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** What the answer has to be: `json` (default), `text`, or `bytes`, which come as a `Uint8Array`. */
  expects?: "json" | "text" | "bytes" | undefined;
  /** Whether a request that failed may be sent again although its method does not say so (`POST`, `PATCH`). */
  repeatable?: boolean | undefined;
}

/** The options of a request for an operation. */
export type RequestOptions<Method extends string, Path extends string> = RequestExtras &
  PathParams<Path> &
  Pick<Operation<Method, Path>, keyof Operation<Method, Path> & ("query" | "body")>;

/** The data that an operation gives. */
export type OperationData<Method extends string, Path extends string> =
  Operation<Method, Path> extends { data: infer Data } ? Data : unknown;

/** The options of any other request. */
export interface AnyRequestOptions extends RequestExtras {
  /** What goes into the path, in the place of the names in its braces. */
  params?: Readonly<Record<string, string | number>> | undefined;
  /** Query parameters; what is null or undefined is left out, a list is a parameter for each item. */
  query?: object | undefined;
  /** A JSON body. */
  body?: unknown;
}
