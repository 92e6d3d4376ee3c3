// A rehearsal: once the rules of the cluster are in place and the node rests, the process makes a thousand changes of Services that no
// cluster has. The runtime compiles what has run often, so without this the first thousand changes of the cluster would each take longer.
// What is rehearsed is the way of a change from the bytes of a watch to those of a batch and to the lines of the ledger, with parts of its
// own: no byte of it reaches a server, the kernel, the disk or the log.

import { newEngine } from "../engine/engine.ts";
import { perform } from "../engine/executor.ts";
import { runLoop } from "../engine/loop.ts";
import { apiSource } from "../ingest/api_source.ts";
import { isPart } from "../ingest/source.ts";
import { AcceptingSocket } from "../kernel/accepting_socket.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { NEWBORN } from "../ledger/age.ts";
import { genesisChain } from "../ledger/format.ts";
import { newHandoff } from "../ledger/handoff.ts";
import { newLedgerId, RecordEncoder } from "../ledger/record_encoder.ts";
import { type DiskLink, RemoteLedger } from "../ledger/remote_ledger.ts";
import { pause, within } from "../pause.ts";
import type { Settings } from "./config.ts";
import { portsOf } from "./node_ports.ts";
import { RehearsedServer } from "./rehearsed_server.ts";
import { newServed } from "./serving.ts";
import { boundedConfig } from "./start.ts";
import { SyncLines } from "./sync_line.ts";
import { TerminatedConnections } from "./terminated_connections.ts";

/** How many changes are rehearsed. With 400 the first changes of the cluster take a tenth more CPU time, with 3,000 a twentieth. */
const REHEARSED_CHANGES = 1000;
/** How long after the first rules it begins: what a start leaves to do comes first. */
const REST_MILLISECONDS = 3000;
/** Between two changes. One takes 1.5 ms at first and 0.5 ms at the end, so a change of the cluster hardly waits for one. */
const PAUSE_MILLISECONDS = 10;
/** A change that takes longer ends the rehearsal. */
const CHANGE_MILLISECONDS_MAX = 10_000;

/**
 * Rehearses `changes`, once `isAtWork` is false, which is asked every `rest` milliseconds. Returns how many batches the kernel would have
 * got: the first has the rules of the Services, and each change one of its own. Where `signal` aborts there are fewer, and where a change
 * takes too long.
 */
export async function rehearse(
  settings: Settings,
  isAtWork: () => boolean,
  signal: AbortSignal,
  changes = REHEARSED_CHANGES,
  rest = REST_MILLISECONDS,
): Promise<number> {
  do await pause(rest, signal); while (isAtWork() && !signal.aborted);
  if (signal.aborted) return 0;
  const stop = new AbortController();
  const server = new RehearsedServer(settings.node);
  let accepted = Promise.withResolvers<void>();
  using kernel = new NetlinkKernel(undefined, new AcceptingSocket(() => accepted.resolve()));
  const first = kernel.generation();
  // The Services have no label with a name.
  const { serviceProxyName: _, ...proxy } = settings.proxy;
  const running = runProxy({ ...settings, proxy }, server, kernel, stop.signal);
  // It is thrown below.
  running.catch(() => accepted.resolve());
  try {
    for (let change = 1; !signal.aborted; change++) {
      await within(accepted.promise, CHANGE_MILLISECONDS_MAX, signal);
      if (kernel.generation() < first + change || change > changes) break;
      await pause(PAUSE_MILLISECONDS, signal);
      accepted = Promise.withResolvers();
      server.change(change);
    }
  } finally {
    stop.abort();
  }
  await running;
  return kernel.generation() - first;
}

/** Runs the loop as a node does. Without a monitor it never lists the tables, which is the one question that nothing answers. */
async function runProxy(
  settings: Settings,
  server: RehearsedServer,
  kernel: NetlinkKernel,
  signal: AbortSignal,
): Promise<void> {
  const engine = newEngine();
  const served = newServed({ sendEvent() {}, failed() {} }, settings);
  served.engine = engine;
  const lines = new SyncLines();
  const conntrack = { deleteStale: () => [], deleteUnanswered: () => [] };
  const ledger = rehearsedLedger();
  const ports = {
    ...portsOf({ kernel, conntrack, ledger }, served, (report) => {
      // A line is made as seldom as for the log.
      const now = performance.now();
      if (lines.next(report, now) === undefined && lines.pause(now) <= 0) lines.take(now);
    }),
    ledgerChanged() {},
    warn() {},
  };
  perform(engine, ports, {
    kind: "opened",
    ledger: ledger.ledger,
    complete: false,
    othersServe: false,
    flags: [],
  });
  const records = [boundedConfig(settings)];
  perform(engine, ports, { kind: "appended", first: ledger.append(records), records });
  perform(engine, ports, { kind: "listed", ruleset: { tables: [], elements: new Map() }, foreign: "" });
  using terminated = new TerminatedConnections({
    cluster: () => engine.cluster,
    deleteConnections: () => [],
    cut() {},
    failed() {},
  }, undefined);
  await runLoop(engine, ports, apiSource(server, settings.node, false), signal, {
    before(batch) {
      terminated.before(batch);
      if (!isPart(batch)) served.metrics.kubeProxy.noteQueued();
    },
    after(batch) {
      if (!isPart(batch)) terminated.after();
    },
  });
}

/** A new ledger whose disk has written everything at once, and keeps nothing. */
function rehearsedLedger(): RemoteLedger {
  const id = newLedgerId();
  const encoder = new RecordEncoder(id, { next: 0, chain: genesisChain(id) }, NEWBORN);
  let [next, bytes] = [0, 0];
  const link: DiskLink = {
    counters: () => ({ written: next, durable: next, bytes }),
    wait: (reached) => reached(),
    away: undefined,
    isIdle: true,
    post(request) {
      if (request.kind !== "append") return;
      next = request.end.next;
      bytes += request.lines.length;
    },
    now: () => performance.now(),
    reopen() {},
  };
  return new RemoteLedger(newHandoff(encoder, "interval", 0), link);
}
