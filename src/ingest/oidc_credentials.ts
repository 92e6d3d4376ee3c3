// Tokens of the auth provider oidc: the one of the kubeconfig, and once that expires those that the issuer gives for the refresh
// token. As in client-go (plugin/pkg/client/auth/oidc, 1.37), but the kubeconfig is not written: after a restart its own refresh
// token is used again. What the issuer answers may contain a token, so no message quotes it.

import * as openid from "openid-client";
import { textUpTo } from "../bounded_body.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { CREDENTIAL_BYTES_MAX, PLUGIN_MILLISECONDS_MAX } from "../limits/input.ts";
import { messageOf } from "../thrown.ts";
import { checkedToken, type ProblemMaker, readPem } from "./credential_files.ts";

/** A token is renewed so many milliseconds before it expires, for clocks that differ. */
const EARLY_MILLISECONDS = 10_000;

/** The tokens that a login has given. */
interface Tokens {
  readonly id: string | undefined;
  readonly refresh: string | undefined;
}

/**
 * A function that returns the present token of the provider whose settings in the kubeconfig are `config`. The issuer has so
 * many milliseconds for each answer. Throws KubeconfigProblem.
 */
export function oidcToken(
  config: unknown,
  problem: ProblemMaker,
  milliseconds = PLUGIN_MILLISECONDS_MAX,
): () => Promise<string> {
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
  let tokens: Tokens = { id: setting("id-token")?.trim(), refresh: setting("refresh-token") };
  return async () => {
    if (tokens.id !== undefined && Date.now() < expiryOf(tokens.id) - EARLY_MILLISECONDS) {
      return checkedToken(tokens.id, "auth-provider oidc: id-token", problem);
    }
    const refresh = tokens.refresh ?? required("refresh-token");
    const issuer = {
      url: required("idp-issuer-url"),
      client: required("client-id"),
      secret: setting("client-secret"),
      authority: await readPem("idp-certificate-authority", {
        data: setting("idp-certificate-authority-data"),
        file: setting("idp-certificate-authority"),
      }, problem),
      milliseconds,
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
  /** Certificates in PEM, which add to those that Deno trusts; in client-go they replace them. Undefined: Deno's alone. */
  readonly authority: string | undefined;
  readonly milliseconds: number;
}

async function renewed(
  { url, client: id, secret, authority, milliseconds }: Issuer,
  refresh: string,
  problem: ProblemMaker,
): Promise<{ readonly id: string; readonly refresh: string | undefined }> {
  if (!URL.canParse(url)) throw problem("auth-provider oidc: idp-issuer-url is not a URL");
  const client = Deno.createHttpClient(authority === undefined ? {} : { caCerts: [authority] });
  const send: openid.CustomFetch = async (url, { body, ...options }) => {
    const form = body instanceof URLSearchParams ? body : null;
    return await bounded(await fetch(url, { ...options, body: form, client, redirect: "error" }));
  };
  const options = { [openid.customFetch]: send, timeout: milliseconds / 1000 };
  const authentication = secret === undefined ? openid.None() : undefined;
  try {
    const settings = await orProblem(
      async () => await openid.discovery(new URL(url), id, secret, authentication, options),
      (why) => problem(`auth-provider oidc: the issuer of idp-issuer-url cannot be asked: ${why}`),
    );
    const answer = await orProblem(
      () => openid.refreshTokenGrant(settings, refresh),
      (why) => problem(`auth-provider oidc: the issuer gave no token for the refresh token: ${why}`),
    );
    if (answer.id_token === undefined) {
      throw problem("auth-provider oidc: the issuer's answer has no id_token; log in with the scope openid");
    }
    return { id: answer.id_token, refresh: answer.refresh_token };
  } finally {
    client.close();
  }
}

/** The result of `work`. Where it fails, its own error may quote an answer: `problem` makes another of the kind of failure. */
async function orProblem<Result>(work: () => Promise<Result>, problem: ProblemMaker): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw problem(issuerFault(error));
  }
}

/** Failures by the library's code for them. */
const BY_CODE: ReadonlyMap<string | undefined, string> = new Map([
  ["OAUTH_HTTP_REQUEST_FORBIDDEN", "a URL of it is not https"],
  ["OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED", "it says that it is another issuer"],
  ["OAUTH_PARSE_ERROR", "its answer is not JSON"],
  ["OAUTH_RESPONSE_IS_NOT_JSON", "its answer is not JSON"],
  ["OAUTH_TIMEOUT", "it did not answer in time"],
]);

/** Failures of `fetch`, which has no codes for them, by a part of its message. The URL in it has no spaces, so it matches none. */
const BY_MESSAGE: readonly (readonly [string, string])[] = [
  ["(Connect): dns error: ", "its name was not found"],
  [": invalid peer certificate: ", "its TLS certificate is not trusted; see idp-certificate-authority"],
  ["(Connect): tls ", "the TLS handshake failed"],
  ["(Connect): received ", "the TLS handshake failed"],
  ["(Connect): ", "there is no connection to it"],
  ["Encountered redirect ", "it redirects, and that is not followed"],
];

/** Why the issuer gave nothing: words of this file, the status of an answer, or a code of the library. */
function issuerFault(error: unknown): string {
  if (error instanceof openid.ResponseBodyError) {
    const isOver = error.error === "invalid_grant";
    return `HTTP ${error.status}${isOver ? ", it is not valid any more; log in again" : ""}`;
  }
  if (error instanceof openid.WWWAuthenticateChallengeError) return `HTTP ${error.status}`;
  if (error instanceof openid.ClientError) {
    const { cause, code } = error;
    return BY_CODE.get(code) ?? (cause instanceof Response ? `HTTP ${cause.status}` : `${code}`);
  }
  const said = error instanceof Error ? `${error.message} ${messageOf(error.cause)}` : "";
  return BY_MESSAGE.find(([part]) => said.includes(part))?.[1] ?? "the request failed";
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
