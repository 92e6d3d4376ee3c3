// From an operation that the kernel refused to the Service that it is about.

import type { ClusterState } from "../fold/cluster_state.ts";
import { ownerOfElement } from "../fold/fold.ts";
import { objectPath } from "../nft/objects.ts";
import type { ElementKey } from "../nft/ruleset.ts";
import type { Operation } from "../nft/transaction.ts";

/** The Service that `operation` is about; undefined where it is about all, or none. Costs the size of the cluster. */
export function ownerOf(cluster: ClusterState, operation: Operation): string | undefined {
  switch (operation.noun) {
    case "element":
      return ownerOfElement(cluster, operation.set, operation.element.key);
    case "chain":
    case "rule":
    case "set": {
      const { noun, family, table } = operation;
      const name = noun === "rule"
        ? operation.chain
        : noun === "chain"
        ? chainName(operation)
        : setName(operation);
      const path = objectPath(family, table, noun === "set" ? "set" : "chain");
      return ownerOfElement(cluster, path, name as ElementKey);
    }
    case "table":
      return undefined;
  }
}

function chainName(operation: Operation & { noun: "chain" }): string {
  return operation.verb === "add" ? operation.chain.name : operation.name;
}

function setName(operation: Operation & { noun: "set" }): string {
  return operation.verb === "add" ? operation.set.name : operation.name;
}
