// The program as a process: its usage errors and its exit codes.

import assert from "node:assert/strict";
import { RECORDING } from "../support/committed_evening.ts";
import { ledgerproxy } from "../support/run_program.ts";

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
  const results = await Promise.all(cases.map(([args]) => ledgerproxy(args)));
  results.forEach(({ code, stderr }, i) => {
    assert.equal(code, 2, stderr);
    assert.match(stderr, cases[i]![1]);
  });
});

Deno.test("what is unknown or missing on the command line has a near name, or where all names are listed", async () => {
  const cases: [string[], RegExp][] = [
    [["fly"], /unknown command 'fly'\n`ledgerproxy help` lists the commands\n$/],
    [["logs"], /unknown command 'logs'\n\(Did you mean log\?\)\n$/],
    [["log", "--limt"], /unknown option '--limt'\n\(Did you mean --limit\?\)\n$/],
    [["log", "--xyzzy"], /'--xyzzy'\n`ledgerproxy help COMMAND` lists its arguments and flags\n$/],
    [["why", "web"], /missing required argument 'target'\n`ledgerproxy help COMMAND` lists/],
  ];
  const results = await Promise.all(cases.map(([args]) => ledgerproxy(args)));
  results.forEach(({ code, stderr }, i) => {
    assert.equal(code, 2, stderr);
    assert.match(stderr, cases[i]![1]);
  });
});
