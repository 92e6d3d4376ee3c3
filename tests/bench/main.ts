// How cost grows with the cluster: full load by stages, one changed endpoint, a new Service; ratios to the smallest
// cluster, all in one run. Each size runs in a process and a network namespace of its own.
//
//   deno task bench [SERVICES or SERVICESxENDPOINTS ...]

import type { Sample } from "./one_size.ts";
import { table } from "./table.ts";

/** Two endpoints a Service, and where there are many: one Service with 4,000, and 250,000 in all. */
const SIZES = ["100", "1000", "10000", "30000", "50000", "1x4000", "5000x50"];
const sizes = Deno.args.length > 0 ? Deno.args : SIZES;
const samples = await Array.fromAsync(sizes, measure);
const [smallest] = samples as [Sample];

table(
  "Full load, IPv4, from parsed objects to an empty kernel in one batch (milliseconds)",
  [
    [
      "Services",
      "fold",
      "plan",
      "render",
      "commit",
      "all",
      "ms per 1,000 elements",
      "batch",
      "ledger append",
      "peak memory",
    ],
    ...samples.map((s) => [
      sizeText(s),
      ms(s.fold),
      ms(s.plan),
      ms(s.render),
      ms(s.commit),
      ms(s.fold + s.plan + s.render + s.commit),
      ms((s.fold + s.plan + s.render + s.commit) / (s.services * (s.endpoints + 2)) * 1000),
      `${(s.bytes / 1e6).toFixed(1)} MB`,
      ms(s.append),
      `${Math.round(s.peakMemory / 1e6)} MB`,
    ]),
  ],
);
table("One endpoint of one Service replaced (microseconds; ratio to the smallest cluster)", [
  ["Services", "operations", "bytes", "fold+plan p50", "commit p50", "commit p99", "commit p50 ratio"],
  ...samples.map(({ change, ...size }) => [
    sizeText(size),
    String(change.operations),
    String(change.bytes),
    change.plan.toFixed(0),
    change.p50.toFixed(0),
    change.p99.toFixed(0),
    (change.p50 / smallest.change.p50).toFixed(2),
  ]),
]);
table("One Service added: a verdict element, for which the kernel validates the table (microseconds)", [
  ["Services", "operations", "commit p50", "commit p50 ratio"],
  ...samples.map(({ newService, ...size }) => [
    sizeText(size),
    String(newService.operations),
    newService.p50.toFixed(0),
    (newService.p50 / smallest.newService.p50).toFixed(2),
  ]),
]);

async function measure(size: string): Promise<Sample> {
  console.error(`measuring ${size} Services`);
  const user = Deno.uid() === 0 ? [] : ["--map-root-user"];
  const script = new URL("one_size.ts", import.meta.url).pathname;
  const args = [
    ...user,
    "--net",
    "--",
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    "--quiet",
    script,
    size,
  ];
  const { success, stdout } = await new Deno.Command("unshare", { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`measuring ${size} Services failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function ms(milliseconds: number): string {
  return milliseconds.toFixed(milliseconds < 10 ? 1 : 0);
}

function sizeText({ services, endpoints }: Pick<Sample, "services" | "endpoints">): string {
  return endpoints === 2 ? String(services) : `${services} with ${endpoints} endpoints`;
}
