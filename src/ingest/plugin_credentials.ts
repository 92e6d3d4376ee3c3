// Credentials that a program makes (exec plugins, KEP-541, and the older auth providers), by client-node, which knows them
// all. It takes 38 MB of memory and a tenth of a second to load, so only those who have such a program load it. What the
// program writes may be a credential, also where it fails: none of it is put into a message. A program that hangs, or writes
// without end, is ended (plugin_process.ts); client-go would wait for it.

import { KubeConfig } from "@kubernetes/client-node";
import { assert } from "../invariant.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { checkedPem, checkedToken, type Problem } from "./credential_files.ts";
import type { Credentials } from "./kubeconfig.ts";
import { PLUGIN_LIMITS, PluginEnded, type PluginLimits, startBounded } from "./plugin_process.ts";

/**
 * What the program of the current user of `kubeconfig` says now; asked again once its answer has expired. One program runs at
 * a time: whoever asks meanwhile gets its answer too.
 */
export function pluginCredentials(
  kubeconfig: string,
  problem: Problem,
  limits: PluginLimits = PLUGIN_LIMITS,
): () => Promise<Partial<Credentials>> {
  let config: KubeConfig | undefined;
  let asked: Promise<Partial<Credentials>> | undefined;
  const ask = async () => {
    const options: Material = {};
    try {
      if (config === undefined) {
        config = new KubeConfig();
        bound(config, limits);
        config.loadFromFile(kubeconfig);
      }
      await config.applyToHTTPSOptions(options as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
      return material(options, problem);
    } catch (error) {
      throw error instanceof KubeconfigProblem ? error : problem(`exec: ${fault(error)}`);
    }
  };
  return () => asked ??= ask().finally(() => asked = undefined);
}

/** Has the programs of `config` started with `limits`. client-node 2.0.1 has no door for that but a private field. */
function bound(config: KubeConfig, limits: PluginLimits): void {
  const { authenticators } = config as unknown as { authenticators: { execFn?: unknown }[] };
  const exec = authenticators.find((one) => one.execFn !== undefined);
  assert(exec !== undefined, "client-node starts exec plugins with execFn");
  exec.execFn = startBounded(limits);
}

/** The part of node's request options that client-node fills in. */
interface Material {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly cert?: unknown;
  readonly key?: unknown;
}

function material({ headers = {}, cert, key }: Material, problem: Problem): Partial<Credentials> {
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
  if (error instanceof PluginEnded) return error.message;
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
