// What can be wrong with an API server and with the way to it, and what its answers say of it.

/** Most bytes of an error's body that are read. */
const ERROR_BYTES_MAX = 64 * 1024;

/** What is wrong with the way to the API server, and how to mend it; trying again does not help. */
export class KubeconfigProblem extends Error {
  override readonly name = "KubeconfigProblem";
}

/** The API server's no. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";

  /** `status` is the HTTP status, `reason` that of the Status object ("Expired"), "" where there is none. */
  constructor(message: string, readonly status: number, readonly reason: string) {
    super(message);
  }
}

/** What an answer other than 200 says. */
export async function failureOf(response: Response, path: string): Promise<ApiFailure> {
  const body = (response.body === null ? "" : await readLimited(response.body, ERROR_BYTES_MAX)).trim();
  let message = body.slice(0, 200);
  let reason = "";
  try {
    const status = JSON.parse(body) as { message?: string; reason?: string };
    message = status.message ?? message;
    reason = status.reason ?? "";
  } catch {
    // Not a Status object: a proxy in between may have answered.
  }
  return new ApiFailure(
    `${path}: ${response.status} ${response.statusText}: ${message}`,
    response.status,
    reason,
  );
}

/** A body that comes in `chunks`, as text. Throws when it is longer than `limit` bytes. */
export async function readLimited(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) throw new ApiFailure(`an answer of more than ${limit} bytes`, 0, "");
    // The next chunk may overwrite this one.
    parts.push(chunk.slice());
  }
  return new TextDecoder().decode(await new Blob(parts as BlobPart[]).arrayBuffer());
}
