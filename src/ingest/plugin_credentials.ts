// Credentials that a program makes: exec plugins (KEP-541), and the auth provider oidc. The output of the program may contain a
// credential, even after a failure, so no message quotes it. A program that hangs, or writes without end, is killed
// (plugin_process.ts); client-go would wait for it. Why one file of client-node, and not the package? The whole package is half as
// long as this program, and takes 38 MB of memory.

import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { assert } from "../invariant.ts";
import { fieldsOf, isJsonObject } from "../kube/json_value.ts";
import { quoted } from "../kube/quoted.ts";
import { codeOf } from "../thrown.ts";
import { checkedPem, checkedToken, type ProblemMaker } from "./credential_files.ts";
import type { Credentials } from "./access.ts";
import type { KubeconfigUser } from "./kubeconfig_file.ts";
import { oidcToken } from "./oidc_credentials.ts";
import { PLUGIN_LIMITS, PluginKilled, type PluginLimits, startBounded } from "./plugin_process.ts";

/**
 * A function that returns what the program of `user` makes, or the token of its provider. It runs again after the expiry. One
 * program runs at a time: calls meanwhile receive the same answer.
 */
export function pluginCredentials(
  user: KubeconfigUser,
  problem: ProblemMaker,
  limits: PluginLimits = PLUGIN_LIMITS,
): () => Promise<Partial<Credentials>> {
  const make = user.exec
    ? execMaker(user.exec, problem, limits)
    : oidcMaker(user["auth-provider"], problem, limits);
  let running: Promise<Partial<Credentials>> | undefined;
  return () => running ??= make().finally(() => running = undefined);
}

type Maker = () => Promise<Partial<Credentials>>;

function oidcMaker(provider: unknown, problem: ProblemMaker, { milliseconds }: PluginLimits): Maker {
  const token = oidcToken(isJsonObject(provider) ? provider["config"] : undefined, problem, milliseconds);
  return async () => ({ headers: { authorization: `Bearer ${await token()}` } });
}

function execMaker(exec: unknown, problem: ProblemMaker, limits: PluginLimits): Maker {
  const plugin = bounded(limits);
  return async () => {
    const options: RequestOptions = {};
    try {
      await plugin.applyAuthentication({ name: "user", exec }, options);
    } catch (error) {
      throw problem(`exec: ${fault(error, fieldsOf(exec)["command"])}`);
    }
    return material(options, problem);
  };
}

/** What runs exec plugins, with `limits` in place of the private `spawn` of client-node 2.0.1. */
function bounded(limits: PluginLimits): ExecAuth {
  const plugin = new ExecAuth();
  assert(Reflect.has(plugin, "execFn"), "client-node starts exec plugins with execFn");
  Reflect.set(plugin, "execFn", startBounded(limits));
  return plugin;
}

/** The request options of Node that client-node fills in. */
type RequestOptions = Parameters<ExecAuth["applyAuthentication"]>[1];

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
function fault(error: unknown, command: unknown): string {
  if (error instanceof PluginKilled) return error.message;
  const code = codeOf(error);
  if (code === "ENOENT") {
    return `there is no program ${quoted(command)}: install it, or name it with its folder`;
  }
  if (code === "EACCES") return `the program ${quoted(command)} may not be run; see its permissions`;
  if (error instanceof SyntaxError) return "what the program wrote is not JSON";
  if (error instanceof TypeError) return "what the program wrote is not an ExecCredential";
  return "the program failed; run it by hand to see why";
}

/** A certificate or key as text; a value of another type than text and bytes is no PEM. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}
