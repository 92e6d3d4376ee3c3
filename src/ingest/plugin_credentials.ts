// Credentials that a program makes (exec plugins, KEP-541, and the older auth providers), by client-node, which knows them
// all. It takes 38 MB of memory and a tenth of a second to load, so only those who have such a program load it. What the
// program writes may be a credential, also where it fails: none of it is put into a message.

import { KubeConfig } from "@kubernetes/client-node";
import { KubeconfigProblem } from "./api_failure.ts";
import { checkedPem, checkedToken, type ProblemMaker } from "./credential_files.ts";
import type { Credentials } from "./access.ts";

/** What the program of the current user of `kubeconfig` says now; asked again once its answer has expired. */
export function pluginCredentials(
  kubeconfig: string,
  problem: ProblemMaker,
): () => Promise<Partial<Credentials>> {
  let config: KubeConfig | undefined;
  return async () => {
    const options: Material = {};
    try {
      if (config === undefined) {
        config = new KubeConfig();
        config.loadFromFile(kubeconfig);
      }
      await config.applyToHTTPSOptions(options as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
      return material(options, problem);
    } catch (error) {
      throw error instanceof KubeconfigProblem ? error : problem(`exec: ${fault(error)}`);
    }
  };
}

/** The part of node's request options that client-node fills in. */
interface Material {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly cert?: unknown;
  readonly key?: unknown;
}

function material({ headers = {}, cert, key }: Material, problem: ProblemMaker): Partial<Credentials> {
  const place = "exec: what the program gave";
  const sent = Object.entries(headers).map(([name, value]) => {
    const [scheme, ...rest] = String(value).split(" ");
    const lower = name.toLowerCase();
    if (lower !== "authorization") return [lower, checkedToken(String(value), place, problem)];
    return [
      lower,
      `${checkedToken(scheme!, place, problem)} ${checkedToken(rest.join(" "), place, problem)}`,
    ];
  });
  return {
    ...(cert ? { cert: checkedPem(text(cert), place, problem) } : {}),
    ...(key ? { key: checkedPem(text(key), place, problem) } : {}),
    headers: Object.fromEntries(sent),
  };
}

/** Why the program gave nothing: by the kind of error alone. */
function fault(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === "ENOENT") return "there is no such program";
  if (code === "EACCES") return "the program may not be run";
  if (error instanceof SyntaxError) return "what the program wrote is not JSON";
  if (error instanceof TypeError) return "what the program wrote is not an ExecCredential";
  return "the program failed; run it by hand to see why";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : new TextDecoder().decode(value as Uint8Array);
}
