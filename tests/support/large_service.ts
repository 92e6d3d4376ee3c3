// Services of many ports and endpoints, as manifests, and the small Services beside them.

/** A Service of `ports` ports and `endpoints` endpoints, and its slice. `number` decides its addresses. */
export function largeService(
  name: string,
  number: number,
  ports: number,
  endpoints: number,
  affinity = false,
): object[] {
  const [namespace, service] = name.split("/") as [string, string];
  const named = Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: i + 1, protocol: "TCP" }));
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name: service },
      spec: {
        clusterIP: `10.97.${number >> 8}.${number & 255}`,
        ports: named,
        ...(affinity ? { sessionAffinity: "ClientIP" } : {}),
      },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { namespace, name: `${service}-a`, labels: { "kubernetes.io/service-name": service } },
      addressType: "IPv4",
      ports: named,
      endpoints: Array.from({ length: endpoints }, (_, i) => ({
        addresses: [`10.${128 + (number & 63)}.${i >> 8}.${i & 255}`],
      })),
    },
  ];
}

/** `count` Services of one port and `endpoints` endpoints each. */
export function smallServices(count: number, endpoints: number): object[] {
  return Array.from({ length: count }, (_, i) => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "shop", name: `web-${i}` },
      spec: { clusterIP: `10.96.${i >> 8}.${i & 255}`, ports: [{ name: "http", port: 80 }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: "shop",
        name: `web-${i}-a`,
        labels: { "kubernetes.io/service-name": `web-${i}` },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: Array.from({ length: endpoints }, (_, e) => ({
        addresses: [`10.244.${i & 255}.${e + 1}`],
      })),
    },
  ]).flat();
}
