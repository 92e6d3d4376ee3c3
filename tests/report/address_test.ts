// The address of a report's page opens it as it was.

import assert from "node:assert/strict";
import fc from "fast-check";
import { addressText, readAddress } from "../../src/report/address.ts";

Deno.test("an address names moment, Service, part of the window and packet", () => {
  const address = {
    offset: 313,
    service: "shop/web:http",
    range: [1_700_000_000_000, 1_700_000_060_000],
    packet: { source: "10.244.1.5", target: "shop/web" },
  } as const;
  const text = addressText(address);
  assert.equal(
    text,
    "#@313&service=shop/web:http&range=1700000000000-1700000060000&from=10.244.1.5&to=shop/web",
  );
  assert.deepEqual(readAddress(text), address);
  assert.deepEqual(readAddress("#@7"), { offset: 7 }, "as links of earlier pages");
  assert.deepEqual(readAddress("#service=shop/web"), { service: "shop/web" });
});

Deno.test("what has no meaning in an address is left out", () => {
  for (
    const text of [
      "",
      "#",
      "#notes",
      "#@",
      "#@-1",
      "#@1e3",
      "#service=",
      "#range=9-3",
      "#range=a-b",
      "#from=1",
    ]
  ) {
    assert.deepEqual(readAddress(text), {}, text);
  }
  assert.equal(addressText({}), "");
});

Deno.test("any text is read as it was written", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), fc.nat(), (service, offset) => {
      const address = { offset, service, packet: { source: service, target: service } };
      assert.deepEqual(readAddress(addressText(address)), address);
    }),
  );
});
