// Probes of the kernel's features: they leave no trace, and name a missing feature with a remedy.

import assert from "node:assert/strict";
import {
  kernelVersion,
  missingCapabilities,
  missingForCounting,
  probeCapabilities,
} from "../../src/kernel/capabilities.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { Statement } from "../../src/nft/statement.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { rejecting } from "../support/rejecting_kernel.ts";

requirePrivateNamespace();

/** A kernel that rejects statements of `kind`; without one, every operation. */
function without(kind: Statement["kind"] | undefined, errno: number): Kernel {
  return rejecting(new FakeKernel(), (transaction) => {
    const bad = transaction.find((operation) =>
      kind === undefined ||
      (operation.noun === "rule" && operation.rule.statements.some((statement) => statement.kind === kind))
    );
    return bad && [bad, errno];
  });
}

Deno.test("this kernel has every feature that is needed, and the probe leaves no trace", () => {
  using kernel = new NetlinkKernel();
  const missing = probeCapabilities(kernel).filter(({ needed, available }) => needed && !available);
  assert.deepEqual(missing, []);
  const before = kernel.generation();
  assert.deepEqual(missingCapabilities(kernel), []);
  assert.equal(missingForCounting(kernel), undefined);
  assert.equal(kernel.generation(), before, "nothing was committed");
  assert.equal(nft(["list", "ruleset"]), "");
});

Deno.test("a missing feature is named, with the kernel's error and the module to load", () => {
  const missing = missingCapabilities(without("masquerade", 2));
  assert.deepEqual(missing.map(({ name, needed }) => [name, needed]), [["nat", true]]);
  assert.match(missing[0]!.problem, /add rule ip ledgerproxy-probe probe.*ENOENT.*load nft_chain_nat/);
});

Deno.test("a kernel without the hash of affinity's pins and of a choice by client is found before it rejects the rules", () => {
  const missing = missingCapabilities(without("hash-match", 2));
  assert.deepEqual(missing.map(({ name, needed }) => [name, needed]), [["jhash", true]]);
  assert.match(missing[0]!.problem, /load nft_hash/);
});

Deno.test("without CAP_NET_ADMIN no feature is probed", () => {
  const answers = probeCapabilities(without(undefined, 1));
  assert.deepEqual(answers.map(({ name, available }) => [name, available]), [["CAP_NET_ADMIN", false]]);
  assert.match(answers[0]!.problem, /unshare --map-root-user --net/);
});

Deno.test("kernels are compared by version, not as text", () => {
  const known = ["5.13.0", "5.4.0-200", "6.1.0-13-amd64", "10.0"].map((release) =>
    kernelVersion(release).available
  );
  assert.deepEqual(known, [true, false, true, true]);
});
