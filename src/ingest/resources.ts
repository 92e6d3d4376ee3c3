// The resources of an API server that a proxy follows, with their paths and selectors.

import type { ObjectKind } from "../kube/objects.ts";
import { SERVICE_PROXY_NAME_LABEL } from "../kube/service_proxy_name.ts";

/** One resource. The selectors are those of kube-proxy 1.37, so that this proxy sees the same objects. */
export interface ApiResource {
  readonly kind: ObjectKind;
  readonly apiVersion: string;
  readonly path: string;
  readonly selectors: Readonly<Record<string, string>>;
  readonly namespaced: boolean;
  /** Whether the proxy can do without the resource, because older servers do not have it. */
  readonly optional: boolean;
  /** Whether rules cannot be made without the resource, so that they wait for its first list. */
  readonly needed: boolean;
}

/**
 * The resources that a proxy on `node` follows, in the order of OBJECT_KINDS. `serviceProxyName`: it serves the Services with
 * this name in their label; undefined: those without the label.
 */
export function resources(node: string, serviceProxyName?: string): ApiResource[] {
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
        labelSelector: serviceProxyName === undefined
          ? `!${SERVICE_PROXY_NAME_LABEL}`
          : `${SERVICE_PROXY_NAME_LABEL}=${serviceProxyName}`,
        fieldSelector: "spec.clusterIP!=None",
      },
      namespaced: true,
      optional: false,
      needed: true,
    },
  ];
}
