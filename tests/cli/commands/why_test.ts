// `why` as a user runs it: over a ledger and over files of kubectl.

import assert from "node:assert/strict";
import { RECORDING } from "../../support/committed_evening.ts";
import { largeService } from "../../support/large_service.ts";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("why reads a ledger at a position, and names the event that made each element", async () => {
  const target = ["why", "10.244.0.5", "10.96.0.10:53/udp", "--ledger", RECORDING];
  const [whole, before, json] = await Promise.all([
    ledgerproxy(target),
    ledgerproxy([...target, "--at", "@52"]),
    ledgerproxy([...target, "--json", "--at", "@61"]),
  ]);
  assert.deepEqual([whole.code, before.code, json.code], [0, 0, 0]);
  assert.match(whole.stdout, /^10\.244\.0\.5 -> 10\.96\.0\.10:53\/udp on node node-a at @227\n/);
  assert.match(
    before.stdout,
    / : 10\.244\.1\.10 \. 53 } {3}by @52 EndpointSlice kube-system\/kube-dns-gl9lr\n[^%]*\nto 10\.244\.1\.10:53\n$/,
  );
  const { outcomes, steps, at } = JSON.parse(json.stdout);
  assert.equal(at, 61);
  assert.deepEqual(
    outcomes.map((outcome: { destination: string; probability: number }) => [
      outcome.destination,
      outcome.probability,
    ]),
    [["10.244.0.10", 0.5], ["10.244.1.10", 0.5]],
  );
  const found = steps.flatMap((step: { found: unknown[] }) => step.found);
  assert.deepEqual(
    found.map(({ set, cause }: { set: string; cause: { offset: number } }) => [set, cause.offset]),
    [
      ["endpoints", 61],
      ["endpoints", 61],
    ],
  );
});

Deno.test("why names a Service that claims a frontend of an older one", async () => {
  const folder = await Deno.makeTempDir();
  const service = (name: string, ip: string, born: number) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", creationTimestamp: `2026-01-0${born}T00:00:00Z` },
    spec: { clusterIP: ip, externalIPs: ["198.51.100.7"], ports: [{ port: 80 }] },
  });
  await Deno.writeTextFile(`${folder}/a.json`, JSON.stringify(service("young", "10.96.0.1", 2)));
  await Deno.writeTextFile(`${folder}/b.json`, JSON.stringify(service("old", "10.96.0.2", 1)));
  const { stdout } = await ledgerproxy(["why", "192.0.2.1", "198.51.100.7:80/tcp", "--source", folder]);
  assert.match(stdout, /refused with a TCP reset\n/);
  assert.match(stdout, /shop\/young wants 198\.51\.100\.7 \. tcp \. 80 too: shop\/old, the oldest, keeps it/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("why names the Service with that cluster IP, also for a port that it does not have", async () => {
  const folder = await Deno.makeTempDir();
  const service = (name: string, ip: string, port: number, externalIPs: string[] = []) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace: "shop",
      creationTimestamp: `2026-01-0${externalIPs.length ? 1 : 2}T00:00:00Z`,
    },
    spec: { clusterIP: ip, externalIPs, ports: [{ port, name: `p${port}` }] },
  });
  await Deno.writeTextFile(`${folder}/a.json`, JSON.stringify(service("dns", "10.96.0.1", 53)));
  await Deno.writeTextFile(
    `${folder}/b.json`,
    JSON.stringify(service("evil", "10.96.0.2", 443, ["10.96.0.1"])),
  );
  const { stdout } = await ledgerproxy(["why", "192.0.2.1", "10.96.0.1:443/tcp", "--source", folder]);
  assert.match(stdout, /refused with a TCP reset\n/);
  assert.match(
    stdout,
    /shop\/evil wants 10\.96\.0\.1 \. tcp \. 443 too: shop\/dns, whose cluster IP it is, keeps it/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("--kernel is about the rules that are there now: it goes with no position, no source and no live packet", async () => {
  const target = ["why", "10.244.0.5", "10.96.0.10:53/udp", "--ledger", RECORDING, "--kernel"];
  for (const flag of [["--at", "@52"], ["--live", "--timeout", "1"]]) {
    const { code, stdout, stderr } = await ledgerproxy([...target, ...flag]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, /--kernel.*; leave out one of them/);
  }
});

Deno.test("of many endpoints a person gets the first and their count, all with --all, and programs the whole", async () => {
  const folder = await Deno.makeTempDir();
  const items = largeService("shop/big", 1, 1, 100);
  await Deno.writeTextFile(`${folder}/all.json`, JSON.stringify({ kind: "List", apiVersion: "v1", items }));
  const asked = ["why", "10.1.1.1", "shop/big", "--source", `${folder}/all.json`];
  const [short, all, json] = await Promise.all([
    ledgerproxy(asked),
    ledgerproxy([...asked, "--all"]),
    ledgerproxy([...asked, "--json"]),
  ]);
  const outcomes = (text: string) => text.match(/^[\d.]+ % {2}to /gm)?.length;
  assert.deepEqual([outcomes(short.stdout), outcomes(all.stdout)], [8, 100]);
  assert.match(short.stdout, /\nand 92 more outcomes, each with [^\n]* %: --all prints them\n$/);
  assert.equal(JSON.parse(json.stdout).outcomes.length, 100);
  await Deno.remove(folder, { recursive: true });
});
