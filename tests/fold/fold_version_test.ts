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
    "ledgers/0.1.0": "1d24521751b624555f6b632f1e10d590b1d2ad7e3fd8c93137c0412fd3c187e3",
    "ledgers/0.6.0": "1d24521751b624555f6b632f1e10d590b1d2ad7e3fd8c93137c0412fd3c187e3",
    "recordings/evening": "09e0652df7f4e0293eed857b96b81423b2fe2ef615be6add824ef1a1a1b0bbf4",
    affinity: ["99c8b677240e", "2f8123f3c2e3", "99c8b677240e"],
    claims_by_rank: ["86ae44c13029", "1c66b23dcefe", "86ae44c13029"],
    cluster_ip: ["00e872747248", "96a0dff0111d", "7dd5465a95e5"],
    conflicts: ["2ecda9c32717", "c486173fc5ec", "2ecda9c32717"],
    detect_bridge_interface: ["ca3d89265d3e", "0262ef754b1b", "963f0d481c1b"],
    detect_interface_name_prefix: ["700a54721c05", "969a63ba8002", "3c0bd894dae2"],
    detect_node_cidr: ["86c3c1aab22d", "d7209d5b0c03", "52c545cc7109"],
    external_cluster_policy: ["7185bc0fcac0", "073e298b6995", "21f321830704"],
    external_local_policy: ["b616acce79ae", "4bcf1a4a1883", "821830f0388a"],
    external_local_policy_many_endpoints: ["453b8c36c669", "daf3f9b2653e", "a7e92960c107"],
    external_local_policy_without_detector: ["189d4ba62aa7", "a10ec91566ce", "e49ecfc8e983"],
    external_local_policy_without_local_endpoints: ["cd2af71b7b12", "62e3649719e7", "cd2af71b7b12"],
    hints: ["d0c63859f11a", "667ea5d58fef", "4399e7e6e631"],
    host_network: ["f8faf51b6853", "8eb362970728", "f8faf51b6853"],
    host_network_refused_number: ["3658703f3fc1", "cc10ddbbde96", "3658703f3fc1"],
    internal_local_policy: ["234940aec869", "b901ae2a673d", "1608074e28cc"],
    masquerade_all: ["52f6f33f3e66", "7b037dffdc92", "1ef87761fd43"],
    no_endpoints: ["15aaba2e0719", "ab6327aaa5ed", "15aaba2e0719"],
    nodeport_addresses_all: ["fcbda822e264", "34a57e68a7d0", "fcbda822e264"],
    nodeport_addresses_cidr: ["9b3028fe112e", "3f26b0f7e992", "9b3028fe112e"],
    nodeport_addresses_localhost: ["d48e7c8108d1", "4c5502a74921", "d48e7c8108d1"],
    not_proxied: ["14ef7e025009", "aaa7eb7eeede", "14ef7e025009"],
    sloppy_addresses: ["dc09a1c2b309", "71c20f3e51de", "dc09a1c2b309"],
    source_range_lengths: ["e8090a6f48f0", "7dc177ebe7c5", "7192fc946e4f"],
    source_ranges: ["5e8728a56e57", "f43f96210d2c", "0ef48e19aa9a"],
    source_ranges_of_cluster_ip: ["0eee66d333df", "a4a6d44fd2b4", "0eee66d333df"],
    special_addresses: ["ac8e022feb52", "42466fab8a27", "ac8e022feb52"],
    terminating: ["c21f35016f89", "57d7a27d0e5e", "c21f35016f89"],
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
