/**
 * For Node, Deno and Bun: tools and stores that need an operating system, and an HTTP server for the embedded engine.
 *
 * @packageDocumentation
 */

export { type FileStoreOptions, fileStore } from "./node/file-store.js";
export { type HttpRequestLike, type HttpResponseLike, listener } from "./node/listener.js";
export { type PythonDslOptions, pythonDsl } from "./node/python-dsl.js";
export { type HighwayServer, type ServeOptions, serve } from "./node/serve.js";
export { type SqliteDatabaseLike, type SqliteStoreOptions, sqliteStore } from "./node/sqlite-store.js";
export { type NodeToolsOptions, nodeTools } from "./node/tools.js";
