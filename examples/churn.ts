// Prints which Services changed the rules most often, and how many elements they changed.
//
//   deno run --allow-read examples/churn.ts LEDGER

import { openLedger, serviceOfComment } from "../mod.ts";

const [folder] = Deno.args;
if (folder === undefined) throw new Error("usage: churn.ts LEDGER");

const counts = new Map<string, { commits: number; elements: number }>();
for (const { record } of openLedger(folder).log()) {
  if (record.kind !== "commit" || record.outcome !== "committed") continue;
  const services = new Map<string, number>();
  for (const { comment } of record.changes) {
    if (comment === undefined) continue;
    const service = serviceOfComment(comment);
    services.set(service, (services.get(service) ?? 0) + 1);
  }
  for (const [service, elements] of services) {
    const before = counts.get(service) ?? { commits: 0, elements: 0 };
    counts.set(service, { commits: before.commits + 1, elements: before.elements + elements });
  }
}

const sorted = [...counts].sort(([a, one], [b, other]) => other.commits - one.commits || (a < b ? -1 : 1));
for (const [service, { commits, elements }] of sorted) {
  console.log(`${service}: ${elements} elements in ${commits} commits`);
}
