/** Artifacts: archives of code that tasks run from. */

import { uploadArtifact } from "../artifact.js";
import { uuid } from "../../shared/environment.js";
import type { CallOptions } from "../options.js";
import { checkOptions, invalid } from "../../shared/options.js";
import { Resource } from "./resource.js";
import type { ApiObject } from "./types.js";

/** The artifacts of the server, as `highway.artifacts`. */
export class Artifacts extends Resource {
  /**
   * Uploads a zip archive.
   *
   * @returns The id of the artifact, the SHA-256 of its content as hex. The server keeps the same archive once, so
   *   uploading it again is safe.
   */
  async upload(
    archive: Blob | ArrayBuffer | Uint8Array,
    options: CallOptions & { filename?: string } = {},
  ): Promise<string> {
    checkOptions(options, ["filename", "signal", "timeout"], "upload");
    const { filename = `artifact_${uuid().slice(0, 8)}.zip`, ...call } = options;
    const isBinary = archive instanceof ArrayBuffer || ArrayBuffer.isView(archive);
    if (!isBinary && !(archive instanceof Blob)) throw invalid("the archive is not binary data", "/archive");
    return await uploadArtifact(
      this.client,
      isBinary ? new Blob([archive as Uint8Array<ArrayBuffer>]) : archive,
      filename,
      call,
    );
  }

  /** The ids of all artifacts. */
  list(options: CallOptions = {}): Promise<string[]> {
    return this.readAll("artifacts", {}, options, [], ["artifacts"]);
  }

  /**
   * The bytes of an artifact. Their number is limited by the client's `maxResponseSize`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  download(artifactId: string, options?: CallOptions): Promise<Uint8Array> {
    return this.read("artifacts/{artifactId}", { artifactId }, options, [], { expects: "bytes" });
  }

  /** Whether the server has an artifact with this id. */
  async exists(artifactId: string, options?: CallOptions): Promise<boolean> {
    const answer = await this.read<ApiObject>("artifacts/{artifactId}/exists", { artifactId }, options);
    return answer["exists"] === true;
  }

  /**
   * Deletes an artifact.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  delete(artifactId: string, options?: CallOptions): Promise<ApiObject> {
    return this.write("DELETE", "artifacts/{artifactId}", { artifactId }, options);
  }
}
