// The cluster of the bench: an API server with Services of two endpoints each, a Service whose endpoint answers, and
// the changes.

import type { ControlPlane } from "../../support/cluster/control_plane.ts";
import { type Observer, timeOfDay } from "./observer.ts";

const TOGETHER = 16;
/** Of the endpoints that were made last: no change may repeat what a Service has. */
let generation = 0;
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
/** An endpoint that answers. */
export const SERVER = { address: "10.244.2.5", udp: 5353, tcp: 8080 };

/** Creates Services until there are `services`, where `made` are there. */
export async function makeServices(plane: ControlPlane, services: number, made = 0): Promise<void> {
  for (let at = made; at < services; at += TOGETHER) {
    await Promise.all(
      Array.from({ length: Math.min(TOGETHER, services - at) }, (_, i) => make(plane, at + i)),
    );
  }
}

/** Creates a Service whose endpoint is a server of the lab; returns its cluster IP. */
export async function makeTarget(plane: ControlPlane): Promise<string> {
  const ports = [{ name: "dns", port: 53, protocol: "UDP" }, { name: "http", port: 80, protocol: "TCP" }];
  const made = await plane.call("POST", "/api/v1/namespaces/shop/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "target", namespace: "shop" },
    spec: { ports },
  });
  const { clusterIP } = (made as { spec: { clusterIP: string } }).spec;
  await plane.call("POST", SLICES, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "target-a", namespace: "shop", labels: { "kubernetes.io/service-name": "target" } },
    addressType: "IPv4",
    ports: [{ name: "dns", port: SERVER.udp, protocol: "UDP" }, { name: "http", port: SERVER.tcp }],
    endpoints: [{ addresses: [SERVER.address] }],
  });
  return clusterIP;
}

async function make(plane: ControlPlane, number: number): Promise<void> {
  const name = `s${number}`;
  await plane.call("POST", "/api/v1/namespaces/shop/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { ports: [{ port: 80, protocol: "TCP" }] },
  });
  await plane.call("POST", SLICES, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-a`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 8080, name: "", protocol: "TCP" }],
    endpoints: endpoints(number, 0),
  });
}

function endpoints(number: number, generation: number) {
  const address = (network: number, value: number) => `10.${network}.${(value >> 8) & 255}.${value & 255}`;
  return [{ addresses: [address(128, number)] }, {
    addresses: [address(160 + (number >> 16), number + generation * 7 + 1)],
  }];
}

/** Patches one slice; returns the milliseconds until `observer` has seen it. */
export async function timeChange(
  plane: ControlPlane,
  observer: Observer,
  number: number,
): Promise<number> {
  const start = timeOfDay();
  const patched = patch(plane, number);
  const seen = await observer.firstAfter(start);
  await patched;
  return seen - start;
}

/** Gives Service `number` endpoints that it did not have before. */
export async function patch(plane: ControlPlane, number: number): Promise<void> {
  await plane.call("PATCH", `${SLICES}/s${number}-a`, { endpoints: endpoints(number, ++generation) });
}
