// Judges what `plan` said of a change by the kernel's rules before and after it: elements, packets and the exit code.

import assert from "node:assert/strict";
import type { PlanAhead } from "../../../src/history/plan_ahead.ts";
import { type Outcome, type Packet, trace } from "../../../src/history/trace.ts";
import type { Address } from "../../../src/nft/data_type.ts";
import type { Elements, Ruleset } from "../../../src/nft/ruleset.ts";
import { separated } from "../../../src/nft/objects.ts";
import { elementText } from "../../../src/nft/text.ts";
import { POSITION_PATH } from "../../../src/plan/position.ts";
import type { Probe } from "../lab/probe.ts";
import { meaning } from "../meaning.ts";
import { CLIENTS } from "../scenario/arbitrary_scenario.ts";
import type { Manifest } from "../scenario/scenario.ts";
import { ENDPOINT_ADDRESSES } from "./arbitrary_change.ts";

/** The rules in the kernel, and the objects in the API server. */
export interface Standing {
  readonly ruleset: Ruleset;
  readonly objects: readonly Manifest[];
}

/** What `plan --json` prints, and its exit code. */
export interface Said
  extends Pick<PlanAhead, "objects" | "elements" | "packets" | "unknown" | "refused" | "unserved"> {
  readonly code: number;
}

/** The result for one change. */
export interface Judged {
  /** Whether elements are in other slots than said. */
  readonly reordered: boolean;
  /** How many packets were traced. */
  readonly packets: number;
  /** Packets that the hosts of the lab can send, those that go elsewhere first. */
  readonly probes: readonly Probe[];
}

/** Compares `said` with `before` and `after`, without the Service `marker`. Slots may differ where `several` objects changed. */
export function judge(
  before: Standing,
  after: Standing,
  said: Said,
  marker: string,
  several: boolean,
  text: () => string,
): Judged {
  const [was, is] = [before, after].map(({ ruleset }) =>
    withoutMarker(separated(ruleset).elements, `shop/${marker}`)
  );
  const predicted = changed(was!, said);
  const same = elementLines(predicted).join("\n") === elementLines(is!).join("\n");
  if (!same) {
    const lines = several ? meaning : elementLines;
    assert.deepEqual(lines(predicted), lines(is!), text());
  }
  const packets = packetsOf(before, after, marker);
  const elsewhere = packets.filter(({ packet }) => {
    const [old, now] = [before, after].map((standing) => outcomes(standing, packet));
    if (sameOutcomes(old!, now!)) return false;
    const found = said.packets.some((one) =>
      one.packet.destination === packet.destination && one.packet.port === packet.port &&
      one.packet.protocol === packet.protocol && sameOutcomes(one.before, old!, packet) &&
      sameOutcomes(one.after, now!, packet)
    );
    assert.ok(found, `${JSON.stringify({ packet, old, now })} goes elsewhere; ${text()}`);
    return true;
  });
  for (const one of said.packets) {
    assert.ok(
      sameOutcomes(one.before, outcomes(before, one.packet)),
      `${JSON.stringify(one)} before; ${text()}`,
    );
    assert.ok(
      sameOutcomes(one.after, outcomes(after, one.packet)),
      `${JSON.stringify(one)} after; ${text()}`,
    );
  }
  const lost = [...elsewhere, ...said.packets].some(({ packet }) =>
    isServed(packet, outcomes(before, packet)) && !isServed(packet, outcomes(after, packet))
  );
  assert.equal(said.code, lost ? 1 : 0, `exit code ${said.code}; ${text()}`);
  const probes = [...elsewhere, ...packets].flatMap(({ probe }) => probe.protocol === "sctp" ? [] : [probe]);
  return { reordered: !same, packets: packets.length + said.packets.length, probes };
}

function withoutMarker(elements: Elements, marker: string): Elements {
  return new Map(
    [...elements].filter(([path]) => path !== POSITION_PATH).map(([path, set]) => [
      path,
      new Map([...set].filter(([, { comment }]) => comment !== marker)),
    ]),
  );
}

function changed(elements: Elements, { elements: changes }: Said): Elements {
  const all = new Map([...elements].map(([path, set]) => [path, new Map(set)]));
  for (const { set, before, after } of changes) {
    const { key } = (after ?? before)!;
    if (after === null) all.get(set)?.delete(key);
    else if (all.has(set)) all.get(set)!.set(key, after);
    else all.set(set, new Map([[key, after]]));
  }
  return all;
}

function elementLines(elements: Elements): string[] {
  return [...elements].flatMap(([path, set]) => [...set.values()].map((one) => `${path} ${elementText(one)}`))
    .sort();
}

/** A packet from every host to every frontend of the Services before and after. */
function packetsOf(before: Standing, after: Standing, marker: string) {
  const places = new Map<string, { destination: string; port: number; protocol: Probe["protocol"] }>();
  for (const { objects } of [before, after]) {
    const own = nodeAddressesOf(objects);
    for (const object of objects) {
      if (object.kind !== "Service" || object.metadata.name === marker) continue;
      for (const place of frontendsOf(object, own)) places.set(JSON.stringify(place), place);
    }
  }
  return [...places.values()].flatMap((place) =>
    CLIENTS.map(({ host, v4, v6 }) => {
      const probe: Probe = { host, source: place.destination.includes(":") ? v6 : v4, ...place };
      const from = host === "node" ? {} : { interface: `veth-${host}` };
      const packet = { ...place, source: probe.source, ...from } as unknown as Packet;
      return { probe, packet };
    })
  );
}

function nodeAddressesOf(objects: readonly Manifest[]): Address[] {
  const node = objects.find(({ kind }) => kind === "Node");
  const { addresses = [] } = (node?.status ?? {}) as { addresses?: { address: Address }[] };
  return addresses.map(({ address }) => address);
}

/** What a Service of the API has addresses for, without asking who serves it. */
function frontendsOf({ metadata, spec, status }: Manifest, own: readonly Address[]) {
  // A label says that another proxy serves it: its ports are no frontends of this one.
  if (metadata.labels !== undefined) return [];
  const { clusterIPs = [], externalIPs = [], ports = [] } = spec as Readonly<Record<string, string[]>> & {
    readonly ports?: readonly { port: number; protocol: string; nodePort?: number }[];
  };
  const { loadBalancer } = (status ?? {}) as { loadBalancer?: { ingress?: { ip: string }[] } };
  const balancers = (loadBalancer?.ingress ?? []).map(({ ip }) => ip);
  const isV6 = (address: string) => address.includes(":");
  const cluster = clusterIPs.filter((ip) => ip !== "None");
  const addresses = [...cluster, ...externalIPs, ...balancers].filter((one) =>
    cluster.some((ip) => isV6(ip) === isV6(one))
  );
  return ports.flatMap(({ port, protocol, nodePort = 0 }) => {
    const of = (destination: string, port: number) => ({
      ...{ destination, port, protocol: protocol.toLowerCase() as Probe["protocol"] },
    });
    return [
      ...addresses.map((address) => of(address, port)),
      ...(nodePort === 0 ? [] : own.map((address) => of(address, nodePort))),
    ];
  });
}

function outcomes({ ruleset, objects }: Standing, packet: Packet): readonly Outcome[] {
  return trace(ruleset, packet, nodeAddressesOf(objects)).outcomes;
}

/** Whether two outcomes are the same, but for the masquerade of a packet that comes back to its sender. */
function sameOutcomes(a: readonly Outcome[], b: readonly Outcome[], packet?: Packet): boolean {
  const text = (outcomes: readonly Outcome[]) =>
    outcomes.map((one) =>
      JSON.stringify(one.destination === packet?.source ? { ...one, masqueraded: true } : one)
    )
      .sort().join();
  return text(a) === text(b);
}

function isServed({ destination, port }: Packet, outcomes: readonly Outcome[]): boolean {
  return outcomes.some((one) =>
    one.kind === "deliver" && ENDPOINT_ADDRESSES.has(one.destination) &&
    (one.destination !== destination || one.port !== port)
  );
}
