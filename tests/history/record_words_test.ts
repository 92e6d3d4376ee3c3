// Records and changes as text.

import assert from "node:assert/strict";
import {
  changeText,
  describeRecord,
  driftText,
  foldedText,
  recordText,
} from "../../src/history/record_words.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { timeAt } from "../support/past.ts";

Deno.test("the records that a commit folded are a range; one of what a step made may have folded none", () => {
  assert.equal(foldedText({ from: 10, through: 12 }), "@10 to @12");
  assert.equal(foldedText({ from: 12, through: 11 }), "no further record");
});

Deno.test("a record is described by its object, or by its kind", () => {
  assert.equal(describeRecord(appears(service("shop/web 10.96.0.1 http:80/tcp"))), "Service shop/web");
  assert.equal(
    describeRecord(vanishes(slice("shop/web-a http:80/tcp 10.244.0.1"))),
    "EndpointSlice shop/web-a (deleted)",
  );
  assert.equal(describeRecord({ kind: "gap", time: timeAt(0), reason: "ENOSPC", records: 1 }), "gap");
});

Deno.test("the text of a gap is its reason, and how many records are missing", () => {
  const gap = { kind: "gap", time: timeAt(0), reason: "ENOSPC" } as const;
  assert.equal(recordText({ ...gap, records: 3 }), "gap of 3 records: ENOSPC");
  assert.equal(recordText({ ...gap, records: 0 }), "ENOSPC");
});

Deno.test("a change has its sign, its element, its ServicePort and its cause", () => {
  const change = { set: "ip ledgerproxy endpoints", key: "10.96.0.1 . tcp . 80 . 0", cause: 12 };
  assert.equal(
    changeText({ verb: "add", ...change, value: "10.244.0.1 . 8080", comment: "shop/web:http" }),
    "+ ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.244.0.1 . 8080 }  shop/web:http  by @12",
  );
  assert.equal(
    changeText({ verb: "delete", ...change }),
    "- ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . 0 }  by @12",
  );
});

Deno.test("drift has the name of its program where the kernel gave one", () => {
  const drift = {
    kind: "drift",
    time: timeAt(0),
    pid: 7,
    changes: ["a", "b"],
    response: "put back",
  } as const;
  assert.equal(driftText({ ...drift, process: "nft" }), "nft (process 7): a, b; put back");
  assert.equal(driftText({ ...drift, process: "" }), "an unknown program (process 7): a, b; put back");
  assert.equal(recordText({ ...drift, process: "nft" }), "drift: nft (process 7): a, b; put back");
});
