// What `plan` says of a change, against what happens: random changes of a real API server, which the program follows on a real
// kernel. The program is stopped while the API server stores a change, and `plan` is asked about what is stored. When the program
// goes on, the kernel's elements must be those that `plan` said, and packets must go where it said.
// `deno task plan-campaign [CHANGES] [SEED]` runs it in a network namespace of its own.

import assert from "node:assert/strict";
import fc from "fast-check";
import { arbitraryChange, type Write } from "../support/cluster/arbitrary_change.ts";
import { MARKER, PlanBench } from "../support/cluster/plan_bench.ts";
import { judge, type Said, type Standing } from "../support/cluster/plan_judge.ts";
import { agrees, observe } from "../support/lab/observe.ts";
import { expected } from "../support/scenario/expectation.ts";
import { type Manifest, probeText } from "../support/scenario/scenario.ts";

/** Flags of `run`, one of them by seed. */
const CONFIGS: readonly (readonly string[])[] = [
  ["--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48"],
  ["--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48", "--masquerade-all"],
  [],
];
/** Real packets that are sent after each change. */
const PROBES = 3;

/** What a campaign has seen. */
export interface PlanCampaign {
  /** Changes that the API server stored. */
  readonly changes: number;
  readonly objects: number;
  /** Changes with elements in another slot than said: with several objects at once that depends on the order of their arrival. */
  readonly reordered: number;
  readonly elements: number;
  /** Packets that the tracer sent over the kernel's listing, and real ones. */
  readonly traced: number;
  readonly sent: number;
  /** Changes with exit code 1. */
  readonly unserved: number;
  /** Plans of files as a person writes them: of new Services, and of known ones. */
  readonly unallocated: number;
  readonly written: number;
}

/** A campaign that runs: its count, and differences as text. */
class Campaign {
  readonly seen = {
    ...{ changes: 0, objects: 0, reordered: 0, elements: 0, traced: 0, sent: 0, unserved: 0 },
    ...{ unallocated: 0, written: 0 },
  };
  readonly faults: string[] = [];

  constructor(readonly bench: PlanBench) {}
}

/** Makes `changes` random changes, and compares each with what `plan` said. Throws with all differences. */
export async function runPlanCampaign(
  changes: number,
  seed: number,
  report: (text: string) => void,
): Promise<PlanCampaign> {
  await using bench = await PlanBench.start(CONFIGS[seed % CONFIGS.length]!);
  const campaign = new Campaign(bench);
  let before = await bench.settled();
  // Some are refused by the API server, or change nothing.
  const drawn = fc.sample(arbitraryChange, { numRuns: 3 * changes, seed });
  for (const change of drawn) {
    if (campaign.seen.changes === changes) break;
    before = await play(campaign, change, before);
    if (campaign.seen.changes % 50 === 0) report(JSON.stringify(campaign.seen));
  }
  assert.deepEqual(campaign.faults, []);
  assert.equal(campaign.seen.changes, changes, "too many changes were refused");
  return campaign.seen;
}

async function play(campaign: Campaign, change: readonly Write[], before: Standing): Promise<Standing> {
  const { bench } = campaign;
  bench.stop();
  const stored = await storeAll(bench, change);
  const held = await bench.standing();
  const find = ({ metadata: { name }, kind }: Manifest, { objects }: Standing) =>
    objects.find((one) => one.kind === kind && one.metadata.name === name);
  const applied = stored.written.map((manifest) => find(manifest, held)!);
  const deleted = stored.deleted.flatMap((manifest) => find(manifest, before) ?? []);
  if (applied.length + deleted.length === 0) {
    bench.goOn();
    return before;
  }
  const said = await bench.plan(applied, deleted);
  await noting(campaign, () => compareWritten(campaign, stored.written, before, held, said));
  await bench.mark();
  bench.goOn();
  const after = await bench.settled();
  const text = JSON.stringify({ change, applied, deleted });
  await noting(
    campaign,
    () => compare(campaign, { before, after, said }, applied.length + deleted.length, text),
  );
  return after;
}

/** Notes what is different, and goes on: the next change is judged by the rules that are there. */
async function noting(campaign: Campaign, compared: () => void | Promise<void>): Promise<void> {
  try {
    await compared();
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    campaign.faults.push(error.message);
  }
}

function compare(
  campaign: Campaign,
  { before, after, said }: { before: Standing; after: Standing; said: Said },
  objects: number,
  change: string,
): void {
  campaign.seen.changes++;
  campaign.seen.objects += objects;
  const text = () => `${change}; ${JSON.stringify(said)}`;
  const { reordered, packets, probes } = judge(before, after, said, MARKER, objects > 1, text);
  campaign.seen.reordered += reordered ? 1 : 0;
  campaign.seen.elements += said.elements.length;
  campaign.seen.traced += packets;
  campaign.seen.unserved += said.code;
  for (const probe of probes.slice(0, PROBES)) {
    const expectation = expected(after.ruleset, probe);
    const observed = observe(campaign.bench.lab, probe, expectation);
    campaign.seen.sent++;
    assert.ok(
      agrees(observed, expectation),
      `${probeText(probe)}: ${observed} instead of ${expectation.observations}; ${text()}`,
    );
  }
}

async function storeAll(bench: PlanBench, change: readonly Write[]) {
  const written: Manifest[] = [];
  const deleted: Manifest[] = [];
  for (const write of change) {
    const done = await bench.store(write);
    if (done === undefined) continue;
    if (done !== "deleted") written.push(done);
    else if (write.kind === "delete") deleted.push({ kind: write.of, metadata: { name: write.name } });
  }
  return { written, deleted };
}

/** Files as a person writes them: what is allocated is unknown of a new Service, and stays as it is of a known one. */
async function compareWritten(
  campaign: Campaign,
  [manifest, ...others]: readonly Manifest[],
  before: Standing,
  held: Standing,
  said: Said,
): Promise<void> {
  if (others.length > 0 || said.objects.length !== 1 || manifest?.kind !== "Service") return;
  const of = ({ objects }: Standing) =>
    objects.find(({ kind, metadata }) => kind === "Service" && metadata.name === manifest.metadata.name);
  const [old, stored] = [of(before), of(held)!];
  // The source asks for no headless Services, nor for those of another proxy: the node knows none of them.
  if (old !== undefined && specOf(old).clusterIP === "None") return;
  const known = old?.metadata.labels === undefined ? old : undefined;
  // That a balancer wants no NodePorts is not read: it decides no rule.
  if (specOf(manifest).allocateLoadBalancerNodePorts === false) return;
  const asked = await campaign.bench.plan([manifest]);
  const expected = toBeAllocated(manifest, stored, known);
  // It may be that the Service keeps to have none.
  const unknown = asked.unknown.filter((text) => text.includes("allocated"))
    .map((text) => text.replace(/, unless its allocateLoadBalancerNodePorts .*/, ""));
  const text = JSON.stringify({ manifest, known, stored, asked, said }, null, 1);
  assert.deepEqual(asked.refused, [], text);
  assert.deepEqual(unknown, expected, text);
  if (known === undefined) campaign.seen.unallocated++;
  if (known === undefined || expected.length > 0) return;
  campaign.seen.written++;
  // A controller writes the status.
  if (JSON.stringify(stored.status) === JSON.stringify(known.status)) {
    assert.deepEqual(asked.elements, said.elements, text);
  }
}

interface ServiceSpec {
  readonly type?: string;
  readonly ipFamilyPolicy?: string;
  readonly ipFamilies?: readonly string[];
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ports?: readonly { readonly nodePort?: number }[];
  readonly allocateLoadBalancerNodePorts?: boolean;
}

function specOf(manifest: Manifest): ServiceSpec {
  return manifest["spec"] as ServiceSpec;
}

/** What `plan` has to call unknown of `manifest`, which the API server stored as `stored` where it had `known`. */
function toBeAllocated(manifest: Manifest, stored: Manifest, known: Manifest | undefined): string[] {
  const name = `shop/${manifest.metadata.name}`;
  const [wrote, has, had] = [specOf(manifest), specOf(stored), known && specOf(known)];
  if (!has.clusterIP || has.clusterIP === "None") return [];
  const numbers = new Set((had?.ports ?? []).flatMap(({ nodePort = 0 }) => nodePort));
  const isNew = has.ports!.some(({ nodePort = 0 }, i) =>
    nodePort > 0 && !wrote.ports![i]!.nodePort && !numbers.has(nodePort)
  );
  const kept = wrote.clusterIPs ?? had?.clusterIPs ?? [];
  const families = wrote.ipFamilies ?? had?.ipFamilies ?? [];
  const isDual = wrote.ipFamilyPolicy === "RequireDualStack" || families.length === 2;
  const gets = (unknown: boolean, what: string) => unknown ? [`${name}: ${what} to be allocated`] : [];
  return [
    ...gets(kept.length === 0, isDual ? "its cluster IPs are" : "its cluster IP is"),
    ...gets(kept.length === 1 && isDual, "its second cluster IP is"),
    ...(wrote.ipFamilyPolicy === "PreferDualStack" && !isDual && kept.length < 2
      ? [`${name}: a second cluster IP is to be allocated where the cluster has two families`]
      : []),
    ...gets(isNew, "a NodePort is"),
    ...gets(
      has.type === "LoadBalancer" && had?.type !== "LoadBalancer",
      "the addresses of its load balancer are",
    ),
  ];
}

if (import.meta.main) {
  const changes = Number(Deno.args[0] ?? 200);
  const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}, run ${CONFIGS[seed % CONFIGS.length]!.join(" ")}`);
  console.log(
    JSON.stringify(await runPlanCampaign(changes, seed, (text) => console.log(text))),
    "no difference",
  );
}
