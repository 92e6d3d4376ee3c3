// Tokens of the auth provider oidc, from an issuer in this process.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
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

  constructor(answer: (issuer: Issuer, refresh: string) => Response | Promise<Response>) {
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
  const answers = (status: number, error: string) => () =>
    Response.json({ error, error_description: "S3CR3T" }, { status });
  await using refusing = new Issuer(answers(400, "invalid_grant"));
  await using unsure = new Issuer(answers(401, "S3CR3T"));
  await using failing = new Issuer(() => new Response("S3CR3T", { status: 503 }));
  await using challenging = new Issuer(() =>
    new Response("S3CR3T", { status: 401, headers: { "www-authenticate": 'Bearer error="S3CR3T"' } })
  );
  await using wordy = new Issuer(() => new Response("S3CR3T"));
  await using broken = new Issuer(() =>
    new Response("{S3CR3T", { headers: { "content-type": "application/json" } })
  );
  await using other = new Issuer(() => gives(60)(refusing, "r1"));
  await using silent = new Issuer(() => Response.json({ access_token: "S3CR3T", token_type: "bearer" }));
  const url = { "idp-issuer-url": "https://127.0.0.1:2/S3CR3T" };
  const noToken = "auth-provider oidc: the issuer gave no token for the refresh token: ";
  const noIssuer = "auth-provider oidc: the issuer of idp-issuer-url cannot be asked: ";
  const cases: [Record<string, string>, string][] = [
    [refusing.config(), `${noToken}HTTP 400, it is not valid any more; log in again`],
    [unsure.config(), `${noToken}HTTP 401`],
    [failing.config(), `${noToken}HTTP 503`],
    [challenging.config(), `${noToken}HTTP 401`],
    [wordy.config(), `${noToken}its answer is not JSON`],
    [broken.config(), `${noToken}its answer is not JSON`],
    [other.config(), `${noToken}OAUTH_JWT_CLAIM_COMPARISON_FAILED`],
    [
      silent.config(),
      "auth-provider oidc: the issuer's answer has no id_token; log in with the scope openid",
    ],
    [refusing.config(url), `${noIssuer}there is no connection to it`],
    [
      refusing.config({ "idp-issuer-url": "https://s3cr3t.invalid/S3CR3T" }),
      `${noIssuer}its name was not found`,
    ],
    [
      refusing.config({ "idp-certificate-authority": "" }),
      `${noIssuer}its TLS certificate is not trusted; see idp-certificate-authority`,
    ],
    [
      refusing.config({ "idp-issuer-url": `${refusing.url}/S3CR3T` }),
      `${noIssuer}it says that it is another issuer`,
    ],
    [refusing.config({ "idp-issuer-url": "http://127.0.0.1/S3CR3T" }), `${noIssuer}a URL of it is not https`],
    [refusing.config({ "idp-issuer-url": "S3CR3T" }), "auth-provider oidc: idp-issuer-url is not a URL"],
    [
      refusing.config({ "refresh-token": "" }),
      "auth-provider oidc: no token is valid, and refresh-token is not set",
    ],
    [
      refusing.config({ "idp-issuer-url": "" }),
      "auth-provider oidc: no token is valid, and idp-issuer-url is not set",
    ],
    [
      refusing.config({ "idp-certificate-authority-data": btoa("S3CR3T") }),
      "idp-certificate-authority-data: it is not PEM (-----BEGIN ...)",
    ],
  ];
  for (const [config, message] of cases) {
    await assert.rejects(oidcToken(config, problem)(), { name: "KubeconfigProblem", message });
  }
});

Deno.test("an issuer that does not answer is named as such", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using issuer = new Issuer(() => promise);
  await assert.rejects(oidcToken(issuer.config(), problem, 5000)(), {
    message: "auth-provider oidc: the issuer gave no token for the refresh token: it did not answer in time",
  });
  resolve(new Response());
});

Deno.test("an id-token that is no header is rejected without a word of it", async () => {
  const folder = Deno.makeTempDirSync();
  const valid = token("https://127.0.0.1:1", 60);
  const user = (id: string) => ({ "auth-provider": { name: "oidc", config: { "id-token": id } } });
  const ask = async (id: string) => {
    using client = new ApiClient(kubeconfig(folder, "https://127.0.0.1:1", user(id)));
    await client.get("/api", {}, AbortSignal.timeout(60_000));
  };
  for (
    const [id, expected] of [[`${valid}\nS3CR3T`, /id-token: a token is one line/], [
      `${valid} S3CR3T`,
      /one word/,
    ]] as const
  ) {
    await assert.rejects(ask(id), (error: Error) => {
      assert.ok(error instanceof KubeconfigProblem, error.name);
      assert.match(error.message, expected);
      for (const part of [...valid.split("."), "S3CR3T"]) {
        assert.ok(!error.message.includes(part), error.message);
      }
      return true;
    });
  }
  assert.equal(await oidcToken({ "id-token": ` ${valid}\n` }, problem)(), valid);
  Deno.removeSync(folder, { recursive: true });
});
