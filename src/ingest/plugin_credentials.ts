// Credentials that a program makes (exec plugins, KEP-541, and the older auth providers), by client-node, which knows them
// all. It takes 38 MB of memory and a tenth of a second to load, so only those who have such a program load it.

import { KubeConfig } from "@kubernetes/client-node";
import type { Credentials } from "./kubeconfig.ts";

/** What the program of the current user of `kubeconfig` says now; asked again once its answer has expired. */
export function pluginCredentials(kubeconfig: string): () => Promise<Partial<Credentials>> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return async () => {
    const options: Material = {};
    await config.applyToHTTPSOptions(options as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) =>
      [name.toLowerCase(), String(value)] as const
    );
    return {
      ...(options.cert ? { cert: text(options.cert) } : {}),
      ...(options.key ? { key: text(options.key) } : {}),
      headers: Object.fromEntries(headers),
    };
  };
}

/** The part of node's request options that client-node fills in. */
interface Material {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly cert?: unknown;
  readonly key?: unknown;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : new TextDecoder().decode(value as Uint8Array);
}
