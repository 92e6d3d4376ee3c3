// The resources of an API server that a proxy follows, and how each is asked for.

import type { ObjectKind } from "../kube/objects.ts";

/** How one kind is asked for: kube-proxy's selectors (1.37), so that what it would not see we do not see either. */
export interface Resource {
  readonly kind: ObjectKind;
  readonly apiVersion: string;
  readonly path: string;
  readonly selectors: Readonly<Record<string, string>>;
  readonly namespaced: boolean;
  /** Whether a server that does not know the resource is an older one, and the proxy does without. */
  readonly optional: boolean;
  /** Whether no rules can be made before it is listed. */
  readonly needed: boolean;
}

/** The resources of a proxy on node `node`, in the order of OBJECT_KINDS. */
export function resources(node: string): Resource[] {
  return [
    {
      kind: "Node",
      apiVersion: "v1",
      path: "/api/v1/nodes",
      selectors: { fieldSelector: `metadata.name=${node}` },
      namespaced: false,
      optional: false,
      needed: false,
    },
    {
      kind: "ServiceCIDR",
      apiVersion: "networking.k8s.io/v1",
      path: "/apis/networking.k8s.io/v1/servicecidrs",
      selectors: {},
      namespaced: false,
      optional: true,
      needed: false,
    },
    {
      kind: "EndpointSlice",
      apiVersion: "discovery.k8s.io/v1",
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      selectors: { labelSelector: "!service.kubernetes.io/headless" },
      namespaced: true,
      optional: false,
      needed: true,
    },
    {
      kind: "Service",
      apiVersion: "v1",
      path: "/api/v1/services",
      selectors: {
        labelSelector: "!service.kubernetes.io/service-proxy-name",
        fieldSelector: "spec.clusterIP!=None",
      },
      namespaced: true,
      optional: false,
      needed: true,
    },
  ];
}
