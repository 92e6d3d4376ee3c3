// Walks one packet through the chains of one table: which rules match, and what they decide. Where a rule draws a random
// number the walk follows every result, each with its probability. Why not draw? A trace must answer the same each time.

import { assert, unreachable } from "../invariant.ts";
import { contains, parseAddress, parseCidr } from "../kube/address.ts";
import {
  type Address,
  canonicalAddress,
  classidNumber,
  concatenationParts,
  destinationOf,
  type Family,
  markText,
  type Protocol,
} from "../nft/data_type.ts";
import {
  type Chain,
  type Container,
  type Element,
  type ElementKey,
  elementKey,
  type Ruleset,
  setPath,
  type Table,
} from "../nft/ruleset.ts";
import {
  type KeyPart,
  parseVerdict,
  type Rule,
  type Selector,
  type Statement,
  type Verdict,
} from "../nft/statement.ts";
import { maskedAddress } from "../nft/address_bytes.ts";
import { addressHash } from "../nft/jhash.ts";
import { ruleText } from "../nft/text.ts";

/** A packet as the rules see it at one point of the walk. */
export interface PacketState {
  readonly source: Address;
  readonly destination: Address;
  /** The destination as its sender wrote it. */
  readonly original: Address;
  /** The source as its sender wrote it. */
  readonly sender: Address;
  /** What rules have put into dynamic maps for it: `map key` and the value. Before it the maps are empty. */
  readonly pins: Readonly<Record<string, string>>;
  readonly protocol: Protocol;
  readonly port: number;
  /** The interface that received it; "" for a packet that the node sends. */
  readonly interface: string;
  readonly mark: number;
  /** Where rules lead it, as a classid; `none` before they do. */
  readonly priority: string;
  /** Whether a rule has given it another destination. */
  readonly translated: boolean;
  /** Whether it leaves with an address of the node as its source. */
  readonly masqueraded: boolean;
}

/** One of the ways that a packet may take. */
export interface Way {
  readonly packet: PacketState;
  /** 0 to 1. */
  readonly probability: number;
}

/** How a way ended: with a verdict; `through`, after a chain that decided nothing; `next`, after a rule that did not. */
export type End = "accept" | "drop" | "port-unreachable" | "tcp-reset" | "through" | "next";

/** A way that has ended. */
export interface Ended extends Way {
  readonly end: End;
}

/** A rule that did something to the packet. */
export interface Step {
  /** The chain of the rule. */
  readonly chain: string;
  /** The rule as nft's text. */
  readonly rule: string;
  /** What it found in sets and maps. */
  readonly found: readonly SetElement[];
}

/** An element, with the set or map that has it. */
export interface SetElement {
  /** Name of the set or map. */
  readonly set: string;
  /** The element itself. */
  readonly element: Element;
}

/** The rules and the node that a walk goes by. */
export interface Terrain {
  readonly family: Family;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, FilledSet>;
  /** Whether an address is the node's own, loopback included. */
  isLocal(address: Address): boolean;
  /** Receives every rule that does something, in the order of the walk; what a rule found for all draws together comes once. */
  note(step: Step): void;
  /** The lists of found elements that `note` has received. */
  readonly noted: WeakSet<readonly SetElement[]>;
  /** Receives every key that is looked up in a set or map, found or not; undefined where the whole set is searched. */
  looked?(set: string, key: ElementKey | undefined): void;
}

interface FilledSet {
  readonly container: Container;
  readonly elements: ReadonlyMap<ElementKey, Element>;
}

/** The chains and sets of `table`, for a walk. The ruleset must be assembled: its tables hold the Services' chains too. */
export function terrainOf(
  { elements }: Ruleset,
  table: Table,
  rest: Pick<Terrain, "isLocal" | "note" | "looked">,
): Terrain {
  const { family, name } = table;
  const sets = table.sets.map((container) =>
    [container.name, {
      container,
      elements: elements.get(setPath(family, name, container.name)) ?? new Map(),
    }] as const
  );
  return {
    family,
    chains: new Map(table.chains.map((chain) => [chain.name, chain])),
    sets: new Map(sets),
    noted: new WeakSet(),
    ...rest,
  };
}

/** Walks `way` through `chain`. No result ends with `next`. */
export function walkChain(terrain: Terrain, chain: string, way: Way): Ended[] {
  const definition = terrain.chains.get(chain);
  assert(definition !== undefined, `chain ${chain} does not exist`);
  const ended: Ended[] = [];
  let going: readonly Way[] = [way];
  for (const rule of definition.rules) {
    const results = going.flatMap((one) => walkRule({ terrain, chain, rule, found: [] }, 0, one));
    ended.push(...results.filter(({ end }) => end !== "next"));
    going = merged(results.filter(({ end }) => end === "next"));
  }
  return [...ended, ...going.map((one): Ended => ({ ...one, end: "through" }))];
}

/** Joins the ways on which the packet is the same: else their number would double with every random draw. */
function merged(ways: readonly Way[]): Way[] {
  const byPacket = new Map<string, Way>();
  for (const { packet, probability } of ways) {
    const key = JSON.stringify(packet);
    byPacket.set(key, { packet, probability: probability + (byPacket.get(key)?.probability ?? 0) });
  }
  return [...byPacket.values()];
}

/** A rule of the walk: its chain, and the elements that its statements have found so far. */
interface Place {
  readonly terrain: Terrain;
  readonly chain: string;
  readonly rule: Rule;
  readonly found: readonly SetElement[];
}

/** Walks the statements of a rule from index `at` on. */
function walkRule(place: Place, at: number, way: Way): Ended[] {
  const statement = place.rule.statements[at];
  const { packet } = way;
  const next = (changed: Way = way, found = place.found) => walkRule({ ...place, found }, at + 1, changed);
  const missed: Ended = { ...way, end: "next" };
  if (statement === undefined) return act(place, [missed]);
  switch (statement.kind) {
    case "match":
    case "hash-match":
    case "priority-test":
      return matches(place.terrain, statement, packet) ? next() : [missed];
    case "lookup": {
      const found = findElement(place.terrain, statement.set, keyOf(statement.key, packet));
      return found === undefined ? [missed] : next(way, [...place.found, found]);
    }
    case "ct-state-new":
    case "nftrace":
      return next();
    case "pin":
    case "unpin":
      return next({ ...way, packet: { ...packet, pins: pinsAfter(statement, packet) } });
    case "ct-status-dnat":
      return packet.translated ? next() : [missed];
    case "mark-test":
      return (packet.mark & statement.bits) !== 0 ? next() : [missed];
    case "mark-set": {
      const { operator, bits } = statement;
      const mark = (operator === "|" ? packet.mark | bits : packet.mark ^ bits) >>> 0;
      return next({ ...way, packet: { ...packet, mark } });
    }
    case "priority-set":
    case "daddr-set":
    case "saddr-set":
    case "dport-set": {
      const pin = packet.pins[pinOf(statement, packet)];
      if (pin !== undefined) return next({ ...way, packet: rewritten(packet, statement.kind, pin) });
      return draw(place, statement, way, (here, value, share) => {
        const changed = rewritten(packet, statement.kind, value);
        return walkRule(here, at + 1, { packet: changed, probability: share });
      });
    }
    case "daddr-restore":
      return next({ ...way, packet: { ...packet, destination: packet.original } });
    case "saddr-restore":
      return next({ ...way, packet: { ...packet, source: packet.sender } });
    case "vmap": {
      const found = findElement(place.terrain, statement.map, keyOf(statement.key, packet));
      if (found === undefined) return [missed];
      const here = { ...place, found: [...place.found, found] };
      const verdict = parseVerdict(found.element.value!);
      return verdict.kind === "continue" ? next(way, here.found) : follow(here, verdict, way);
    }
    case "dnat":
      return draw(place, statement, way, (here, value, share) => {
        const { address, port } = destinationOf(value);
        return act(here, [translated({ packet, probability: share }, address, port)]);
      });
    case "masquerade":
      return act(place, [{ ...way, packet: { ...packet, masqueraded: true }, end: "accept" }]);
    case "reject":
      return act(place, [{ ...way, end: statement.with }]);
    case "verdict":
      return follow(place, statement.verdict, way);
    default:
      return unreachable(statement);
  }
}

/** The statements that write the value of a map into the packet. */
type Written = "priority-set" | "daddr-set" | "saddr-set" | "dport-set";

function rewritten(
  packet: PacketState,
  kind: Written,
  value: string,
): PacketState {
  switch (kind) {
    case "priority-set":
      return { ...packet, priority: value };
    case "daddr-set":
      return { ...packet, destination: canonicalAddress(value) };
    case "saddr-set":
      return { ...packet, source: canonicalAddress(value) };
    case "dport-set":
      return { ...packet, port: Number(value) };
  }
}

/**
 * Notes that the rule did something, and returns `ended`. All results of a draw share one list, which has every endpoint of a Service:
 * noted for each of them, the time grows with the square of their number.
 */
function act({ terrain, chain, rule, found }: Place, ended: Ended[]): Ended[] {
  if (terrain.noted.has(found)) return ended;
  terrain.noted.add(found);
  terrain.note({ chain, rule: ruleText(terrain.family, rule), found });
  return ended;
}

function follow(place: Place, verdict: Verdict, way: Way): Ended[] {
  act(place, []);
  switch (verdict.kind) {
    case "accept":
    case "drop":
      return [{ ...way, end: verdict.kind }];
    case "return":
      return [{ ...way, end: "through" }];
    case "continue":
      return [{ ...way, end: "next" }];
    case "goto":
      return walkChain(place.terrain, verdict.chain, way);
    case "jump":
      return walkChain(place.terrain, verdict.chain, way).map((ended) =>
        ended.end === "through" ? { ...ended, end: "next" } : ended
      );
  }
}

/**
 * Looks up the key in a map and goes on with each value that a draw may find. Each slot is drawn with the same probability. An
 * empty slot breaks the rule off, and the packet goes to the next rule.
 */
function draw(
  place: Place,
  { key, map }: Statement & { kind: "dnat" | Written },
  way: Way,
  go: (place: Place, value: string, probability: number) => Ended[],
): Ended[] {
  const numgen = key.find((part) => typeof part !== "string" && part.kind === "numgen");
  const modulus = typeof numgen === "object" && numgen.kind === "numgen" ? numgen.modulus : 1;
  const share = way.probability / modulus;
  const drawn = Array.from({ length: modulus }, (_, slot) => slot).flatMap((slot) =>
    findElement(place.terrain, map, keyOf(key, way.packet, slot)) ?? []
  );
  if (drawn.length === 0) return [{ ...way, end: "next" }];
  const here = { ...place, found: [...place.found, ...drawn] };
  const ended = drawn.flatMap(({ element }) => go(here, element.value!, share));
  const left = modulus - drawn.length;
  const missed: Ended[] = left === 0 ? [] : [{ ...way, probability: share * left, end: "next" }];
  return [...ended, ...missed];
}

/** Where a dynamic map has what rules put into it for this packet. */
function pinOf(
  { key, map }: Statement & { kind: "pin" | "unpin" | Written },
  packet: PacketState,
): string {
  return `${map} ${elementKey(keyOf(key, packet))}`;
}

/** What dynamic maps have after a rule put its element there, or deleted it. The data of one that is there stays. */
function pinsAfter(
  statement: Statement & { kind: "pin" | "unpin" },
  packet: PacketState,
): PacketState["pins"] {
  const at = pinOf(statement, packet);
  if (statement.kind === "pin") {
    return { [at]: statement.data === "daddr" ? packet.destination : packet.priority, ...packet.pins };
  }
  const { [at]: _, ...pins } = packet.pins;
  return pins;
}

function translated({ packet, probability }: Way, destination: Address, port: number): Ended {
  return { packet: { ...packet, destination, port, translated: true }, probability, end: "accept" };
}

/** The key of `packet`. A hash of a source is computed; in place of any other hash it has what that is made of. */
function keyOf(key: readonly KeyPart[], packet: PacketState, slot = 0): string[] {
  return key.flatMap((part) => {
    if (typeof part === "string") return valueOf(part, packet);
    if (part.kind === "address-hash") return String(addressHash(part, packet.source));
    if (part.kind === "source-prefix") {
      return [maskedAddress(packet.source, part.length), markText(part.length)];
    }
    return part.kind === "numgen" ? String(slot) : keyOf(part.of, packet);
  });
}

function valueOf(selector: Selector, packet: PacketState): string {
  switch (selector) {
    case "ip saddr":
    case "ip6 saddr":
      return packet.source;
    case "ip daddr":
    case "ip6 daddr":
      return packet.destination;
    case "ct original ip daddr":
    case "ct original ip6 daddr":
      return packet.original;
    case "ct original ip saddr":
    case "ct original ip6 saddr":
      return packet.sender;
    case "th dport":
      return String(packet.port);
    case "meta l4proto":
      return packet.protocol;
    case "meta priority":
      return packet.priority;
    case "iifname":
      return packet.interface;
    default:
      throw new Error(`${selector} is in no key`);
  }
}

function findElement(
  { sets, looked }: Terrain,
  name: string,
  key: readonly string[],
): SetElement | undefined {
  const set = sets.get(name);
  assert(set !== undefined, `set ${name} does not exist`);
  const { container, elements } = set;
  looked?.(name, container.kind === "set" && container.flag === "interval" ? undefined : elementKey(key));
  const element = container.kind === "set" && container.flag === "interval"
    ? [...elements.values()].find((element) => covers(element.key, key))
    : elements.get(elementKey(key));
  return element && { set: name, element };
}

function covers(interval: ElementKey, key: readonly string[]): boolean {
  return concatenationParts(interval).every((part, i) => part === key[i] || isWithin(part, key[i]!));
}

/** Whether `block` is a prefix and `text` an address in it. */
function isWithin(block: string, text: string): boolean {
  const cidr = parseCidr(block);
  const address = cidr && parseAddress(text);
  return cidr !== undefined && address !== undefined && contains(cidr, address);
}

function matches(
  terrain: Terrain,
  statement: Statement & { kind: "match" | "hash-match" | "priority-test" },
  packet: PacketState,
): boolean {
  if (statement.kind === "hash-match") {
    return addressHash(statement.hash, packet.source) === statement.value;
  }
  if (statement.kind === "priority-test") {
    const bits = (classidNumber(packet.priority) & classidNumber(statement.mask)) >>> 0;
    return (bits === classidNumber(statement.value)) === (statement.operator === "==");
  }
  const { selector, operator, value } = statement;
  return holds(terrain, selector, value, packet) === (operator === "==");
}

function holds({ isLocal }: Terrain, selector: Selector, value: string, packet: PacketState): boolean {
  if (selector === "fib saddr type") return isLocal(packet.source);
  if (selector === "fib daddr type") return isLocal(packet.destination);
  const actual = valueOf(selector, packet);
  if (selector === "iifname" && value.endsWith("*")) return actual.startsWith(value.slice(0, -1));
  return actual === value || isWithin(value, actual);
}
