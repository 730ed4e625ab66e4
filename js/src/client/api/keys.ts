/** API keys, and tokens of users. For administrators. */

import type { CallOptions } from "../options.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { ApiKey, ApiObject, CreatedApiKey, IssuedToken, RotatedApiKey, Token } from "./types.js";

/** `client.apiKeys` */
export class ApiKeys extends Resource {
  /** The keys, without the keys themselves. */
  list(options: ListOptions & { includeInactive?: boolean } = {}): List<ApiKey> {
    return this.readPages(options, {
      path: "admin/api-keys",
      names: ["includeInactive"],
      items: ["api_keys"],
      ids: ["api_key_id"],
      style: ["page", "per_page", 50],
    });
  }

  /**
   * Makes a key. It is in the answer, and never shown again. Not repeated after a failure.
   *
   * @throws {ApiError} `API_CONFLICT` when there is one of that name.
   */
  create(
    name: string,
    options: CallOptions & {
      description?: string;
      /** What it may do; everything by default. */
      permissions?: readonly string[];
      expiresAt?: Date | string;
      ipWhitelist?: readonly string[];
    } = {},
  ): Promise<CreatedApiKey> {
    const names = ["description", "permissions", "expiresAt", "ipWhitelist"];
    return this.write("POST", "admin/api-keys", {}, options, { body: { name }, names });
  }

  /** One key. @throws {ApiError} `API_NOT_FOUND`. */
  get(apiKeyId: string, options?: CallOptions): Promise<ApiKey> {
    return this.read("admin/api-keys/{apiKeyId}", { apiKeyId }, options);
  }

  /** Ends a key. @throws {ApiError} `API_CONFLICT` when it is ended already. */
  revoke(apiKeyId: string, options: CallOptions & { reason?: string } = {}): Promise<ApiObject> {
    return this.write("DELETE", "admin/api-keys/{apiKeyId}", { apiKeyId }, options, { names: ["reason"] });
  }

  /**
   * Replaces a key; the old one goes on for `gracePeriodHours` (24 by default, at most 168). The new one is in the answer, and
   * never shown again. Not repeated after a failure.
   */
  rotate(
    apiKeyId: string,
    options: CallOptions & { gracePeriodHours?: number } = {},
  ): Promise<RotatedApiKey> {
    const what = { names: ["gracePeriodHours"] };
    return this.write("POST", "admin/api-keys/{apiKeyId}/rotate", { apiKeyId }, options, what);
  }
}

/** `client.tokens` */
export class Tokens extends Resource {
  /** The tokens, without the tokens themselves. */
  list(options: ListOptions & { userEmail?: string; includeRevoked?: boolean } = {}): List<Token> {
    return this.readPages(options, {
      path: "admin/tokens",
      names: ["userEmail", "includeRevoked"],
      items: ["tokens"],
      ids: ["token_id"],
      style: ["page", "per_page", 50],
    });
  }

  /**
   * Issues a token for a user, for `expiresInHours` (24 by default, at most 8,760). It is in the answer, and never shown again.
   * Not repeated after a failure.
   */
  issue(
    userEmail: string,
    options: CallOptions & { expiresInHours?: number; description?: string; scopes?: readonly string[] } = {},
  ): Promise<IssuedToken> {
    const names = ["expiresInHours", "description", "scopes"];
    return this.write("POST", "admin/tokens", {}, options, { body: { user_email: userEmail }, names });
  }

  /** One token. @throws {ApiError} `API_NOT_FOUND`. */
  get(tokenId: string, options?: CallOptions): Promise<Token> {
    return this.read("admin/tokens/{tokenId}", { tokenId }, options);
  }

  /** Ends a token. */
  revoke(tokenId: string, options: CallOptions & { reason?: string } = {}): Promise<ApiObject> {
    return this.write("DELETE", "admin/tokens/{tokenId}", { tokenId }, options, { names: ["reason"] });
  }

  /** Ends all tokens of a user. May be done again. */
  revokeAll(userEmail: string, options: CallOptions & { reason?: string } = {}): Promise<ApiObject> {
    const what = { names: ["reason"], repeatable: true };
    return this.write("POST", "admin/tokens/revoke-all/{userEmail}", { userEmail }, options, what);
  }
}
