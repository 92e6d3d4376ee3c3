/**
 * ledgerproxy as a library: read a ledger, fold it into the ruleset it stands for, print that ruleset, try it in a kernel
 * in memory, trace a packet through it.
 * The program itself is `src/cli/main.ts`.
 *
 * @module
 */
export { type Outcome, type Packet, type Trace, trace, type TraceStep } from "./src/history/trace.ts";
export type { Found, Step } from "./src/history/packet_walk.ts";
export { DEFAULT_PROXY_CONFIG, type DetectLocal, type ProxyConfig } from "./src/kube/proxy_config.ts";
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
export { type Placed, readLedger, verifyLedger } from "./src/ledger/reader.ts";
export type { CommitRecord, CommittedChange, ConfigRecord, DriftRecord } from "./src/ledger/record.ts";
export type { EventRecord, GapRecord, LedgerRecord, Offset } from "./src/ledger/record.ts";
export type { LedgerEnd, TornTail } from "./src/ledger/segment.ts";
export { type AppendFile, folderStorage, type Storage } from "./src/ledger/storage.ts";
export { rulesetText } from "./src/nft/text.ts";
export type { Chain, Container, Element, ElementKey, Elements, Hook } from "./src/nft/ruleset.ts";
export type { MapDefinition, Ruleset, SetDefinition, SetPath, Table } from "./src/nft/ruleset.ts";
export type { Address, DataType, Family, Protocol } from "./src/nft/data_type.ts";
export type { Numgen, Rule, Selector, Statement, Verdict } from "./src/nft/statement.ts";
export { readWatchRecording } from "./src/ingest/watch_recording.ts";
export { FakeKernel } from "./src/kernel/fake_kernel.ts";
export type { CommitReceipt, FoundTable, Kernel, TableName } from "./src/kernel/kernel.ts";
export type { Operation, TableFlag, Transaction } from "./src/nft/transaction.ts";
