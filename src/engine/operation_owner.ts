// From an operation that the kernel rejected to the Service whose rules it belongs to, which can then be set aside.

import type { ClusterState } from "../fold/cluster_state.ts";
import { ownerOfElement } from "../fold/service_elements.ts";
import { objectPath } from "../nft/objects.ts";
import { elementKey } from "../nft/ruleset.ts";
import type { Operation } from "../nft/transaction.ts";

/** The Service that `operation` is about; undefined if it concerns all Services or none. Costs the size of the cluster. */
export function serviceOfOperation(cluster: ClusterState, operation: Operation): string | undefined {
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
      return ownerOfElement(cluster, path, elementKey([name]));
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
