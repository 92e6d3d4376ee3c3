// The endpoints of one ServicePort, by text. Without an index every change of a Service with thousands of endpoints would read,
// compare and sort all of them; with it a change costs the slice that changed, and copies of lists. It is no part of what is known of
// the cluster: whatever it holds, the result is that of `assignedEndpoints`, and a test compares the two.

import type { ServicePort } from "../kube/service_port.ts";
import type { Address } from "../nft/data_type.ts";
import { type AssignedEndpoints, isPinned, type ListSlots } from "./assigned_endpoints.ts";
import { ChunkedMap } from "./chunked_map.ts";
import { keepsFlows, type OwnNode, rank } from "./endpoints.ts";
import { hairpin } from "./hairpins.ts";
import { countHost, isMember, type Membership, memberships, noCounts } from "./listed_endpoints.ts";
import { pinnedEndpoints, renumbered, type Renumbering } from "./pinned_endpoints.ts";
import type { ElementResource } from "./resource.ts";
import { difference, type SliceHosts, textsOf } from "./slice_hosts.ts";
import type { Host } from "./sliced_endpoints.ts";
import { assignSlots, refill, type Slots } from "./slots.ts";
import { SortedTexts } from "./sorted_texts.ts";

/** What a slice contributes: its hosts, with a port. */
export interface SlicePart {
  readonly hosts: SliceHosts;
  readonly number: number;
}

/** One endpoint. */
interface Entry {
  readonly text: string;
  readonly number: number;
  /** The host with the highest rank; undefined once no slice has the endpoint. */
  host: Host | undefined;
  /** All hosts, where slices have the endpoint more than once. */
  all: Host[] | undefined;
  /** Its slot in each list; -1 where it has none. */
  cluster: number;
  local: number;
  /** Its element on the own node, once that was needed. */
  hairpin: ElementResource | undefined;
}

/** An endpoint that a change concerns, and its host before. */
interface Change {
  readonly entry: Entry;
  readonly before: Host | undefined;
}

type ListName = "cluster" | "local";

/** A list as it was last assigned. */
interface List {
  membership: Membership;
  slots: Slots;
  /** Members without a slot. */
  waiting: SortedTexts;
}

/** The index. It is for one ServicePort and one own node. */
export class EndpointIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #counts = noCounts();
  #parts: readonly SlicePart[] = [];
  /** How many endpoints slices have more than once. */
  #repeated = 0;
  /** undefined until the endpoints are assigned, and while weights count. */
  #lists: Record<ListName, List | undefined> = { cluster: undefined, local: undefined };
  #serving: SortedTexts | undefined;
  #pinned: Renumbering["before"] | undefined;
  /** Those on the own node; undefined once one of them has changed. */
  #own: readonly Entry[] | undefined;
  #changes = new Map<string, Change>();

  constructor(readonly node: OwnNode) {}

  /** As `assignedEndpoints` for what `parts` have; undefined where endpoints have weights. */
  assign(port: ServicePort, parts: readonly SlicePart[], previous: ListSlots): AssignedEndpoints | undefined {
    this.#replace(parts);
    const changes = this.#settle();
    const isWeighted = this.#counts.heavy > 0;
    if (isWeighted) this.#reset();
    const assigned = isWeighted ? undefined : this.#assignAll(port, previous, changes);
    for (const { entry } of changes) if (entry.host === undefined) this.#entries.delete(entry.text);
    return assigned;
  }

  #reset(): void {
    this.#lists = { cluster: undefined, local: undefined };
    this.#serving = this.#pinned = undefined;
  }

  #assignAll(port: ServicePort, previous: ListSlots, changes: readonly Change[]): AssignedEndpoints {
    const membership = memberships(port, this.#counts, this.node);
    const cluster = this.#assignList("cluster", membership.cluster, previous.cluster, changes);
    const local = this.#assignList("local", membership.local, previous.local, changes);
    this.#pinned = isPinned(port, { cluster, local }) ? this.#pin(port, { cluster, local }) : undefined;
    this.#serving = port.protocol === "udp" ? this.#serve(changes) : undefined;
    return {
      cluster,
      local,
      wanted: {
        cluster: cluster.endpoints.length + this.#lists.cluster!.waiting.texts.length,
        local: local.endpoints.length + this.#lists.local!.waiting.texts.length,
      },
      any: this.#counts.ready + this.#counts.lingering > 0,
      ...this.#ownEndpoints(port, membership),
      serving: this.#serving?.texts ?? [],
      pinned: this.#pinned,
    };
  }

  /** Takes `parts` in place of those so far. */
  #replace(parts: readonly SlicePart[]): void {
    const old = this.#parts;
    this.#parts = parts;
    const { first, end, shift } = difference(
      old,
      parts,
      (a, b) => a.hosts === b.hosts && a.number === b.number,
    );
    const [gone, come] = [old.slice(first, end + shift), parts.slice(first, end)];
    for (let i = 0; i < Math.max(gone.length, come.length); i++) this.#replacePart(gone[i], come[i]);
  }

  #replacePart(gone: SlicePart | undefined, come: SlicePart | undefined): void {
    const [old, now] = [gone?.hosts.hosts ?? [], come?.hosts.hosts ?? []];
    const { first, end, shift } = gone?.number === come?.number
      ? difference(old, now, (a, b) => a === b)
      : { first: 0, end: now.length, shift: old.length - now.length };
    for (let i = first; i < end + shift; i++) this.#remove(gone!, i);
    for (let i = first; i < end; i++) this.#add(come!, i);
  }

  #add({ hosts, number }: SlicePart, i: number): void {
    const host = hosts.hosts[i];
    if (host === undefined) return;
    const text = textsOf(hosts, number)[i]!;
    let entry = this.#entries.get(text);
    if (entry === undefined) {
      entry = { text, number, host: undefined, all: undefined, cluster: -1, local: -1, hairpin: undefined };
      this.#entries.set(text, entry);
    }
    this.#note(entry);
    if (entry.host === undefined) {
      entry.host = host;
      return;
    }
    if (entry.all === undefined) this.#repeated++;
    entry.all = [...entry.all ?? [entry.host], host];
    entry.host = highest(entry.all);
  }

  #remove({ hosts, number }: SlicePart, i: number): void {
    const host = hosts.hosts[i];
    if (host === undefined) return;
    const entry = this.#entries.get(textsOf(hosts, number)[i]!)!;
    this.#note(entry);
    if (entry.all === undefined) {
      entry.host = undefined;
      return;
    }
    entry.all = entry.all.toSpliced(entry.all.indexOf(host), 1);
    entry.host = highest(entry.all);
    if (entry.all.length > 1) return;
    entry.all = undefined;
    this.#repeated--;
  }

  #note(entry: Entry): void {
    if (!this.#changes.has(entry.text)) this.#changes.set(entry.text, { entry, before: entry.host });
  }

  /** Counts what has changed, and returns it. */
  #settle(): Change[] {
    const changes = [...this.#changes.values()];
    this.#changes = new Map();
    for (const { entry: { host }, before } of changes) {
      if (before !== undefined) countHost(this.#counts, before, this.node, -1);
      if (host !== undefined) countHost(this.#counts, host, this.node, 1);
      if (before?.local || host?.local) this.#own = undefined;
    }
    return changes;
  }

  #assignList(name: ListName, membership: Membership, previous: Slots, changes: readonly Change[]): Slots {
    const list = this.#lists[name];
    const known = list !== undefined && list.membership === membership &&
      (list.slots === previous || list.slots.endpoints.length + previous.endpoints.length === 0);
    const now = known
      ? this.#changeList(name, list, previous, changes)
      : this.#makeList(name, membership, previous);
    this.#lists[name] = now;
    return now.slots;
  }

  #makeList(name: ListName, membership: Membership, previous: Slots): List {
    const members: string[] = [];
    for (const entry of this.#entries.values()) {
      entry[name] = -1;
      if (entry.host && isMember(name, membership, entry.host, this.node)) members.push(entry.text);
    }
    const slots = assignSlots(previous, members.sort());
    slots.endpoints.forEach((text, slot) => this.#entries.get(text)![name] = slot);
    const waiting = members.length === slots.endpoints.length
      ? []
      : members.filter((text) => this.#entries.get(text)![name] < 0);
    return { membership, slots, waiting: new SortedTexts(waiting) };
  }

  #changeList(name: ListName, list: List, previous: Slots, changes: readonly Change[]): List {
    const { membership } = list;
    const isIn = (host: Host | undefined) =>
      host !== undefined && isMember(name, membership, host, this.node);
    const [holes, gone, come]: [number[], string[], string[]] = [[], [], []];
    for (const { entry, before } of changes) {
      const [was, is] = [isIn(before), isIn(entry.host)];
      if (was === is) continue;
      if (is) come.push(entry.text);
      else if (entry[name] < 0) gone.push(entry.text);
      else {
        holes.push(entry[name]);
        entry[name] = -1;
      }
    }
    const newcomers = list.waiting.with(gone, come);
    const { slots, filled, left } = refill(previous, holes.sort((a, b) => a - b), newcomers.texts);
    for (const slot of filled) this.#entries.get(slots.endpoints[slot]!)![name] = slot;
    return { membership, slots, waiting: new SortedTexts(left) };
  }

  #pin({ family }: ServicePort, lists: ListSlots): Renumbering["before"] {
    const isListed = (endpoint: string) => {
      const entry = this.#entries.get(endpoint);
      return entry !== undefined && (entry.cluster >= 0 || entry.local >= 0);
    };
    const before = this.#pinned;
    const changed = before && renumbered({ before, family, ...lists, isListed });
    if (changed !== undefined) return changed;
    const all = pinnedEndpoints(family, lists.cluster, lists.local);
    return { ...all, endpoints: ChunkedMap.from(all.endpoints), distinct: true };
  }

  #serve(changes: readonly Change[]): SortedTexts {
    if (this.#serving === undefined) {
      const entries = [...this.#entries.values()].filter(({ host }) =>
        host !== undefined && keepsFlows(host)
      );
      return new SortedTexts(entries.map(({ text }) => text).sort());
    }
    const [gone, come]: [string[], string[]] = [[], []];
    for (const { entry: { text, host }, before } of changes) {
      const was = before !== undefined && keepsFlows(before);
      const is = host !== undefined && keepsFlows(host);
      if (was !== is) (is ? come : gone).push(text);
    }
    return this.#serving.with(gone, come);
  }

  /** What is needed of the endpoints on the own node, in the order of the slices. */
  #ownEndpoints(port: ServicePort, membership: Readonly<Record<ListName, Membership>>) {
    const own = this.#counts.local === 0 ? [] : this.#own ??= this.#ownEntries();
    const isIn = (list: ListName) => ({ host }: Entry) => isMember(list, membership[list], host!, this.node);
    const reachable = new Set([...own.filter(isIn("cluster")), ...own.filter(isIn("local"))]);
    const localReady: Address[] = [];
    for (const { host } of own) if (host!.ready) localReady.push(host!.address);
    // Another value each time, as without an index: steps count those that may differ.
    const hairpins = Array.from(reachable, (entry) => ({
      ...(entry.hairpin ??= hairpin(port, entry.host!.address, entry.number)),
    }));
    return { hairpins, localReady };
  }

  /** The endpoints on the own node, in the order in which `endpointsOf` finds them: each at its first place in any slice. */
  #ownEntries(): Entry[] {
    const found = new Set<Entry>();
    for (const { hosts, number } of this.#parts) {
      const texts = textsOf(hosts, number);
      const places = this.#repeated === 0 ? hosts.local : hosts.hosts.keys();
      for (const i of places) {
        const entry = hosts.hosts[i] === undefined ? undefined : this.#entries.get(texts[i]!);
        if (entry?.host?.local) found.add(entry);
      }
    }
    return [...found];
  }
}

/** The host that is used where slices have an endpoint more than once. */
function highest(hosts: readonly Host[]): Host {
  return hosts.reduce((a, b) => rank(b) > rank(a) ? b : a);
}
