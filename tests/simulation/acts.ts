// The acts of the world: what changes in the cluster, the server, the node and the kernel from time to time.

import { keyOf, someObject, undecodable } from "./cluster.ts";
import { Killed, type World } from "./world.ts";

/** One act. */
export function act(world: World): void {
  const what = world.chance.pick(ACTS);
  const waits = (CHANGES.has(what) && isAhead(world)) || (ENDS.has(what) && world.outlives);
  if (!waits) what(world);
  const { process, chance, disk } = world;
  if (process !== undefined && process.synced && chance.once(4)) disk.noteDurable();
  world.server.connections.changed(world.now);
}

const ACTS: readonly ((world: World) => void)[] = [
  change,
  change,
  change,
  change,
  change,
  change,
  change,
  change,
  compact,
  resetConnections,
  resetConnections,
  deaden,
  ({ cluster }) => cluster.backUp(),
  restore,
  empty,
  refill,
  refill,
  spoil,
  steal,
  steal,
  stealUnseen,
  stealAndCommit,
  loseMessages,
  refuse,
  shrink,
  failDisk,
  hangDisk,
  hangDisk,
  endWriter,
  loseMessage,
  ({ disk }) => disk.mend(),
  ({ process }) => process?.snapshot(),
  endProcess,
  cutPower,
  replaceDisk,
];

/** Acts that give the cluster another version. */
const CHANGES: ReadonlySet<(world: World) => void> = new Set([change, empty, refill, spoil]);

/** Acts that end the process. */
const ENDS: ReadonlySet<(world: World) => void> = new Set([
  stealUnseen,
  stealAndCommit,
  endProcess,
  cutPower,
  replaceDisk,
]);

/**
 * Whether the program has a version that the server lost in a restore. Once the server's versions are beyond it, no client
 * can notice the loss, and client-go cannot either. That is why etcd's restore has an option to raise the revision.
 */
function isAhead({ process, cluster }: World): boolean {
  return process !== undefined && process.client.newest() > cluster.version;
}

/** Objects are created, changed and deleted. */
function change({ cluster, chance, size }: World): void {
  for (let i = chance.below(4); i >= 0; i--) {
    const object = someObject(chance, chance.below(size));
    if (chance.once(5)) cluster.remove(keyOf(object));
    else cluster.put(object);
  }
}

function compact(world: World): void {
  world.cluster.compact();
  world.counts.fired("history compacted");
}

/** Every connection is reset. If the history is compacted as well, the program must list again. */
function resetConnections(world: World): void {
  if (!world.server.connections.reset(world.now)) return;
  world.counts.fired("all connections reset");
  if (world.chance.once(2)) compact(world);
}

function deaden(world: World): void {
  if (world.deaden()) world.counts.fired("dead connection");
}

/** The server is restored from its backup, and its watches end. */
function restore(world: World): void {
  if (!world.cluster.restore()) return;
  world.server.connections.reset(world.now);
  world.counts.fired("versions go back after a restore");
}

/** All Services and slices are deleted; half the time no watch reports it. */
function empty(world: World): void {
  const { cluster, server, chance } = world;
  for (const [key, { kind }] of [...cluster.objects]) {
    if (kind === "Service" || kind === "EndpointSlice") cluster.remove(key);
  }
  world.counts.fired("cluster emptied");
  if (chance.once(2)) return;
  cluster.compact();
  server.connections.reset(world.now);
}

function refill(world: World): void {
  world.refill(world.size);
}

/** An object gets a value that no program can decode. */
function spoil(world: World): void {
  const { cluster, chance, counts } = world;
  const own = [...cluster.objects.values()].filter(({ kind }) =>
    kind === "Service" || kind === "EndpointSlice"
  );
  if (own.length === 0) return;
  cluster.put(undecodable(chance.pick(own)));
  counts.fired("undecodable object");
}

function steal(world: World): void {
  if (!world.kernel.disturb(world.chance, false)) return;
  world.noteDisturbed();
  world.counts.fired("drift by another program");
}

function loseMessages(world: World): void {
  if (!world.kernel.disturb(world.chance, true)) return;
  world.noteDisturbed();
  world.counts.fired("monitor loses messages");
}

/** The program ends, and before its next start another program changes our tables. */
function stealUnseen(world: World): void {
  world.end(false);
  if (!world.kernel.disturb(world.chance, false)) return;
  world.noteDisturbed();
  world.counts.fired("drift while no program listens");
}

/**
 * Another program changes our tables, and ours commits a change of the cluster and ends before it has asked its monitor: the
 * generation of its last commit is the kernel's, and the rules are not whole.
 */
function stealAndCommit(world: World): void {
  if (world.process === undefined || !world.kernel.disturb(world.chance, false)) return;
  world.noteDisturbed();
  change(world);
  world.endSoon();
}

function refuse(world: World): void {
  world.kernel.refusals = 1 + world.chance.below(6);
  world.counts.fired("kernel refuses");
}

/** The kernel takes small batches only, or batches of any size again. */
function shrink({ kernel, chance, counts }: World): void {
  kernel.most = chance.once(2) ? Infinity : chance.between(4, 30);
  if (kernel.most < Infinity) counts.fired("kernel takes only small batches");
}

function failDisk(world: World): void {
  world.disk.fail(world.chance);
  world.counts.fired("disk fails");
}

/** The disk answers no call for a while, perhaps while the program starts. */
function hangDisk(world: World): void {
  world.disk.hangsUntil = world.now + world.chance.between(100, 20_000);
  world.disk.troubled = true;
  world.counts.fired("disk hangs");
  if (world.chance.once(3) && !world.outlives) world.end(false);
}

function endWriter(world: World): void {
  if (world.process?.writer === undefined) return;
  world.disk.troubled = true;
  world.process.writer.die();
  world.disk.unlock();
  world.counts.fired("ledger's writer ends");
}

function loseMessage(world: World): void {
  // A change makes some.
  if (world.process?.writer?.loseMessage() !== true) return;
  world.disk.troubled = true;
  world.counts.fired("message to the ledger's writer lost");
}

function endProcess(world: World): void {
  if (world.process === undefined) return;
  world.process.writer?.close();
  world.counts.fired("end of the process");
  throw new Killed();
}

function cutPower(world: World): void {
  world.end(true);
  world.counts.fired("power cut");
}

function replaceDisk(world: World): void {
  world.replaceDisk();
  world.counts.fired("disk replaced by an empty one");
}
