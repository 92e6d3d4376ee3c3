// The Events that the API server keeps, without those that it writes by itself.

import type { ControlPlane } from "./control_plane.ts";

/** What tests look at in an Event of events.k8s.io/v1. */
export interface KeptEvent {
  readonly type: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  };
}

/** The Events in `namespace`. On a slow machine the API server repairs allocations of cluster IPs, and says so. */
export async function eventsIn(plane: ControlPlane, namespace: string): Promise<KeptEvent[]> {
  const { items } = await plane.call("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
  return (items as KeptEvent[]).filter(({ reason }) => reason !== "ClusterIPNotAllocated");
}
