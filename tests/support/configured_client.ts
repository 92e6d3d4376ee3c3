// Kubeconfigs that tests write, and one request of a client that has such a file.

import { ApiClient } from "../../src/ingest/api_client.ts";

/** The text of the answer to a request with the kubeconfig at `path`, or the error. */
export async function asked(path: string): Promise<string> {
  try {
    using client = new ApiClient(path);
    const response = await client.get("/api/v1/nodes", {}, AbortSignal.timeout(60_000));
    return await response.text();
  } catch (error) {
    return String(error);
  }
}

/** Writes a kubeconfig for one cluster and one user into `folder`; returns its path. */
export function configure(
  folder: string,
  cluster: Record<string, unknown>,
  user: Record<string, unknown>,
): string {
  const path = `${folder}/config`;
  const context = { cluster: "c", user: "u" };
  Deno.writeTextFileSync(
    path,
    JSON.stringify({
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context }],
      "current-context": "x",
    }),
  );
  return path;
}
