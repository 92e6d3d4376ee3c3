/**
 * ledgerproxy as a library. It asks a ledger all that the commands ask. It folds a ledger into a ruleset, prints the ruleset,
 * commits it to a kernel in memory, and traces a packet through it. The program itself is `src/cli/main.ts`.
 *
 * The packages that it needs are in `deno.json` beside it. A program in another folder names that file:
 * `deno run --config CHECKOUT/deno.json --allow-read PROGRAM`. Names of recordings below are those of the checkout.
 *
 * @example Where did a packet go at a position?
 * ```ts
 * import { openLedger, pathLines, readPacket } from "./mod.ts";
 *
 * const packet = readPacket("10.244.0.5", "10.96.0.10:53/udp");
 * if (typeof packet === "string") throw new Error(packet);
 * const path = openLedger("fixtures/recordings/evening").why(packet, "@52");
 * console.log(pathLines(path).at(-1));
 * // to 10.244.1.10:53
 * ```
 *
 * @example Which record put an endpoint there?
 * ```ts
 * import { openLedger } from "./mod.ts";
 *
 * const [element] = openLedger("fixtures/recordings/evening").blame("10.244.1.10", "@61");
 * console.log(element?.comment, element?.cause?.what);
 * // kube-system/kube-dns:dns EndpointSlice kube-system/kube-dns-gl9lr
 * ```
 *
 * @example What changed between two positions, and why?
 * ```ts
 * import { openLedger } from "./mod.ts";
 *
 * const changes = openLedger("fixtures/recordings/evening").diff("@60", "@61");
 * console.log(changes.length, "elements, the first by", changes[0]?.cause?.what);
 * // 12 elements, the first by EndpointSlice kube-system/kube-dns-gl9lr
 * ```
 *
 * @module
 */
export { isLedgerNotFound, LedgerNotFound, openLedger } from "./src/library/open_ledger.ts";
export type { AskedRange, History, PastRules, PositionLike } from "./src/history/history.ts";
export type { EndpointState, FrontendState, ServiceState } from "./src/history/services.ts";
export type { ListedEndpoint } from "./src/history/services_about.ts";
export { endpointsLines, serviceLines, servicesLines } from "./src/history/services_words.ts";
export type { Finding, NodeState, Severity } from "./src/history/status.ts";
export { statusLines } from "./src/history/status_words.ts";
export type { Outage, RulesMoment } from "./src/history/outages.ts";
export { outagesLines } from "./src/history/outages_words.ts";
export type { Latency, Stage, StageLatency, WorstLatency } from "./src/history/change_latency.ts";
export { latencyLines } from "./src/history/change_latency_words.ts";
export type { BusyService, FlappingEndpoint, SlowCommit, Top } from "./src/history/top.ts";
export type { CountedConnections, CountedService } from "./src/history/counted_connections.ts";
export { topLines } from "./src/history/top_words.ts";
export type { EndpointConnections, PlacedConnection, TrackedConnection } from "./src/history/connections.ts";
export { connectionsLines } from "./src/history/connections_words.ts";
export type { LoggedChange } from "./src/history/changes_log.ts";
export { loggedLines } from "./src/history/changes_log_words.ts";
export type { JournalCommit, JournalEntry, WaitedEvent } from "./src/history/journal.ts";
export type { ServiceCondition } from "./src/history/service_condition.ts";
export type { EndpointChange, FieldChange, Readiness } from "./src/history/object_diff.ts";
export { isNotRecorded, isWrongPosition, NotRecorded, WrongPosition } from "./src/history/past.ts";
export { parsePosition, type PositionExpression } from "./src/history/position_expression.ts";
export type { ReaderClock } from "./src/history/time_expression.ts";
export { WrongName } from "./src/history/names.ts";
export type { Cause, CommitPlace, PlacedCommit } from "./src/history/cause.ts";
export { causeText } from "./src/history/cause_words.ts";
export { changeText, describeRecord, type TimeText } from "./src/history/record_words.ts";
export { recordLines } from "./src/history/log_words.ts";
export type { BlamedElement } from "./src/history/blame.ts";
export { blameLines } from "./src/history/blame_words.ts";
export { type ElementDifference, type Side, sideOfKernel } from "./src/history/diff.ts";
export { differenceLines } from "./src/history/diff_words.ts";
export type { ShownPosition, Uncommitted } from "./src/history/show.ts";
export { positionLines } from "./src/history/show_words.ts";
export type { FoundElement, PacketPath, PathStep } from "./src/history/why.ts";
export { pathLines } from "./src/history/why_words.ts";
export { outcomeText, readPacket } from "./src/history/packet_words.ts";
export type { JournalCause } from "./src/history/outages.ts";
export {
  type BisectAnswer,
  type Expectation,
  parseExpectation,
  type Unchanged,
} from "./src/history/packet_bisect.ts";
export type { NotBounded, PacketCondition, PacketFlip, PlacedDrift } from "./src/history/packet_bisect.ts";
export { flipLines } from "./src/history/bisect_words.ts";
export type { ReplayDifference, ReplayResult, ReplayStep } from "./src/history/replay_part.ts";
export type { LedgerVerdict, Verifiable } from "./src/history/verify.ts";
export { type Assertion, parseAssertions } from "./src/history/assertion.ts";
export type { Checked } from "./src/history/journal_checks.ts";
export type { Applied, PlanAhead, PlannedElement, PlannedObject } from "./src/history/plan_ahead.ts";
export type { ClientClass } from "./src/history/frontend_packets.ts";
export type { PlannedPacket } from "./src/history/planned_packets.ts";
export type { ServiceManifest } from "./src/kube/service_manifest.ts";
export type { LedgerHead } from "./src/ledger/head.ts";
export { planLines } from "./src/history/plan_ahead_words.ts";
export type { AuditedAction, AuditEntry, AuditEvidence } from "./src/history/audit.ts";
export { verdictLines } from "./src/history/verify_words.ts";
export { type Looked, type Outcome, type Packet, type Trace, trace } from "./src/history/trace.ts";
export type { TraceStep } from "./src/history/trace.ts";
export type { SetElement, Step } from "./src/history/packet_walk.ts";
export { DEFAULT_PROXY_CONFIG, type DetectLocal, type ProxyConfig } from "./src/kube/proxy_config.ts";
export { serviceOfComment } from "./src/kube/named_services.ts";
export { rulesetAt } from "./src/fold/ruleset_at.ts";
export type {
  EndpointSlice,
  KubeObject,
  Node,
  ObjectKey,
  Service,
  ServiceCIDR,
  WatchEvent,
} from "./src/kube/objects.ts";
export type { ObjectKind, ObjectMeta, ServicePortSpec, SliceEndpoint } from "./src/kube/objects.ts";
export type { CheckpointSummary } from "./src/ledger/checkpoint_chain.ts";
export type { WitnessSummary } from "./src/history/witness.ts";
export type { Progress } from "./src/ledger/ledger_view.ts";
export type { Search } from "./src/ledger/terms.ts";
export { type Placed, readLedger, verifyLedger } from "./src/ledger/reader.ts";
export type { ApiWriter } from "./src/ledger/writers_file.ts";
export type { CommitRecord, CommittedChange, ConfigRecord, DriftRecord } from "./src/ledger/record.ts";
export type { EventRecord, GapRecord, LedgerRecord, Offset, SalvagedPast } from "./src/ledger/record.ts";
export type { BurstBounds, NamespaceBounds, NodeBounds, ServiceBounds } from "./src/kube/bounds.ts";
export type { LedgerEnd, TornTail } from "./src/ledger/segment.ts";
export { type AppendFile, folderStorage, type Lock, type Storage } from "./src/ledger/storage.ts";
export type { WholeFile } from "./src/ledger/disk_folder.ts";
export { rulesetText } from "./src/nft/text.ts";
export type { Chain, Container, Element, ElementKey, Elements, Hook } from "./src/nft/ruleset.ts";
export type { MapDefinition, Ruleset, SetDefinition, SetPath, Table } from "./src/nft/ruleset.ts";
export type { Address, DataType, Family, Protocol } from "./src/nft/data_type.ts";
export type {
  AddressHash,
  ComparedSelector,
  Hash,
  KeyPart,
  LookupPart,
  Numgen,
  OriginalAddress,
  Rule,
  Selector,
  SourcePrefix,
  Statement,
  Verdict,
} from "./src/nft/statement.ts";
export { readWatchRecording } from "./src/ingest/watch_recording.ts";
export { FakeKernel } from "./src/kernel/fake_kernel.ts";
export type { CommitReceipt, FoundTable, Kernel, ListedPiece, TableName } from "./src/kernel/kernel.ts";
export type { Operation, TableFlag, Transaction } from "./src/nft/transaction.ts";
