// The fields of a Service's manifest that the API server reads, and from which no rule follows once the Service is stored. The ledger
// does not keep them. What would be stored follows from them too.

import { fieldsOf } from "./json_value.ts";

/** See the head of this file. A field that is absent, or of a wrong type, is left out. */
export interface ServiceManifest {
  /** As in the manifest: `SingleStack`, `PreferDualStack`, `RequireDualStack`. */
  readonly ipFamilyPolicy?: string;
  /** As in the manifest. */
  readonly allocateLoadBalancerNodePorts?: boolean;
  /** The target port of each port, by its name ("" for none). A named one depends on the pods, and is left out. */
  readonly targetPorts: ReadonlyMap<string, number>;
}

/** The fields in `value`, a parsed object; undefined where it is no Service. */
export function serviceManifest(value: unknown): ServiceManifest | undefined {
  const { kind, spec } = fieldsOf(value);
  if (kind !== "Service") return undefined;
  const { ipFamilyPolicy, allocateLoadBalancerNodePorts, ports } = fieldsOf(spec);
  return {
    ...(typeof ipFamilyPolicy === "string" ? { ipFamilyPolicy } : {}),
    ...(typeof allocateLoadBalancerNodePorts === "boolean" ? { allocateLoadBalancerNodePorts } : {}),
    targetPorts: new Map((Array.isArray(ports) ? ports : []).flatMap(targetPort)),
  };
}

/** The name and the target port of a port. A port without a target port is its own. */
function targetPort(value: unknown): (readonly [string, number])[] {
  const { name, port, targetPort = port } = fieldsOf(value);
  return typeof targetPort === "number" ? [[typeof name === "string" ? name : "", targetPort]] : [];
}
