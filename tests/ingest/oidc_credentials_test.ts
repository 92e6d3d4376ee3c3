// Tokens of the auth provider oidc, from an issuer in this process.

import assert from "node:assert/strict";
import { KubeconfigProblem } from "../../src/ingest/api_failure.ts";
import { readAccess } from "../../src/ingest/kubeconfig.ts";
import { oidcToken } from "../../src/ingest/oidc_credentials.ts";
import { kubeconfig, LISTEN } from "../support/api_server.ts";

const CERTIFICATE = new URL("../../fixtures/tls/server.crt", import.meta.url).pathname;
const problem = (text: string) => new KubeconfigProblem(text);

/** A token that expires in so many seconds. */
function token(issuer: string, seconds: number): string {
  const part = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, sub: "node", aud: "proxy", iat: now, exp: now + seconds };
  return [part({ alg: "RS256" }), part(claims), part("signature")].join(".");
}

/** An issuer. */
class Issuer implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (issuer: Issuer, refresh: string) => Response) {
    this.#server = Deno.serve(LISTEN, async (request) => {
      if (request.method === "GET") {
        return Response.json({ issuer: this.url, token_endpoint: `${this.url}/token` });
      }
      const form = new URLSearchParams(await request.text());
      this.asked.push(
        ["grant_type", "client_id", "client_secret", "refresh_token"].map((name) => form.get(name)).join(),
      );
      return answer(this, form.get("refresh_token")!);
    });
  }

  get url(): string {
    return `https://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The settings of a kubeconfig. */
  config(more: Record<string, string> = {}): Record<string, string> {
    return {
      "client-id": "proxy",
      "id-token": token(this.url, -1),
      "idp-certificate-authority": CERTIFICATE,
      "idp-issuer-url": this.url,
      "refresh-token": "r1",
      ...more,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Gives tokens that are valid for so many seconds, and after `r1` the refresh token `r2`. */
function gives(lifetime: number): (issuer: Issuer, refresh: string) => Response {
  return ({ url }, refresh) =>
    Response.json({
      access_token: "a",
      token_type: "bearer",
      id_token: token(url, lifetime),
      refresh_token: `r${Number(refresh.slice(1)) + 1}`,
    });
}

Deno.test("a token is used until it expires, then renewed with the newest refresh token", async () => {
  await using issuer = new Issuer(gives(1));
  const valid = token(issuer.url, 60);
  assert.equal(await oidcToken(issuer.config({ "id-token": valid }), problem)(), valid);
  assert.deepEqual(issuer.asked, []);
  const ask = oidcToken(issuer.config({ "client-secret": "s" }), problem);
  await ask();
  await ask();
  assert.deepEqual(issuer.asked, ["refresh_token,proxy,s,r1", "refresh_token,proxy,s,r2"]);
});

Deno.test("the user of a kubeconfig with the provider oidc sends its token, and renews it once", async () => {
  await using issuer = new Issuer(gives(60));
  const folder = Deno.makeTempDirSync();
  const user = { "auth-provider": { name: "oidc", config: issuer.config() } };
  const { credentials } = readAccess(kubeconfig(folder, "https://127.0.0.1:1", user), undefined);
  const [first, second] = [await credentials(), await credentials()];
  assert.match(first.headers["authorization"]!, /^Bearer ey/);
  assert.deepEqual(second, first);
  assert.deepEqual(issuer.asked, ["refresh_token,proxy,,r1"]);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("messages say why there is no token, and quote no answer", async () => {
  const refuses = () =>
    Response.json({ error: "invalid_grant", error_description: "S3CR3T" }, { status: 400 });
  await using refusing = new Issuer(refuses);
  await using silent = new Issuer(() => Response.json({ access_token: "S3CR3T", token_type: "bearer" }));
  const cases: [Record<string, string>, RegExp][] = [
    [refusing.config(), /^auth-provider oidc: the issuer gave no token for the refresh token; log in again$/],
    [silent.config(), /the issuer's answer has no id_token; log in with the scope openid$/],
    [
      refusing.config({ "idp-issuer-url": "https://127.0.0.1:1/S3CR3T" }),
      /does not answer as the issuer of idp-/,
    ],
    [refusing.config({ "idp-issuer-url": "S3CR3T" }), /does not answer as the issuer of idp-issuer-url$/],
    [refusing.config({ "refresh-token": "" }), /no token is valid, and refresh-token is not set$/],
    [refusing.config({ "idp-issuer-url": "" }), /no token is valid, and idp-issuer-url is not set$/],
    [refusing.config({ "idp-certificate-authority-data": btoa("S3CR3T") }), /authority-data: it is not PEM/],
  ];
  for (const [config, expected] of cases) {
    await assert.rejects(oidcToken(config, problem)(), (error: Error) => {
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /S3CR3T/);
      return true;
    });
  }
});
