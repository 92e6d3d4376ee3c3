// Credentials that a program makes: exec plugins (KEP-541) and the older auth providers. The package client-node runs them. It
// takes 38 MB of memory and a tenth of a second to load, so it is loaded only where a user has such a program. The output of
// the program may contain a credential, even after a failure, so no message quotes it. A program that hangs, or writes without
// end, is killed (plugin_process.ts); client-go would wait for it.

import { KubeConfig } from "@kubernetes/client-node";
import { assert } from "../invariant.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { codeOf } from "../thrown.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { checkedPem, checkedToken, type ProblemMaker } from "./credential_files.ts";
import type { Credentials } from "./access.ts";
import { PLUGIN_LIMITS, PluginKilled, type PluginLimits, startBounded } from "./plugin_process.ts";

/**
 * A function that returns what the program of the current user of `kubeconfig` makes. It runs again after the expiry. One
 * program runs at a time: calls meanwhile receive the same answer.
 */
export function pluginCredentials(
  kubeconfig: string,
  problem: ProblemMaker,
  limits: PluginLimits = PLUGIN_LIMITS,
): () => Promise<Partial<Credentials>> {
  let config: KubeConfig | undefined;
  let running: Promise<Partial<Credentials>> | undefined;
  const run = async () => {
    const options: RequestOptions = {};
    try {
      if (config === undefined) {
        config = new KubeConfig();
        bound(config, limits);
        config.loadFromFile(kubeconfig);
      }
      await config.applyToHTTPSOptions(options);
      return material(options, problem);
    } catch (error) {
      throw error instanceof KubeconfigProblem ? error : problem(`exec: ${fault(error)}`);
    }
  };
  return () => running ??= run().finally(() => running = undefined);
}

/**
 * Gives `limits` to the programs of `config`, through a private field of client-node 2.0.1. Why not addAuthenticator? It adds
 * behind the built-in authenticators, so the built-in one starts every exec plugin first. And the class of that one, which
 * could be made with another `spawn`, is not exported.
 */
function bound(config: KubeConfig, limits: PluginLimits): void {
  const authenticators: unknown = Reflect.get(config, "authenticators");
  assert(Array.isArray(authenticators), "client-node has a list of authenticators");
  const exec: unknown = authenticators.find((one) => isJsonObject(one) && one["execFn"] !== undefined);
  assert(isJsonObject(exec), "client-node starts exec plugins with execFn");
  Reflect.set(exec, "execFn", startBounded(limits));
}

/** The request options of Node that client-node fills in. */
type RequestOptions = Parameters<KubeConfig["applyToHTTPSOptions"]>[0];

function material({ headers = {}, cert, key }: RequestOptions, problem: ProblemMaker): Partial<Credentials> {
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

/** Why the program made no credential. Only the kind of error is used, because its message may quote the output. */
function fault(error: unknown): string {
  if (error instanceof PluginKilled) return error.message;
  const code = codeOf(error);
  if (code === "ENOENT") return "there is no such program";
  if (code === "EACCES") return "the program may not be run";
  if (error instanceof SyntaxError) return "what the program wrote is not JSON";
  if (error instanceof TypeError) return "what the program wrote is not an ExecCredential";
  return "the program failed; run it by hand to see why";
}

/** A certificate or key as text; a value of another type than text and bytes is no PEM. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}
