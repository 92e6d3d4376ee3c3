// Credentials are removed from texts, in each form, whole or cut.

import assert from "node:assert/strict";
import { beginning } from "../../src/ingest/api_failure.ts";
import { basicAuthorization } from "../../src/ingest/credential_files.ts";
import { formsOf, secretsOfHeader, withoutSecrets } from "../../src/ingest/secrets.ts";
import { quoted } from "../../src/kube/quoted.ts";

const LETTERS = Array.from({ length: 300 }, (_, i) => i.toString(36).padStart(2, "0")).join("").slice(0, 300);

Deno.test("of a token no part is left, wherever a message was cut", () => {
  for (const token of [`T0K-${LETTERS}`, "T0K-short"]) {
    const forms = formsOf(secretsOfHeader(`Bearer ${token}`));
    for (let before = 0; before < 210; before++) {
      const text = `${"-".repeat(before)}${token} and more ${"-".repeat(200)}`;
      for (const cut of [beginning(text), quoted(text)]) {
        const shown = withoutSecrets(cut, forms);
        assert.doesNotMatch(shown, /T|T0K|0K-/, `${before}: ${shown}`);
      }
    }
  }
});

Deno.test("a password is removed decoded and in base64, escaped for JSON, HTML and URLs", () => {
  const password = 'p"ss <w>&rd\t😀 \u00fc/+%\\';
  const authorization = basicAuthorization("admin", password);
  const forms = formsOf(secretsOfHeader(authorization));
  const json = JSON.stringify(password);
  const percent = encodeURIComponent(password);
  const echoes = [
    password,
    `admin:${password}`,
    authorization,
    authorization.replace(/=+$/, ""),
    json,
    json.replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026"),
    percent,
    percent.toLowerCase().replace("p%22ss", "p%22ss"),
    percent.replaceAll("%20", "+"),
    "p&#34;ss &lt;w&gt;&amp;rd\t😀 \u00fc/+%\\",
  ];
  for (const echo of echoes) {
    for (let before = 0; before < 200; before++) {
      const text = `${"-".repeat(before)}${echo} ${"-".repeat(200)}`;
      for (const cut of [beginning(text), quoted(text), text]) {
        const shown = withoutSecrets(cut, forms).replaceAll("(our credential)", "");
        assert.doesNotMatch(shown, /p"|p\\"|p%2|p&#|ss|YWR/, `${echo} ${before}: ${shown}`);
      }
    }
  }
});

Deno.test("a server that itself cuts what it quotes leaves little, and other texts stay as they are", () => {
  const forms = formsOf(secretsOfHeader(`Bearer ${LETTERS}`));
  assert.equal(withoutSecrets(`bad token ${LETTERS.slice(0, 40)}`, forms), "bad token (our credential)");
  const text = "connection refused... 00 was the code, and 12 characters more";
  assert.equal(withoutSecrets(text, forms), text);
  assert.deepEqual(formsOf(secretsOfHeader("Bearer abc")), []);
  assert.deepEqual(formsOf(secretsOfHeader("")), []);
});
