// Why the API server would refuse a Service of a manifest, over the one that it has stored. Only what a person is likely to write is
// checked, by the rules of pkg/apis/core/validation and pkg/registry/core/service/storage (1.37).

import { parseAddress } from "../kube/address.ts";
import type { Service } from "../kube/objects.ts";
import type { ServiceManifest } from "../kube/service_manifest.ts";

/** The reasons, as text; empty where none is known. `known`: what is stored; undefined for a new Service. */
export function refusalsOf(
  known: Service | undefined,
  { spec }: Service,
  { ipFamilyPolicy }: Partial<ServiceManifest> = {},
): string[] {
  return [
    ...addressRefusals(known, spec),
    ...familyRefusals(known, spec, ipFamilyPolicy),
    ...portRefusals(known, spec),
  ];
}

type Spec = Service["spec"];

function addressRefusals(known: Service | undefined, spec: Spec): string[] {
  const [first] = spec.clusterIPs ?? [];
  if (first !== undefined && spec.clusterIP && !isSame(first, spec.clusterIP)) {
    return [`its clusterIP is ${spec.clusterIP}, and the first of its clusterIPs ${first}`];
  }
  const [before, after] = [known?.spec.clusterIP, spec.clusterIP || first];
  if (!before || !after || isSame(before, after)) return [];
  return hasClusterIP(known!.spec) && hasClusterIP(spec)
    ? [`its cluster IP is ${before} and may not change to ${after}`]
    : [];
}

function isSame(one: string, other: string): boolean {
  return one === other || parseAddress(one) !== undefined && parseAddress(one) === parseAddress(other);
}

/** A headless Service counts too: its clusterIP is "None". */
function hasClusterIP({ type }: Spec): boolean {
  return type !== "ExternalName";
}

/** `policy` is that of the manifest. Without one the stored policy stays, and a new Service has one family. */
function familyRefusals(known: Service | undefined, spec: Spec, policy: string | undefined): string[] {
  if (!hasClusterIP(spec)) return [];
  const had = known !== undefined && hasClusterIP(known.spec) ? known.spec.clusterIPs?.length ?? 0 : 0;
  const counts = [spec.clusterIPs?.length, spec.ipFamilies?.length];
  if (had === 2 && policy !== "SingleStack" && counts.includes(1)) {
    return ["its ipFamilyPolicy must be SingleStack where its second cluster IP is released"];
  }
  const isSingle = policy === "SingleStack" || policy === undefined && known === undefined;
  if (had < 2 && isSingle && counts.includes(2) && spec.clusterIP !== "None") {
    return ["its ipFamilyPolicy must be PreferDualStack or RequireDualStack for two families"];
  }
  return [];
}

function portRefusals(known: Service | undefined, spec: Spec): string[] {
  const { ports = [], type } = spec;
  if (type === "ExternalName") return [];
  if (ports.length === 0) return spec.clusterIP === "None" ? [] : ["it needs a port"];
  const names = ports.map(({ name = "" }) => name);
  const numbers = ports.map(({ port, protocol = "TCP" }) => `${port}/${protocol}`);
  return [
    ...(ports.length > 1 && names.includes("") ? ["each of its ports needs a name"] : []),
    ...repeated(names.filter((name) => name !== "")).map((name) => `two of its ports have the name ${name}`),
    ...repeated(numbers).map((text) => `two of its ports are ${text}`),
    ...(hasStrayNodePort(known, spec) ? ["a NodePort needs the type NodePort or LoadBalancer"] : []),
  ];
}

function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, i) => texts.indexOf(text) !== i))];
}

/** Whether a Service has a NodePort that its type does not allow. Those of a stored Service that loses the type are dropped. */
function hasStrayNodePort(known: Service | undefined, spec: Spec): boolean {
  if (isExposed(spec)) return false;
  const numbers = ({ ports = [] }: Spec) => ports.map(({ nodePort }) => nodePort ?? 0).join();
  if (!spec.ports?.some(({ nodePort }) => nodePort)) return false;
  return known === undefined || !isExposed(known.spec) || numbers(known.spec) !== numbers(spec);
}

/** Whether a Service of this type has NodePorts. */
export function isExposed({ type }: Spec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}
