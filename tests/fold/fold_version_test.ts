// The digests of the rules that this program makes of the ledgers of released versions, and of the scenario files, so that each kind
// of frontend and configuration is among them. A change that alters one of them needs the next FOLD_VERSION, so that a reader does
// not report the digests of another version as falsified.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { FOLD_VERSION } from "../../src/fold/fold_version.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { configOf } from "../support/scenario/scenario.ts";
import { objectsOf, scenarioFiles } from "../support/scenario/scenario_files.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const DIGITS = 12;

/**
 * FOLD_VERSION, and the digests of the rules that it makes: of each ledger; and, their first digits, of each scenario as it is, with
 * counted connections, and with Services that choose by client.
 */
const MADE = {
  version: 2,
  digests: {
    "ledgers/0.1.0": "edf7a6704a390a8d548bc9d2cf2c64ac746c39dbdd96f691b2333bf5e8e35e04",
    "ledgers/0.6.0": "edf7a6704a390a8d548bc9d2cf2c64ac746c39dbdd96f691b2333bf5e8e35e04",
    "recordings/evening": "dab3b986f077c661340dec1e47d3a33f7597bb53b37c983dfcc1ec67b6d29215",
    affinity: ["2f734ef6a89c", "d5b05c67f293", "2f734ef6a89c"],
    claims_by_rank: ["1c58dd40b4b8", "c295eab1feae", "1c58dd40b4b8"],
    cluster_ip: ["96930af3f6d6", "3cd0186440cd", "137fded91a73"],
    conflicts: ["c4784242aba5", "6ab54fb3f59c", "c4784242aba5"],
    detect_bridge_interface: ["4885d4cf1db8", "07829493ccf8", "148758f1dc95"],
    detect_interface_name_prefix: ["4d34cc2adf0d", "30053c2727ac", "1936504c9de9"],
    detect_node_cidr: ["fad2c8c0236f", "e7fc22c17e50", "c6d44ce2e24b"],
    external_cluster_policy: ["0730548e4f4e", "ad6d61ff9945", "b79dba028b92"],
    external_local_policy: ["4bc1454dfe3c", "f1fe52be4833", "17c2c96fbd19"],
    external_local_policy_many_endpoints: ["dae624b54af7", "8123322694ee", "3d93c1df4596"],
    external_local_policy_without_detector: ["e9709fff232a", "6f87ef55e2f4", "b5722421e206"],
    external_local_policy_without_local_endpoints: ["62d58f9affa0", "09129d0b4997", "62d58f9affa0"],
    hints: ["6670d0d875a8", "0cadde49bf9f", "d94480656abf"],
    host_network: ["8ea58d9aece1", "34e29b0b36d7", "8ea58d9aece1"],
    host_network_refused_number: ["cc0308bec44f", "7240162f0e46", "cc0308bec44f"],
    internal_local_policy: ["b8f3d92d4cf7", "5f30e69e96ed", "abb29fcdad5b"],
    masquerade_all: ["26a41f175564", "c278a6dd6663", "f2a5a3391440"],
    no_endpoints: ["ab5552ad8ba7", "5192601ed59d", "ab5552ad8ba7"],
    nodeport_addresses_all: ["d1d569ecb7f9", "6c49322c19b6", "d1d569ecb7f9"],
    nodeport_addresses_cidr: ["7c22f65f205c", "367201c4de5c", "7c22f65f205c"],
    nodeport_addresses_localhost: ["eee66dee16c9", "87eec71a3fd6", "eee66dee16c9"],
    not_proxied: ["aa9a1681d498", "50d723f21e8e", "aa9a1681d498"],
    sloppy_addresses: ["71b43a413797", "17f147b2818e", "71b43a413797"],
    source_range_lengths: ["7db3a2eecd7e", "23f0b05f1775", "073d9513f2dd"],
    source_ranges: ["f431c124f2e5", "9a6ece953cdc", "a49f26982f29"],
    source_ranges_of_cluster_ip: ["a498ff52b86d", "4ad60cc30264", "a498ff52b86d"],
    special_addresses: ["42389aae6fe0", "e875a81fb9d6", "42389aae6fe0"],
    terminating: ["57c9cd80f418", "fe06daf13e0e", "57c9cd80f418"],
  },
};

const digestOf = ({ tables, desired }: ClusterState) => digestText(rulesetDigest(tables, desired));

function ledgerDigest(path: string): string {
  const state = emptyState();
  for (const { offset, record } of readLedger(folderStorage(`${FIXTURES}${path}`, false))) {
    foldRecord(state, offset, record);
  }
  return digestOf(state);
}

/** `object`, where it is a Service, with the choice by client. */
function byClient(object: KubeObject): KubeObject {
  if (object.kind !== "Service") return object;
  return { ...object, metadata: { ...object.metadata, annotations: { "ledgerproxy.io/choice": "client" } } };
}

function digests(): Record<string, string | string[]> {
  const made: Record<string, string | string[]> = {};
  for (const path of ["ledgers/0.1.0", "ledgers/0.6.0", "recordings/evening"]) {
    made[path] = ledgerDigest(path);
  }
  for (const { name, scenario } of scenarioFiles()) {
    const [config, objects] = [configOf(scenario.config), objectsOf(scenario)];
    const counted = { ...config, countConnections: true };
    const states = [
      stateOf(config, objects),
      stateOf(counted, objects),
      stateOf(config, objects.map(byClient)),
    ];
    made[name] = states.map((state) => digestOf(state).slice(0, DIGITS));
  }
  return made;
}

Deno.test("the digests of kept ledgers and of the scenarios are those of this FOLD_VERSION", () => {
  const advice =
    "rules have changed: give FOLD_VERSION its next number where the version before was released, " +
    "and write both here";
  assert.deepEqual({ version: FOLD_VERSION, digests: digests() }, MADE, advice);
});
