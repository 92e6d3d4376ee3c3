// The program as its users meet it: messages, exit codes, and that a dry run touches nothing.

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const RECORDING = new URL("fixtures/recordings/evening", ROOT).pathname;

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

async function ledgerproxy(...args: string[]): Promise<Result> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a dry run prints the rules as nft text and makes no ledger", async () => {
  const ledger = `${await Deno.makeTempDir()}/ledger`;
  const { code, stdout } = await ledgerproxy(
    "run",
    "--source",
    RECORDING,
    "--ledger",
    ledger,
    "--dry-run",
    "--node",
    "node-a",
  );
  assert.equal(code, 0);
  assert.match(stdout, /^table ip ledgerproxy \{/);
  assert.match(stdout, /10\.96\.0\.10 \. udp \. 53 comment "kube-system\/kube-dns:dns" : goto pick-2/);
  await assert.rejects(Deno.stat(ledger), Deno.errors.NotFound);
});

Deno.test("wrong usage ends with 2 and says what to write", async () => {
  const cases: [string[], RegExp][] = [
    [["run"], /required option '--source <path>' not specified/],
    [["run", "--source", RECORDING], /--ledger DIR is missing: the folder to keep the ledger in/],
    [
      ["run", "--source", "/nowhere", "--ledger", "x"],
      /--source \/nowhere: no such file or folder\. Write one with: kubectl get/,
    ],
    [["run", "--source", RECORDING, "--speed", "0"], /'0' is invalid.*above 0/],
    [["run", "--source", "deno.json", "--ledger", "x", "--speed", "2"], /deno\.json is not a recording/],
    [["run", "--source", RECORDING, "--metrics-bind-address", "9000"], /IP:PORT/],
    [["run", "--source", RECORDING, "--sauce", "x"], /unknown option '--sauce'/],
    [["fly"], /unknown command 'fly'/],
  ];
  const results = await Promise.all(cases.map(([args]) => ledgerproxy(...args)));
  results.forEach(({ code, stderr }, i) => {
    assert.equal(code, 2, stderr);
    assert.match(stderr, cases[i]![1]);
  });
});

Deno.test("help shows an example, and the version is deno.json's", async () => {
  const [help, version] = await Promise.all([ledgerproxy("run", "--help"), ledgerproxy("--version")]);
  assert.match(
    help.stdout,
    /Example:\n {2}kubectl get services,endpointslices,nodes -A -o yaml > cluster\.yaml/,
  );
  assert.equal(version.stdout.trim(), JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT))).version);
  assert.deepEqual([help.code, version.code], [0, 0]);
});

Deno.test("bad input is named, the rest is served", async () => {
  const folder = await Deno.makeTempDir();
  const service = (name: string, ip: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP: ip, ports: [{ port: 80 }] },
  });
  await Deno.writeTextFile(`${folder}/a.json`, JSON.stringify(service("good", "10.96.0.1")));
  await Deno.writeTextFile(`${folder}/b.json`, JSON.stringify(service("bad", "10.96.0.300")));
  await Deno.writeTextFile(`${folder}/c.yaml`, "kind: [unclosed\n");
  await Deno.writeTextFile(`${folder}/d.yaml`, "kind: Pod\n");
  await Deno.writeTextFile(`${folder}/e.json`, JSON.stringify(service("good", "10.96.0.2")));
  const { code, stdout, stderr } = await ledgerproxy("run", "--source", folder, "--dry-run");
  assert.equal(code, 0);
  assert.match(stdout, /10\.96\.0\.1 comment "shop\/good"/);
  assert.doesNotMatch(stdout, /10\.96\.0\.2 comment/);
  assert.match(
    stderr,
    /b\.json: Service shop\/bad: spec\.clusterIP: "10\.96\.0\.300" is not an IP address; left out/,
  );
  assert.match(stderr, /c\.yaml:\d+: /);
  assert.match(stderr, /d\.yaml: kind "Pod" is not one of/);
  assert.match(stderr, /e\.json: Service shop\/good is in .*a\.json already/);
  await Deno.remove(folder, { recursive: true });
});
