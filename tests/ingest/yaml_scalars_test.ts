// Scalars of a configuration file. Each value is what kube-proxy 1.37.2 read in a trial.

import assert from "node:assert/strict";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";

const READ: readonly (readonly [string, unknown])[] = [
  ["y", true],
  ["On", true],
  ["oN", "oN"],
  ["NO", false],
  ["off", false],
  ["'off'", "off"],
  ["010", 8],
  ["-010", -8],
  ["08", 8],
  ["0o17", 15],
  ["0X1F", 31],
  ["-0b11", -3],
  ["+1_0", 10],
  ["1_0.0", 10],
  ["1e5", 100_000],
  ["_1", "_1"],
  ["1:10", "1:10"],
  ["2001-01-01", "2001-01-01"],
  ["0.0.0.0:10256", "0.0.0.0:10256"],
  ["10.244.0.0/16", "10.244.0.0/16"],
  ["~", null],
];

for (const [text, value] of READ) {
  Deno.test(`${text} is ${JSON.stringify(value)} in a file of Kubernetes`, () => {
    const { values, problems } = readDocuments("FILE", `a: ${text}\n`, "kubernetes");
    assert.deepEqual([values, problems], [[{ a: value }], []]);
  });
}
