// Random histories for property tests: events about three Services and their slices. Two of the Services share a cluster IP,
// and all may claim the same addresses.

import fc from "fast-check";
import type { KubeObject, Service } from "../../src/kube/objects.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { appears, service, slice, vanishes } from "./cluster_notation.ts";

/** `object` with an annotation, where it has a value. */
function annotated<T extends KubeObject>(object: T, name: string, value: string | undefined): T {
  if (value === undefined) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { [name]: value } } };
}

const event: fc.Arbitrary<EventRecord> = fc.oneof(
  fc.tuple(
    fc.constantFrom("a/one 10.96.0.1", "a/two 10.96.0.1", "b/three 10.96.0.3,fd00:96::3"),
    fc.constantFrom("http:80/tcp", "http:80/tcp dns:53/udp"),
    fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    fc.constantFrom<Partial<Service["spec"]>>(
      {},
      {},
      { sessionAffinity: "ClientIP" },
      { externalIPs: ["198.51.100.1"], externalTrafficPolicy: "Local" },
      { externalIPs: ["198.51.100.1", "fd00:198::1"], sessionAffinity: "ClientIP" },
      { internalTrafficPolicy: "Local", type: "LoadBalancer" },
      { externalIPs: ["10.96.0.1", "10.96.0.3", "fd00:96::3"] },
      { loadBalancerSourceRanges: ["10.0.0.0/8"] },
      { loadBalancerSourceRanges: ["192.0.2.7/32"] },
      { loadBalancerSourceRanges: ["192.0.2.0/24", "10.0.0.0/8", "fd00:9::/64"] },
    ),
    fc.constantFrom<string[]>([], [], ["198.51.100.1"], ["10.96.0.3", "198.51.100.1"]),
    fc.constantFrom(undefined, undefined, "client"),
    fc.boolean(),
  )
    .map(([name, ports, born, spec, balancers, choice, there]) => {
      const status = { loadBalancer: { ingress: balancers.map((ip) => ({ ip })) } };
      const one = annotated(service(`${name} ${ports}`, born, spec), "ledgerproxy.io/choice", choice);
      return (there ? appears : vanishes)({ ...one, status });
    }),
  fc.tuple(
    fc.constantFrom("a/one-x", "a/one-y", "a/two-x", "b/three-x", "b/three-y"),
    fc.uniqueArray(
      fc.constantFrom(
        "10.244.0.1@node-a",
        "10.244.0.2",
        "10.244.0.3",
        "!10.244.0.4",
        "!10.244.0.1",
        "10.244.0.3@node-a",
        "10.244.0.5",
        "10.244.0.6",
        "10.244.0.7",
      ),
      { maxLength: 7 },
    ),
    fc.constantFrom(undefined, undefined, undefined, "0", "3"),
    fc.integer({ min: 0, max: 9 }),
  ).map(([name, endpoints, weight, chance]) => {
    const one = slice(`${name} http:8080/tcp dns:53/udp ${endpoints.join(" ")}`);
    return (chance > 0 ? appears : vanishes)(annotated(one, "ledgerproxy.io/weight", weight));
  }),
);
/** A random history. */
export const arbitraryHistory: fc.Arbitrary<EventRecord[]> = fc.array(event, { maxLength: 40 });
