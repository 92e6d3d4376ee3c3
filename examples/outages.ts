// Prints when a packet reached no endpoint, for how long, and which events began and ended that.
//
//   deno run --allow-read examples/outages.ts LEDGER SOURCE ADDRESS:PORT/PROTO

import { openLedger, type PacketFlip, parseExpectation, readPacket } from "../mod.ts";

const [folder, source, target] = Deno.args;
if (folder === undefined || source === undefined || target === undefined) {
  throw new Error("usage: outages.ts LEDGER SOURCE ADDRESS:PORT/PROTO");
}
const packet = readPacket(source, target);
if (typeof packet === "string") throw new Error(packet);
const expected = parseExpectation(packet, "endpoint");
if (typeof expected === "string") throw new Error(expected);

const ledger = openLedger(folder);
const oldest = { kind: "offset", offset: ledger.first() } as const;
let served = false;
let began: PacketFlip | undefined;
for (const flip of ledger.flips(oldest, "HEAD", { packet, expected })) {
  if (began !== undefined) console.log(describeOutage(began, flip));
  // An outage begins only after the packet has been served once.
  began = served && !flip.holds ? flip : undefined;
  served ||= flip.holds;
}
if (began !== undefined) console.log(describeOutage(began, undefined));

function describeOutage(from: PacketFlip, to: PacketFlip | undefined): string {
  const began = `${from.commit.time} @${from.commit.offset} by ${from.cause.what}`;
  if (to === undefined) return `out since ${began}`;
  const seconds = (Date.parse(to.commit.time) - Date.parse(from.commit.time)) / 1000;
  return `out for ${seconds.toFixed(1)} s from ${began} to @${to.commit.offset} by ${to.cause.what}`;
}
