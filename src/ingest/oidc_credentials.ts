// Tokens of the auth provider oidc: the one of the kubeconfig, and once that expires those that the issuer gives for the refresh
// token. As in client-go (plugin/pkg/client/auth/oidc, 1.37), but the kubeconfig is not written: after a restart its own refresh
// token is used again. What the issuer answers may contain a token, so no message quotes it.

import * as openid from "openid-client";
import { textUpTo } from "../bounded_body.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { CREDENTIAL_BYTES_MAX, PLUGIN_MILLISECONDS_MAX } from "../limits/input.ts";
import type { KubeconfigProblem } from "./api_failure.ts";
import { checkedToken, type ProblemMaker, readPem } from "./credential_files.ts";

/** A token is renewed so many milliseconds before it expires, for clocks that differ. */
const EARLY_MILLISECONDS = 10_000;

/** The tokens that a login has given. */
interface Tokens {
  readonly id: string | undefined;
  readonly refresh: string | undefined;
}

/** A function that returns the present token of the provider whose settings in the kubeconfig are `config`. */
export function oidcToken(config: unknown, problem: ProblemMaker): () => Promise<string> {
  const setting = (name: string) => {
    const value = isJsonObject(config) ? config[name] : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const required = (name: string) => {
    const value = setting(name);
    if (value === undefined) {
      throw problem(`auth-provider oidc: no token is valid, and ${name} is not set`);
    }
    return value;
  };
  let tokens: Tokens = { id: setting("id-token"), refresh: setting("refresh-token") };
  return async () => {
    if (tokens.id !== undefined && Date.now() < expiryOf(tokens.id) - EARLY_MILLISECONDS) return tokens.id;
    const refresh = tokens.refresh ?? required("refresh-token");
    const issuer = {
      url: required("idp-issuer-url"),
      client: required("client-id"),
      secret: setting("client-secret"),
      authority: readPem("idp-certificate-authority", {
        data: setting("idp-certificate-authority-data"),
        file: setting("idp-certificate-authority"),
      }, problem),
    };
    const made = await renewed(issuer, refresh, problem);
    const id = checkedToken(made.id, "auth-provider oidc: the issuer's token", problem);
    tokens = { id, refresh: made.refresh ?? refresh };
    return id;
  };
}

/** Who gives tokens, and to which client. */
interface Issuer {
  readonly url: string;
  readonly client: string;
  readonly secret: string | undefined;
  /** Certificates in PEM; undefined: those that the system trusts. */
  readonly authority: string | undefined;
}

async function renewed(
  { url, client: id, secret, authority }: Issuer,
  refresh: string,
  problem: ProblemMaker,
): Promise<{ readonly id: string; readonly refresh: string | undefined }> {
  const client = Deno.createHttpClient(authority === undefined ? {} : { caCerts: [authority] });
  const send: openid.CustomFetch = async (url, { body, ...options }) => {
    const form = body instanceof URLSearchParams ? body : null;
    return await bounded(await fetch(url, { ...options, body: form, client, redirect: "error" }));
  };
  const options = { [openid.customFetch]: send, timeout: PLUGIN_MILLISECONDS_MAX / 1000 };
  const authentication = secret === undefined ? openid.None() : undefined;
  try {
    const settings = await orProblem(
      async () => await openid.discovery(new URL(url), id, secret, authentication, options),
      problem("auth-provider oidc: the issuer does not answer as the issuer of idp-issuer-url"),
    );
    const answer = await orProblem(
      () => openid.refreshTokenGrant(settings, refresh),
      problem("auth-provider oidc: the issuer gave no token for the refresh token; log in again"),
    );
    if (answer.id_token === undefined) {
      throw problem("auth-provider oidc: the issuer's answer has no id_token; log in with the scope openid");
    }
    return { id: answer.id_token, refresh: answer.refresh_token };
  } finally {
    client.close();
  }
}

/** The result of `work`. Throws `problem` where it fails: its own error may quote an answer. */
async function orProblem<Result>(work: () => Promise<Result>, problem: KubeconfigProblem): Promise<Result> {
  try {
    return await work();
  } catch {
    throw problem;
  }
}

/** `response` with its whole body, which has a bound. */
async function bounded(response: Response): Promise<Response> {
  const { text } = await textUpTo(response, CREDENTIAL_BYTES_MAX);
  return new Response(text, { status: response.status, headers: response.headers });
}

/** When `token` expires, in milliseconds since 1970; 0 where it does not say. */
function expiryOf(token: string): number {
  try {
    const claims = Uint8Array.fromBase64(token.split(".")[1] ?? "", { alphabet: "base64url" });
    const { exp } = JSON.parse(new TextDecoder().decode(claims));
    return typeof exp === "number" ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
