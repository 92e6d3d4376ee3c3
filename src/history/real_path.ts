// The path that one real packet took through the kernel's rules, with the causes of what it met, beside what the rules at a position
// say. Where they differ, another program changed or added rules, or the packet met what no rule decides.

import { kernelTable } from "../fold/skeleton.ts";
import { familyOf } from "../kube/address.ts";
import { type Address, concatenationParts, type Family } from "../nft/data_type.ts";
import { assembled } from "../nft/objects.ts";
import { type Verdict, verdictText } from "../nft/statement.ts";
import { ruleText } from "../nft/text.ts";
import type { PastState } from "./past.ts";
import { wholeRules } from "./recorded_rules.ts";
import type { Outcome, Packet } from "./trace.ts";
import { type FoundElement, pathOf, type PathStep } from "./why.ts";

/** What the kernel reported about a rule or a chain that the packet met. */
export interface MetRule {
  /** `rule`: a rule whose statements all matched. `return`: the end of a chain. `policy`: the end of a base chain. */
  readonly kind: "rule" | "return" | "policy";
  /** Family of the table: `ip`, `ip6`, `inet`. */
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** As nft's text; undefined where this program cannot print it. */
  readonly rule: string | undefined;
  /** Handle of the rule in its table. */
  readonly handle: string;
  /** A number is a code that our rules never have. */
  readonly verdict: Verdict | number;
}

/** A real packet, as the kernel reported it. */
export interface MetPacket {
  readonly events: readonly MetRule[];
  /** Its headers in the end; undefined where it neither left the node nor reached a program on it. */
  readonly final:
    | { readonly source: Address; readonly destination: Address; readonly port: number }
    | undefined;
}

/** The end of a real packet. `lost`: no rule ended it, and yet it went nowhere. */
export interface RealOutcome extends Omit<Outcome, "kind" | "probability"> {
  readonly kind: Outcome["kind"] | "lost";
}

/** A real packet's path. */
export interface RealPath {
  readonly packet: Packet;
  /** Name of the node; "" where it has none. */
  readonly node: string;
  /** Offset of the last record that the rules follow. */
  readonly at: number;
  /** The rules that it met, those of other programs included. */
  readonly steps: readonly RealStep[];
  readonly outcome: RealOutcome;
  /** What the rules at `at` say, the most probable first. */
  readonly expected: readonly Outcome[];
  /** Whether `outcome` is one of `expected`, and each step in our table is a rule of the position. */
  readonly agrees: boolean;
}

/** A rule that the packet met. */
export interface RealStep {
  /** `ip ledgerproxy`. */
  readonly table: string;
  readonly chain: string;
  /** `rule 12` where its text is not known, `policy` at the end of a base chain. */
  readonly rule: string;
  /** `accept`, `jump services`. */
  readonly verdict: string;
  /** What the rule found, as far as the packet's destination shows it; empty for other programs' rules. */
  readonly found: readonly FoundElement[];
  /** Whether the rules at the position have it there; always true for other programs' rules. */
  readonly expected: boolean;
}

/** The path of `met`, which is `packet`, beside the rules of `past`. Throws NotRecorded where the ledger does not hold them. */
export function realPath(past: PastState, packet: Packet, met: MetPacket): RealPath {
  const { node, at, steps: modelled, outcomes } = pathOf(past, packet);
  const outcome = outcomeOf(packet, met);
  const family = familyOf(packet.source);
  const ours = `${family} ${kernelTable(past.state.config.serviceProxyName)}`;
  const known = ruleTexts(past, family);
  const steps = met.events.filter((event) => isShown(event, ours)).map((event): RealStep => {
    const { table, ...step } = stepOf(event);
    if (table !== ours) return { table, ...step, found: [], expected: true };
    const same = modelled.filter(({ chain, rule }) => chain === event.chain && rule === event.rule);
    return {
      table,
      ...step,
      found: foundBy(same, outcome),
      expected: known.has(`${event.chain}: ${event.rule}`),
    };
  });
  const agrees = steps.every(({ expected }) => expected) && outcomes.some((one) => isSame(one, outcome));
  return { packet, node, at, steps, outcome, expected: outcomes, agrees };
}

/** Each rule of our table as `chain: rule`. A client that affinity pins takes rules that are on no way of the model. */
function ruleTexts(past: PastState, family: Family): ReadonlySet<string> {
  const { tables, desired } = wholeRules(past);
  const table = assembled({ tables, elements: desired }).tables.find((table) => table.family === family);
  const chains = table?.chains ?? [];
  return new Set(
    chains.flatMap(({ name, rules }) => rules.map((rule) => `${name}: ${ruleText(family, rule)}`)),
  );
}

/** Our own policies and ends of chains decide nothing. */
function isShown({ kind, family, table }: MetRule, ours: string): boolean {
  return kind === "rule" || kind === "policy" && `${family} ${table}` !== ours;
}

function stepOf({ kind, family, table, chain, rule, handle, verdict }: MetRule) {
  return {
    table: `${family} ${table}`,
    chain,
    rule: kind === "policy" ? "policy" : rule ?? `rule ${handle}`,
    verdict: typeof verdict === "number" ? `verdict ${verdict}` : verdictText(verdict),
  };
}

/** What the rule found: where it may find several endpoints, the one that the packet went to. */
function foundBy(steps: readonly PathStep[], { destination, port }: RealOutcome): readonly FoundElement[] {
  const all = steps.flatMap(({ found }) => found);
  const met = all.filter(({ value = "" }) => {
    const [address, last] = concatenationParts(value);
    return address === destination && last === String(port);
  });
  return met.length > 0 ? met : all;
}

function outcomeOf({ source, destination, port }: Packet, { events, final }: MetPacket): RealOutcome {
  if (final !== undefined) {
    const masqueraded = final.source !== source;
    return { kind: "deliver", destination: final.destination, port: final.port, masqueraded };
  }
  return { kind: endOf(events.at(-1)), destination, port, masqueraded: false };
}

/** How the packet ended at `last`. The kernel reports a rejection as a drop. */
function endOf(last: MetRule | undefined): RealOutcome["kind"] {
  if (last === undefined || typeof last.verdict === "number" || last.verdict.kind !== "drop") return "lost";
  const reject = /\breject\b( with tcp reset)?/.exec(last.rule ?? "");
  if (reject === null) return "drop";
  return reject[1] === undefined ? "port-unreachable" : "tcp-reset";
}

function isSame(one: Outcome, real: RealOutcome): boolean {
  if (one.kind !== real.kind) return false;
  return one.kind !== "deliver" ||
    one.destination === real.destination && one.port === real.port && one.masqueraded === real.masqueraded;
}
