// Listing where another program changes tables between two dumps. What the real kernel lists is in netlink_test.ts and parity_test.ts.

import assert from "node:assert/strict";
import { listRuleset } from "../../src/kernel/netlink_listing.ts";
import type { NetlinkMessage } from "../../src/kernel/netlink_reader.ts";
import * as nf from "../../src/kernel/nf_tables.ts";
import { ERRNO, SystemError } from "../../src/kernel/system_error.ts";
import { bytesOf, outcomeOf, writeFields } from "../support/netlink_fields.ts";

const TABLE = { family: "ip", name: "ledgerproxy" } as const;

/** The answer that lists `TABLE`. */
function tableAnswer(): NetlinkMessage {
  const payload = bytesOf((writer) => {
    writer.bytes(new Uint8Array(nf.NFGEN_HEADER_BYTES));
    writeFields(writer, { [nf.NFTA_TABLE.NAME]: new TextEncoder().encode(`${TABLE.name}\0`) });
  });
  return { type: nf.MSG.NEWTABLE, flags: 0, sequence: 1, port: 0, payload };
}

Deno.test("a table that is deleted while it is listed is left out", () => {
  const tables = [[tableAnswer()], []];
  const listed = outcomeOf(() =>
    listRuleset([TABLE], ({ message }) => message === nf.MSG.GETTABLE ? tables.shift() ?? [] : [])
  );
  assert.deepEqual(listed, { tables: [], elements: new Map() });
});

Deno.test("where what is to be read next is gone, the listing begins again; not for ever", () => {
  let gone = 0;
  /** The table is there for `count` listings, and its sets are gone each time. */
  const listedFor = (count: number) =>
    outcomeOf(() =>
      listRuleset([TABLE], ({ message }) => {
        if (message === nf.MSG.GETTABLE) return gone < count ? [tableAnswer()] : [];
        gone++;
        throw new SystemError("netlink request", ERRNO.ENOENT);
      })
    );
  assert.deepEqual(listedFor(3), { tables: [], elements: new Map() });
  assert.equal(gone, 3);
  assert.match(String(listedFor(Infinity)), /ENOENT/);
});
