// `import`: a recorded watch becomes a ledger that answers about the times of the recording.

import assert from "node:assert/strict";
import { service, slice } from "../../support/cluster_notation.ts";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("a recorded watch is a whole ledger of then: it is verified, replayed and asked about its times", async () => {
  const folder = Deno.makeTempDirSync();
  const [recording, ledger] = [`${folder}/monday.ndjson`, `${folder}/ledger`];
  const api = { Service: "v1", EndpointSlice: "discovery.k8s.io/v1" } as const;
  const raw = (object: object & { kind: keyof typeof api }) => ({ apiVersion: api[object.kind], ...object });
  const line = (second: number, kind: string, more: object) =>
    JSON.stringify({ time: `2026-11-23T09:30:0${second}.000Z`, kind, ...more });
  const web = raw({ ...service("shop/web 10.96.0.1 http:80/tcp"), kind: "Service" });
  const endpoints = (text: string) =>
    raw({ ...slice(`shop/web-a http:8080/tcp ${text}`), kind: "EndpointSlice" });
  Deno.writeTextFileSync(
    recording,
    [
      line(1, "Service", { type: "LIST", items: [web] }),
      line(2, "EndpointSlice", { type: "ADDED", object: endpoints("10.244.0.1") }),
      line(5, "EndpointSlice", { type: "MODIFIED", object: endpoints("10.244.0.1 10.244.0.2") }),
    ].join("\n"),
  );
  const made = await ledgerproxy(["import", recording, "--ledger", ledger]);
  assert.equal(made.code, 0, made.stderr);
  const ask = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await ledgerproxy([...args, "--ledger", ledger]);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  assert.match(await ask("services", "--at", "2026-11-23T09:30:03Z"), /shop\/web .* 1\/1 /);
  assert.match(await ask("services"), /shop\/web .* 2\/2 /);
  assert.match(
    await ask("log"),
    /imported from .*monday\.ndjson \(a recorded watch\): this version worked out the commits/,
  );
  assert.equal((await ledgerproxy(["verify", ledger])).code, 0);
  assert.equal((await ledgerproxy(["replay", ledger])).code, 0);
  const again = await ledgerproxy(["import", recording, "--ledger", ledger]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /it has a ledger already/);
  Deno.removeSync(folder, { recursive: true });
});

const FIXTURES = new URL("../../../fixtures/imports/", import.meta.url).pathname;

Deno.test("what kubectl, KWOK and an audit log recorded becomes a ledger that is whole and answers about then", async () => {
  const forms: readonly (readonly string[])[] = [
    [`${FIXTURES}services.events.json`, `${FIXTURES}endpointslices.events.json`],
    [`${FIXTURES}audit.ndjson`],
    [`${FIXTURES}kwok.yaml`, "--began", "2026-11-26T19:58:57.607Z"],
  ];
  for (const form of forms) {
    const ledger = Deno.makeTempDirSync();
    const made = await ledgerproxy(["import", ...form, "--ledger", ledger]);
    assert.equal(made.code, 0, made.stderr);
    const before = await ledgerproxy(["services", "--at", "2026-11-26T19:59:00.500Z", "--ledger", ledger]);
    assert.match(
      before.stdout,
      /shop\/old .*\n.*shop\/web +ClusterIP +10\.96\.0\.10:80\/tcp +1\/1 /,
      form[0]!,
    );
    const after = await ledgerproxy(["services", "--ledger", ledger]);
    assert.match(after.stdout, /shop\/web .* 2\/2 /);
    assert.doesNotMatch(after.stdout, /shop\/old/);
    assert.equal((await ledgerproxy(["verify", ledger])).code, 0);
    Deno.removeSync(ledger, { recursive: true });
  }
});

Deno.test("a recording that needs a time of day, or is none, is refused, and no folder is made", async () => {
  const folder = Deno.makeTempDirSync();
  const text = `${folder}/notes.txt`;
  Deno.writeTextFileSync(text, "web  ClusterIP\n");
  const refused = async (recording: string, ...more: readonly string[]) => {
    const { code, stderr } = await ledgerproxy(["import", recording, "--ledger", `${folder}/new`, ...more]);
    assert.equal(code, 2, stderr);
    return stderr;
  };
  assert.match(
    await refused(`${FIXTURES}kwok.yaml`),
    /kwok\.yaml: a recording of KWOK has no time of day: .*--began/,
  );
  assert.match(await refused(`${FIXTURES}kwok.yaml`, "--began", "soon"), /--began soon: a time is expected/);
  Deno.writeTextFileSync(`${folder}/long`, "");
  Deno.truncateSync(`${folder}/long`, (256 << 20) + 1);
  assert.match(await refused(`${folder}/long`), /more than 268435456 bytes: split it at a line/);
  Deno.removeSync(`${folder}/long`);
  assert.match(await refused("/dev/zero"), /it is a device: give \/dev\/stdin, or a file/);
  await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
  assert.match(await refused(`${folder}/pipe`), /it is a pipe: give \/dev\/stdin, or a file/);
  Deno.removeSync(`${folder}/pipe`);
  assert.match(await refused(`${folder}/none`), /\/none: no such file/);
  assert.match(await refused(text), /notes\.txt: line 1: not JSON: .*an audit log/);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["notes.txt"]);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("an audit log adds who wrote what to a ledger that is there, and no segment of it changes", async () => {
  const ledger = Deno.makeTempDirSync();
  const ask = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await ledgerproxy([...args, "--ledger", ledger]);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  await ask("import", `${FIXTURES}services.events.json`, `${FIXTURES}endpointslices.events.json`);
  const segment = () => Deno.readFileSync(`${ledger}/00000000000000000000.ndjson`);
  const before = segment();
  assert.match(
    await ask("import", "--audit", `${FIXTURES}audit.ndjson`),
    /of 10 events the writers of 8 are known\n$/,
  );
  assert.deepEqual(segment(), before);
  const trail = await ask("audit");
  for (
    const row of [
      / alice with kubectl\/v0\.0\.0 from 198\.18\.0\.1 \(kubectl-patch\) {2}changed {2}Service shop\/web /,
      / alice with \S+ from \S+ {2}deleted {2}Service shop\/old /,
      / shop-controller with \S+ from \S+ {2}deleted {2}EndpointSlice other\/db-a /,
      / kube-apiserver {2}created {2}Service default\/kubernetes /,
    ]
  ) assert.match(trail, row);
  assert.match(
    await ask("blame", "10.244.1.6"),
    /resourceVersion \d+, written by shop-controller with kubectl/,
  );
  const path = await ask("why", "10.244.1.9", "10.96.0.10:80/tcp");
  assert.match(
    path,
    /by @\d+ (Service|EndpointSlice) shop\/web\S*, written by (alice|shop-controller) with kubectl/,
  );
  assert.match(await ask("show", "HEAD"), /Service shop\/old \(deleted\), written by alice with kubectl/);
  assert.equal((await ledgerproxy(["verify", ledger])).code, 0);
  const file = `${ledger}/api-writers.jsonl`;
  Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace("alice", "chuck"));
  for (
    const question of [["verify", ledger], ["audit", "--ledger", ledger], [
      "blame",
      "10.244.1.6",
      "--ledger",
      ledger,
    ]]
  ) {
    const { code, stdout, stderr } = await ledgerproxy(question);
    assert.notEqual(code, 0, question.join(" "));
    assert.match(stdout + stderr, /api-writers\.jsonl.*it is not what import wrote/);
  }
  Deno.removeSync(ledger, { recursive: true });
});
