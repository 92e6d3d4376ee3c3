// Leads: numbers written as addresses.

import assert from "node:assert/strict";
import {
  lead,
  type LeadKind,
  leadPinnedFor,
  leadsOf,
  leadsPinnedFor,
  PINNED,
  PINNED_LOCAL,
} from "../../src/fold/leads.ts";
import { roundedTimeout } from "../../src/fold/affinity.ts";
import { SLOT_CLASSES } from "../../src/fold/pick_chains.ts";
import { contains, parseAddress, parseCidr } from "../../src/kube/address.ts";
import { FAMILIES } from "../../src/nft/data_type.ts";

const KINDS: readonly LeadKind[] = ["cluster", "external", "local"];

Deno.test("each kind and slot class has a lead of its own, in canonical text and in the prefix of its kind alone", () => {
  for (const family of FAMILIES) {
    const seen = new Set<string>();
    for (const kind of KINDS) {
      for (const slotClass of [...SLOT_CLASSES, PINNED, PINNED_LOCAL]) {
        const one = lead(family, kind, slotClass);
        assert.equal(parseAddress(one), one);
        seen.add(one);
        const prefixes = KINDS.filter((other) => contains(parseCidr(leadsOf(family, other))!, one));
        assert.deepEqual(prefixes, [kind]);
      }
    }
    assert.equal(seen.size, KINDS.length * (SLOT_CLASSES.length + 2));
  }
});

Deno.test("each timeout in use has a lead of its own", () => {
  for (const family of FAMILIES) {
    const prefix = parseCidr(leadsPinnedFor(family))!;
    const timeouts = new Set(Array.from({ length: 86_400 }, (_, i) => roundedTimeout(i + 1)));
    const leads = new Set([...timeouts].map((seconds) => leadPinnedFor(family, seconds)));
    assert.equal(leads.size, timeouts.size);
    for (const one of leads) {
      assert.equal(parseAddress(one), one);
      assert.ok(contains(prefix, one));
      assert.notEqual(one, lead(family, "cluster", PINNED));
      assert.notEqual(one, lead(family, "cluster", PINNED_LOCAL));
    }
  }
});

Deno.test("the number of the kind and the slot class can be read in a lead", () => {
  assert.deepEqual(["0.0.0.4", "0.1.16.0", "0.2.255.255"], [
    lead("ip", "cluster", 4),
    lead("ip", "external", 4096),
    lead("ip", "local", PINNED),
  ]);
  assert.deepEqual(["100::4", "100::1:1000", "100::2:ffff"], [
    lead("ip6", "cluster", 4),
    lead("ip6", "external", 4096),
    lead("ip6", "local", PINNED),
  ]);
});
