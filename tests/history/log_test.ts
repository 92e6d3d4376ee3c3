// Which records a search finds.

import assert from "node:assert/strict";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { recordsAbout } from "../../src/history/log.ts";
import type { Past } from "../../src/history/past.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { Search } from "../../src/ledger/terms.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { committedPast, SHRINKING, timeAt } from "../support/past.ts";

const OTHER = [
  appears(service("shop/web-admin 10.96.0.10 http:80/tcp")),
  appears(slice("shop/web-admin-b http:8080/tcp 10.244.0.20")),
];
/** Offsets 0 to 6 are those of {@link SHRINKING}; @7 and @8 are {@link OTHER}, committed by @9. */
const PAST = committedPast([...SHRINKING, OTHER]);

/** The same records, each in a segment of its own: most are closed, and searched through their terms. */
function inSegments(past: Past): Past {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never", segmentBytes: 1 });
  for (const { record } of past.records()) writer.append([record]);
  return ledgerView<SnapshotLine>(storage, snapshotMisfit);
}

const CASES: readonly (readonly [Search, readonly number[]])[] = [
  [{}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]],
  [{ service: "shop/web" }, [6, 5, 4, 3, 2, 1, 0]],
  [{ service: "shop/web-admin" }, [9, 8, 7]],
  [{ service: "shop/we" }, []],
  [{ namespace: "shop", kind: "event" }, [8, 7, 5, 3, 1, 0]],
  [{ namespace: "sho" }, []],
  [{ address: "10.244.0.2" }, [6, 4, 3, 2, 1]],
  [{ address: "10.96.0.1" }, [6, 4, 2, 0]],
  [{ kind: "drift" }, []],
  [{ since: Date.parse(timeAt(2)), until: Date.parse(timeAt(3)) }, [6, 5, 4, 3]],
  [{ service: "shop/web", kind: "commit", since: Date.parse(timeAt(3)) }, [6]],
];

Deno.test("a search finds every record that matches and no other, newest first", () => {
  for (const past of [PAST, inSegments(PAST)]) {
    for (const [search, offsets] of CASES) {
      const found = [...recordsAbout(past, search)].map(({ offset }) => offset);
      // A deleted slice has only its name: shop/web-a can be of shop/web alone.
      assert.deepEqual(found, offsets, JSON.stringify(search));
    }
  }
});
