// `plan`, as a user runs it on a file of kubectl.

import assert from "node:assert/strict";
import { planCommand } from "../../../src/cli/commands/plan.ts";
import { AskedLedger } from "../../support/asked_program.ts";

const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-a, namespace: shop, labels: {kubernetes.io/service-name: web}}
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints: []
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
`;

Deno.test("packets that would be served no more end with exit code 1; a file without objects is wrong usage", async () => {
  using ledger = new AskedLedger();
  const file = `${ledger.folder}-objects.yaml`;
  await Deno.writeTextFile(file, SLICE);
  const [text, json, none, missing] = await Promise.all([
    ledger.ask("plan", "-f", file),
    ledger.json("plan", "-f", file, "--at", "@8"),
    ledger.ask("plan", "-f", "deno.json"),
    ledger.ask("plan", "-f", "/nowhere"),
  ]);
  assert.equal(text.code, 1, text.stderr);
  assert.match(
    text.stdout,
    /^laid over @13: 1 objects change, 0 stay; 1 packets go elsewhere, 1 of them unserved\n/,
  );
  assert.match(text.stdout, /^NO LONGER SERVED {2}from another host to 10\.96\.0\.1:80\/tcp, shop\/web$/m);
  assert.match(text.stderr, /1 objects of other kinds decide no rules/);
  assert.equal(json[0]?.["unserved"], 1);
  assert.deepEqual([none.code, missing.code], [2, 2]);
  assert.match(missing.stderr, /-f \/nowhere: /);
  await Deno.remove(file);
});

Deno.test("a fault of the program while it reads files is no wrong usage", () => {
  using ledger = new AskedLedger();
  const { statSync } = Deno;
  const filename = "/a/fault";
  Deno.statSync = (path) => {
    if (path === filename) throw new RangeError("a fault");
    return statSync(path);
  };
  try {
    assert.throws(() => planCommand({ ledger: ledger.folder, filename }), RangeError);
  } finally {
    Deno.statSync = statSync;
  }
});
