/** API keys, and tokens of users. Only for administrators. */

import type { CallOptions } from "../options.js";
import type { List, ListOptions } from "./list.js";
import { Resource } from "./resource.js";
import type { ApiKey, ApiObject, CreatedApiKey, IssuedToken, RotatedApiKey, Token } from "./types.js";

/** The API keys of the tenant, as `highway.apiKeys`. */
export class ApiKeys extends Resource {
  /** All API keys. The secret text of a key is not included. */
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
   * Creates a key. Only this answer has its secret text. Not repeated after a failure.
   *
   * @throws {ApiError} `API_CONFLICT` if a key of that name exists.
   */
  create(
    name: string,
    options: CallOptions & {
      description?: string;
      /** What the key may be used for; default: everything. */
      permissions?: readonly string[];
      expiresAt?: Date | string;
      ipWhitelist?: readonly string[];
    } = {},
  ): Promise<CreatedApiKey> {
    const names = ["description", "permissions", "expiresAt", "ipWhitelist"];
    return this.write("POST", "admin/api-keys", {}, options, { body: { name }, names });
  }

  /**
   * One key.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(apiKeyId: string, options?: CallOptions): Promise<ApiKey> {
    return this.read("admin/api-keys/{apiKeyId}", { apiKeyId }, options);
  }

  /**
   * Deactivates a key.
   *
   * @throws {ApiError} `API_CONFLICT` if the key is not active.
   */
  revoke(apiKeyId: string, options: CallOptions & { reason?: string } = {}): Promise<ApiObject> {
    return this.write("DELETE", "admin/api-keys/{apiKeyId}", { apiKeyId }, options, { names: ["reason"] });
  }

  /**
   * Replaces a key. The old key works for another `gracePeriodHours` hours; default: 24, at most 168. Only this answer
   * has the new secret text. Not repeated after a failure.
   */
  rotate(
    apiKeyId: string,
    options: CallOptions & { gracePeriodHours?: number } = {},
  ): Promise<RotatedApiKey> {
    const what = { names: ["gracePeriodHours"] };
    return this.write("POST", "admin/api-keys/{apiKeyId}/rotate", { apiKeyId }, options, what);
  }
}

/** The tokens of users, as `highway.tokens`. */
export class Tokens extends Resource {
  /** All tokens. The secret text of a token is not included. */
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
   * Issues a token for a user. It is valid for `expiresInHours` hours; default: 24, at most 8,760. Only this answer has
   * its secret text. Not repeated after a failure.
   */
  issue(
    userEmail: string,
    options: CallOptions & { expiresInHours?: number; description?: string; scopes?: readonly string[] } = {},
  ): Promise<IssuedToken> {
    const names = ["expiresInHours", "description", "scopes"];
    return this.write("POST", "admin/tokens", {}, options, { body: { user_email: userEmail }, names });
  }

  /**
   * One token.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(tokenId: string, options?: CallOptions): Promise<Token> {
    return this.read("admin/tokens/{tokenId}", { tokenId }, options);
  }

  /** Revokes a token. */
  revoke(tokenId: string, options: CallOptions & { reason?: string } = {}): Promise<ApiObject> {
    return this.write("DELETE", "admin/tokens/{tokenId}", { tokenId }, options, { names: ["reason"] });
  }

  /** Revokes all tokens of a user. Safe to repeat. */
  revokeAll(userEmail: string, options: CallOptions & { reason?: string } = {}): Promise<ApiObject> {
    const what = { names: ["reason"], repeatable: true };
    return this.write("POST", "admin/tokens/revoke-all/{userEmail}", { userEmail }, options, what);
  }
}
