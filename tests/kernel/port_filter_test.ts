// The filter's instructions, and that the kernel drops by them.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import { NFNLGRP_NFTABLES } from "../../src/kernel/nf_tables.ts";
import { portFilter } from "../../src/kernel/port_filter.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

Deno.test("it compares the port with the bytes that a message has at offset 12, and drops what is equal", () => {
  const view = portFilter(0x01020304);
  const lines = Array.from({ length: view.byteLength / 8 }, (_, i) => {
    const [code, ifTrue, ifFalse] = [
      view.getUint16(8 * i, true),
      view.getUint8(8 * i + 2),
      view.getUint8(8 * i + 3),
    ];
    return [code, ifTrue, ifFalse, view.getUint32(8 * i + 4, true)];
  });
  assert.deepEqual(lines, [[0x20, 0, 0, 12], [0x15, 0, 1, 0x04030201], [6, 0, 0, 0], [6, 0, 0, 0xffffffff]]);
});

Deno.test("a socket receives what other ports do, and those of the port again once the filter is off", () => {
  using kernel = new NetlinkKernel();
  using socket = new NetlinkSocket(NFNLGRP_NFTABLES);
  const commit = (verb: "add" | "delete") =>
    kernel.commit([{ verb, noun: "table", family: "ip", table: "ours" }]);
  const received = () => {
    let count = 0;
    while (socket.receive(false) !== undefined) count++;
    return count;
  };
  commit("add");
  commit("delete");
  assert.ok(received() > 0, "without a filter");
  assert.ok(socket.ignore(kernel.port));
  for (let i = 0; i < 3; i++) {
    commit("add");
    commit("delete");
  }
  assert.equal(received(), 0);
  nft(["add", "table", "ip", "theirs"]);
  assert.ok(received() > 0, "of another port");
  assert.ok(socket.ignore(undefined));
  commit("add");
  assert.ok(received() > 0, "the filter is off");
  nft(["flush", "ruleset"]);
});
