// One Service with every value of every feature, and the pairs of settings that differ in one feature.

import type { KubeObject } from "../../../src/kube/objects.ts";
import { decodeAll, nodeManifest, parseScenario } from "./scenario.ts";
import { manifestOf } from "./scenario.ts";

/** One value of each feature. */
interface Setting {
  readonly type: string;
  readonly external: string;
  readonly internal: string;
  readonly affinity: string;
  readonly ranges: string;
  readonly ips: string;
  readonly externalIPs: string;
  readonly ports: string;
  readonly endpoints: number;
  readonly condition: string;
  readonly nodeAddress: string;
}

const CHOICES: { readonly [feature in keyof Setting]: readonly Setting[feature][] } = {
  type: ["ClusterIP", "NodePort", "LoadBalancer"],
  external: ["Cluster", "Local"],
  internal: ["Cluster", "Local"],
  affinity: ["", "60", "10"],
  ranges: ["", "203.0.113.0/24", "203.0.113.0/25,10.0.0.0/8,192.168.0.0/16"],
  ips: ["10.96.0.10", "10.96.0.10,fd00:96::10", "None"],
  externalIPs: ["", "198.51.100.10", "198.51.100.10,198.51.100.11,fd00:198::10"],
  ports: ["http:80/tcp:30080", "http:80/tcp:30081,dns:53/udp:30053", "other:80/tcp:30080"],
  // Counts on both sides of the slot classes' sizes, and where a class shrinks.
  endpoints: [0, 1, 2, 3, 5, 9],
  condition: ["", "unready", "terminating"],
  nodeAddress: ["192.168.0.2", "192.168.0.77"],
};

const BASES: readonly Setting[] = [
  {
    type: "LoadBalancer",
    external: "Cluster",
    internal: "Cluster",
    affinity: "",
    ranges: "",
    ips: "10.96.0.10",
    externalIPs: "",
    ports: "http:80/tcp:30080",
    endpoints: 2,
    condition: "",
    nodeAddress: "192.168.0.2",
  },
  {
    type: "LoadBalancer",
    external: "Local",
    internal: "Local",
    affinity: "60",
    ranges: "203.0.113.0/24",
    ips: "10.96.0.10,fd00:96::10",
    externalIPs: "198.51.100.10",
    ports: "http:80/tcp:30081,dns:53/udp:30053",
    endpoints: 5,
    condition: "",
    nodeAddress: "192.168.0.2",
  },
];

/** A change of one feature: its name, and the objects before and after it. */
export interface Transition {
  /** `affinity: "" -> "60"`. */
  readonly name: string;
  readonly before: readonly KubeObject[];
  readonly after: readonly KubeObject[];
}

/** Every change of one feature from one of its values to another, on each base. */
export function transitions(): Transition[] {
  return BASES.flatMap((base, number) =>
    (Object.keys(CHOICES) as (keyof Setting)[]).flatMap((feature) => {
      const values: readonly (string | number)[] = CHOICES[feature];
      return values.flatMap((from) =>
        values.filter((to) => to !== from).map((to) => ({
          name: `base ${number}, ${feature}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`,
          before: objectsOf({ ...base, [feature]: from }),
          after: objectsOf({ ...base, [feature]: to }),
        }))
      );
    })
  );
}

function objectsOf(setting: Setting): KubeObject[] {
  const { type, external, internal, affinity, ranges, ips, externalIPs, ports, condition } = setting;
  const fields = [
    `type=${type}`,
    `ips=${ips}`,
    `ports=${type === "ClusterIP" ? ports.replaceAll(/:30\d+/g, "") : ports}`,
    `external=${external}`,
    `internal=${internal}`,
    ...(affinity === "" ? [] : [`affinity=${affinity}`]),
    ...(ranges === "" ? [] : [`ranges=${ranges}`]),
    ...(externalIPs === "" ? [] : [`external-ips=${externalIPs}`]),
    ...(type === "LoadBalancer" ? ["balancer=198.51.100.20"] : []),
  ];
  const words = condition === "" ? "" : `+${condition}`;
  const endpoints = Array.from({ length: setting.endpoints }, (_, i) => {
    const [network, node] = i % 2 === 0 ? ["10.244.1", "node-a"] : ["10.244.2", "node-b"];
    return `${network}.${6 + i}@${node}${words}`;
  });
  const named = ports.split(",").map((port) => port.replace(/:\d+\//, ":8080/").replace(/:30\d+/, "")).join();
  const { objects } = parseScenario(
    `service shop/web ${fields.join(" ")}\nslice shop/web-a ports=${named} ${endpoints.join(" ")}`,
  );
  return decodeAll([
    nodeManifest("zone-1", [setting.nodeAddress, "fd00:192::2"]),
    ...objects.map(manifestOf),
  ]);
}
