// A wrong argument is wrong usage, and the message says what to write instead.

import assert from "node:assert/strict";
import {
  accepted,
  packetArgument,
  pastArgument,
  positionArgument,
  subjectArgument,
} from "../../src/cli/arguments.ts";
import { NothingFound } from "../../src/cli/nothing_found.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { directoryOf } from "../../src/history/directory.ts";
import { UsageError } from "../../src/node/usage_error.ts";

/** The message of the UsageError that `ask` throws. */
function usage(ask: () => unknown): string {
  try {
    ask();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return assert.fail("no error");
}

Deno.test("a parsed value is returned, a reason is thrown with its flag", () => {
  assert.deepEqual(accepted({ a: 1 }), { a: 1 });
  assert.equal(
    usage(() => accepted<{ a: number }>("x: no such thing", "--flag ")),
    "--flag x: no such thing",
  );
});

Deno.test("what can be no name is wrong usage; a name that is unknown is not", () => {
  const nothing = directoryOf(emptyState());
  assert.match(usage(() => subjectArgument(nothing, "10.96.0.256")), /^10\.96\.0\.256: it is no IP address/);
  assert.match(usage(() => subjectArgument(nothing, "")), /^an empty name/);
  assert.throws(() => subjectArgument(nothing, "shop/web"), NothingFound);
});

Deno.test("positions, packets and ledgers are parsed, and wrong ones are explained", () => {
  assert.deepEqual(positionArgument("@7"), { kind: "offset", offset: 7 });
  assert.match(usage(() => positionArgument("noon")), /^noon: a position is an offset/);
  const nothing = directoryOf(emptyState());
  assert.equal(packetArgument(nothing, "10.0.0.1", "10.0.0.2:80", "eth0").interface, "eth0");
  assert.match(
    usage(() => packetArgument(nothing, "10.0.0.1", "10.0.0.2", undefined)),
    /^10\.0\.0\.2: it must be ADDRESS/,
  );
  assert.match(usage(() => pastArgument("/nowhere")), /^--ledger \/nowhere: there is no ledger/);
});
