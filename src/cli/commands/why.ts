// `ledgerproxy why SRC DST:PORT/PROTO`: where the first packet of a connection goes, and which rule, Service, endpoint
// and event made it so. Reads a source or a ledger; touches neither the kernel nor the ledger.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { emptyState } from "../../fold/cluster_state.ts";
import { type Found } from "../../history/packet_walk.ts";
import type { Packet, Trace, TraceStep } from "../../history/trace.ts";
import { relist } from "../../ingest/relist.ts";
import { familyOf } from "../../kube/address.ts";
import type { LedgerRecord, Offset } from "../../ledger/record.ts";
import { setPath } from "../../nft/ruleset.ts";
import { elementText, endpointText } from "../../nft/text.ts";
import { foldRecord } from "../../fold/fold.ts";
import { type Belief, beliefAt, type Cause, causeOf, existingLedger, offsetAt } from "../ledger_history.ts";
import { log } from "../../node/log.ts";
import type { PositionArgument } from "../position_argument.ts";
import { type ConfigOptions, settings } from "../../node/config.ts";
import { configRecord } from "../../node/start.ts";
import { outcomeText, rivals } from "../../history/packet_words.ts";
import { parsePacket, traceAt } from "../packet.ts";
import { apiClient, openSource } from "../../node/sources.ts";
import { TABLE } from "../../fold/skeleton.ts";
import { UsageError } from "../../node/usage_error.ts";

/** Flags of `why`. */
export interface WhyOptions extends ConfigOptions {
  readonly at?: PositionArgument;
  readonly interface?: string;
  readonly json?: boolean;
}

/** Prints the trace of a packet from `source` to `target`; returns the exit code. */
export async function why(source: string, target: string, options: WhyOptions): Promise<number> {
  const packet = parsePacket(source, target, options.interface);
  const belief = await believe(options);
  const traced = traceAt(belief.state, packet);
  if (options.json) printWhy(packet, traced, belief);
  else printLines(textOf(packet, traced, belief));
  return 0;
}

async function believe(options: WhyOptions): Promise<Belief> {
  const live = options.source ?? options.kubeconfig;
  if ((live === undefined) === (options.ledger === undefined)) {
    throw new UsageError(
      "give either --ledger DIR or --source PATH (or --kubeconfig FILE): what the answer is to be taken from",
    );
  }
  if (options.ledger !== undefined) {
    const storage = existingLedger(options.ledger);
    return beliefAt(storage, offsetAt(storage, options.at));
  }
  const records: LedgerRecord[] = [];
  const belief: Belief = { state: emptyState(), record: (offset) => records[offset] };
  if (options.at !== undefined) {
    throw new UsageError("--at needs --ledger: a source has one moment, now");
  }
  const take = (record: LedgerRecord) => foldRecord(belief.state, records.push(record) - 1 as Offset, record);
  const inForce = settings(options);
  take(configRecord(inForce));
  for await (
    const batch of openSource(inForce, true, apiClient(inForce)).batches(
      new AbortController().signal,
    )
  ) {
    for (const problem of batch.problems) log.warn(problem);
    const events = batch.kind === "events"
      ? batch.events
      : relist(belief.state.objects, batch.objects, batch.complete, batch.time, batch.kinds);
    for (const event of events) take({ kind: "event", ...event });
  }
  return belief;
}

function causeOfFound(packet: Packet, { set, element }: Found, belief: Belief): Cause | undefined {
  return causeOf(belief, setPath(familyOf(packet.destination), TABLE, set), element.key);
}

function textOf(
  packet: Packet,
  { steps, outcomes }: Trace,
  belief: Belief,
): string[] {
  const { state } = belief;
  const node = state.node.name === "" ? "this node" : `node ${state.node.name}`;
  const target = `${endpointText(packet.destination, packet.port)}/${packet.protocol}`;
  const lines = [`${packet.source} -> ${target} on ${node} at @${state.folded}`, ""];
  let hook = "";
  for (const step of steps) {
    const here = `${step.hook}, priority ${step.priority}`;
    if (here !== hook) lines.push(here);
    hook = here;
    lines.push(`  ${step.chain}: ${step.rule}`, ...foundLines(packet, step, belief));
  }
  if (steps.length > 0) lines.push("");
  const results = outcomes.map((outcome) => outcomeText(packet, outcome));
  return [...lines, ...results, ...rivals(packet, steps, state)];
}

function foundLines(packet: Packet, { found }: TraceStep, belief: Belief): string[] {
  return found.map((one) => {
    const cause = causeOfFound(packet, one, belief);
    const by = cause === undefined ? "" : `   by @${cause.offset} ${cause.what}`;
    return `      @${one.set} { ${elementText(one.element)} }${by}`;
  });
}

function printWhy(packet: Packet, { steps, outcomes }: Trace, belief: Belief): void {
  const { state } = belief;
  const caused = steps.map(({ hook, priority, chain, rule, found }) => ({
    hook,
    priority,
    chain,
    rule,
    found: found.map((one) => {
      const { key, value, comment } = one.element;
      return { set: one.set, key, value, comment, cause: causeOfFound(packet, one, belief) };
    }),
  }));
  const { folded: at, node: { name: node } } = state;
  printJson("why/1", { packet, node, at, steps: caused, outcomes, rivals: rivals(packet, steps, state) });
}
