// A wait on another thread: for what has arrived before it and after it, and until it is ended.

import assert from "node:assert/strict";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import { NFNLGRP_NFTABLES } from "../../src/kernel/nf_tables.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

Deno.test("each wait ends once, when something arrives or at once where it has, and none is left at the end", async () => {
  using socket = new NetlinkSocket(NFNLGRP_NFTABLES);
  let calls = 0;
  await using wait = socket.wait(() => calls++);
  assert.ok(wait.arm() && wait.arm(), "twice is once");
  nft(["add", "table", "ip", "theirs"]);
  await until("it arrived", () => calls === 1);
  assert.ok(wait.arm());
  await until("it is there still", () => calls === 2);
  while (socket.receive(false) !== undefined);
  assert.ok(wait.arm());
  nft(["delete", "table", "ip", "theirs"]);
  await until("the next one arrived", () => calls === 3);
  while (socket.receive(false) !== undefined);
  // This one ends with the test: else the event loop would not end.
  assert.ok(wait.arm());
});

Deno.test("a wait goes on while the socket leaves its group and joins it again, and an ended one waits for nothing", async () => {
  using socket = new NetlinkSocket(NFNLGRP_NFTABLES);
  let calls = 0;
  const wait = socket.wait(() => calls++);
  assert.ok(wait.arm());
  socket.leave(NFNLGRP_NFTABLES);
  nft(["add", "table", "ip", "theirs"]);
  socket.join(NFNLGRP_NFTABLES);
  nft(["flush", "ruleset"]);
  await until("the second change arrived", () => calls === 1);
  assert.ok(wait.arm());
  await wait[Symbol.asyncDispose]();
  assert.equal(wait.arm(), false);
  assert.equal(calls, 1);
});
