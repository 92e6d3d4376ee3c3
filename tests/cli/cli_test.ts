// The program as a process: its messages and exit codes, and that a dry run touches nothing.

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
  assert.match(stdout, /10\.96\.0\.10 \. udp \. 53 comment "kube-system\/kube-dns:dns" : 0\.0\.0\.2/);
  await assert.rejects(Deno.stat(ledger), Deno.errors.NotFound);
});

Deno.test("wrong usage ends with exit code 2, and the message says what to write", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["run"],
      /this is not a pod .KUBERNETES_SERVICE_HOST is not set.: give --kubeconfig FILE, or --source PATH/,
    ],
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
    [["why", "1.2.3.4", "10.96.0.10:80/tcp"], /--ledger DIR is missing: .*LEDGERPROXY_LEDGER/],
    [
      ["why", "1.2.3.4", "10.96.0.10", "--ledger", RECORDING],
      /10\.96\.0\.10: it must be ADDRESS:PORT\/PROTO/,
    ],
    [["why", "1.2.3.4", "10.96.0.10:80/icmp", "--ledger", RECORDING], /it must be ADDRESS:PORT\/PROTO/],
    [
      ["why", "web", "10.96.0.10:80/tcp", "--ledger", RECORDING],
      /web: it must be the IP address of the sender/,
    ],
    [["why", "fd00::1", "10.96.0.10:80/tcp", "--ledger", RECORDING], /of two address families/],
    [["why", "1.2.3.4", "10.96.0.10:80", "--ledger", "/nowhere"], /--ledger \/nowhere: there is no ledger/],
    [["why", "1.2.3.4", "10.96.0.10:80", "--ledger", RECORDING, "--at", "@9999"], /the ledger ends at @227/],
    [
      ["why", "1.2.3.4", "10.96.0.10:80", "--ledger", RECORDING, "--at", "HEAD~1"],
      /the ledger has 0 commits/,
    ],
    [
      ["why", "1.2.3.4", "10.96.0.10:80", "--ledger", RECORDING, "--at", "2020-01-01"],
      /begins at 2026-11-23T17:18:42/,
    ],
    [
      ["why", "1.2.3.4", "10.96.0.10:80", "--ledger", RECORDING, "--at", "noon"],
      /noon: a position is an offset/,
    ],
    [
      ["run", "--source", RECORDING, "--dry-run", "--detect-local-mode", "Guess"],
      /--detect-local-mode: "Guess"; Invalid option: expected one of .*NodeCIDR/,
    ],
    [
      ["run", "--source", RECORDING, "--dry-run", "--detect-local-mode", "BridgeInterface"],
      /--pod-bridge-interface: nothing; detectLocalMode BridgeInterface needs it/,
    ],
    [
      ["run", "--source", RECORDING, "--dry-run", "--cluster-cidr", "10.0.0.0"],
      /--cluster-cidr: "10\.0\.0\.0"; CIDRs such as/,
    ],
    [
      ["run", "--source", RECORDING, "--dry-run", "--nodeport-addresses", "primry"],
      /--nodeport-addresses: "primry"; a CIDR, primary/,
    ],
    [
      ["run", "--source", RECORDING, "--dry-run", "--masquerade-bit", "32"],
      /--masquerade-bit: 32; Too big/,
    ],
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

Deno.test("wrong objects are named and left out, the others are served", async () => {
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

Deno.test("why reads a ledger at a position, and names the event that made each element", async () => {
  const target = ["why", "10.244.0.5", "10.96.0.10:53/udp", "--ledger", RECORDING];
  const [whole, before, json] = await Promise.all([
    ledgerproxy(...target),
    ledgerproxy(...target, "--at", "@52"),
    ledgerproxy(...target, "--json", "--at", "@61"),
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
      ["service-ips", 61],
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
  const { stdout } = await ledgerproxy("why", "192.0.2.1", "198.51.100.7:80/tcp", "--source", folder);
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
  const { stdout } = await ledgerproxy("why", "192.0.2.1", "10.96.0.1:443/tcp", "--source", folder);
  assert.match(stdout, /refused with a TCP reset\n/);
  assert.match(
    stdout,
    /shop\/evil wants 10\.96\.0\.1 \. tcp \. 443 too: shop\/dns, whose cluster IP it is, keeps it/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a --node without a Node object is a warning, and the rules are made all the same", async () => {
  const run = (node: string) => ledgerproxy("run", "--source", RECORDING, "--dry-run", "--node", node);
  const [typo, right] = await Promise.all([run("node-typo"), run("node-a")]);
  assert.match(typo.stderr, /warning: there is no Node node-typo: /);
  assert.match(typo.stdout, /10\.96\.0\.1 \. tcp \. 443/);
  assert.doesNotMatch(right.stderr, /Node/);
});

Deno.test("flags about traffic shape the rules", async () => {
  const { stdout } = await ledgerproxy(
    ...["run", "--source", RECORDING, "--dry-run", "--node", "node-a", "--masquerade-bit", "3"],
    ...["--cluster-cidr", "10.244.0.0/16", "--nodeport-addresses", "primary,192.0.2.0/24"],
  );
  assert.match(
    stdout,
    /ip saddr != 10\.244\.0\.0\/16 ip daddr @cluster-ips meta mark set meta mark \| 0x00000008/,
  );
  assert.match(
    stdout,
    /ip daddr 192\.0\.2\.0\/24 fib daddr type local ip daddr set meta l4proto \. th dport map @service-nodeports goto nodeport/,
  );
});

Deno.test("a configuration file shapes the rules, flags override it, unknown fields are warnings, wrong values errors", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/config.yaml`;
  const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n";
  await Deno.writeTextFile(file, `${head}clusterCIDR: 10.244.0.0/16\nnftables: {masqueradeBit: 3}\n`);
  const args = ["run", "--source", RECORDING, "--dry-run", "--config", file];
  const [plain, flagged] = await Promise.all([
    ledgerproxy(...args),
    ledgerproxy(...args, "--masquerade-bit", "4"),
  ]);
  assert.match(plain.stdout, /ip saddr != 10\.244\.0\.0\/16 .* meta mark set meta mark \| 0x00000008/);
  assert.match(flagged.stdout, /ip saddr != 10\.244\.0\.0\/16 .* meta mark set meta mark \| 0x00000010/);
  const old = "nftable: {}\nudpIdleTimeout: 250ms\nmetadata: {name: worker}\n";
  await Deno.writeTextFile(file, `${head}clusterCIDR: 10.244.0.0/16\n${old}`);
  const lenient = await ledgerproxy(...args);
  assert.equal(lenient.code, 0, lenient.stderr);
  assert.match(lenient.stderr, /config\.yaml: nftable: there is no such field; it is left out/);
  assert.match(
    lenient.stderr,
    /config\.yaml: udpIdleTimeout: kube-proxy has not read it since 1\.26; it is left out/,
  );
  await Deno.writeTextFile(file, `${head}clusterCIDR: 10.244.0.0\noomScoreAdj: none\nnftable: {}\n`);
  const { code, stderr } = await ledgerproxy(...args);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /config\.yaml:\n {2}clusterCIDR: "10\.244\.0\.0"; CIDRs such as .*\n {2}oomScoreAdj: "none"; .*number/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("verify names the place of damage; --repair sets the ledger aside and loses only the damaged record", async () => {
  const folder = await Deno.makeTempDir();
  const name = "00000000000000000000.ndjson";
  const whole = await Deno.readTextFile(`${RECORDING}/${name}`);
  const lines = whole.trimEnd().split("\n");
  const write = (changed: readonly string[]) =>
    Deno.writeTextFile(`${folder}/${name}`, changed.map((line) => `${line}\n`).join(""));
  const cases: [string, readonly string[], RegExp][] = [
    [
      "changed",
      lines.with(100, lines[100]!.replace("10.244", "10.245")),
      /:101 \(byte \d+\): damaged \(CRC\); whole up to @98/,
    ],
    [
      "removed",
      lines.toSpliced(100, 1),
      /:101 \(byte \d+\): altered, or what was before it was \(hash chain\)/,
    ],
    ["reordered", lines.with(100, lines[101]!).with(101, lines[100]!), /:101 \(byte \d+\): altered/],
    ["repeated", lines.toSpliced(100, 0, lines[99]!), /:101 \(byte \d+\): altered/],
  ];
  for (const [what, changed, problem] of cases) {
    await write(changed);
    const { code, stdout } = await ledgerproxy("verify", folder);
    assert.equal(code, 1, what);
    assert.match(stdout, problem, what);
  }
  await write(lines);
  assert.deepEqual((await ledgerproxy("verify", folder)).code, 0);
  await Deno.writeTextFile(`${folder}/${name}`, whole.slice(0, -10));
  const torn = await ledgerproxy("verify", folder, "--json");
  assert.equal(torn.code, 0, "a torn tail is what a crash leaves");
  assert.match(JSON.parse(torn.stdout).notes[0], /bytes of an unfinished write/);

  await write(cases[0]![1]);
  const repaired = await ledgerproxy("verify", folder, "--repair");
  assert.match(repaired.stderr, /set aside in .*damaged-.*; a new ledger begins with \d+ records of it/);
  const after = await ledgerproxy("verify", folder, "--json");
  assert.deepEqual([after.code, JSON.parse(after.stdout).problems], [0, []]);
  const aside = [...Deno.readDirSync(folder)].find(({ isDirectory }) => isDirectory)!.name;
  assert.equal(await Deno.readTextFile(`${folder}/${aside}/${name}`), cases[0]![1].join("\n") + "\n");
  const why = (ledger: string) =>
    ledgerproxy("why", "10.244.0.5", "10.96.0.10:53/udp", "--ledger", ledger, "--json");
  const outcomes = async (ledger: string) => JSON.parse((await why(ledger)).stdout).outcomes;
  assert.deepEqual(
    await outcomes(folder),
    await outcomes(RECORDING),
    "one record was lost, and it was not about this",
  );
  await Deno.remove(folder, { recursive: true });
});
