// The results of a run of Kubernetes' tests, from Ginkgo's JUnit report, and two runs side by side.

/** How one test ended. */
export type Outcome = "passed" | "failed" | "skipped";

/** Outcomes by the name of the test. Setup and teardown of the suite, and tests that were not selected, are left out. */
export function outcomes(report: string): ReadonlyMap<string, Outcome> {
  const found = new Map<string, Outcome>();
  for (const [, attributes] of report.matchAll(/<testcase\b([^>]*)>/g)) {
    const name = attribute(attributes!, "name");
    const status = attribute(attributes!, "status");
    if (!name.startsWith("[It]")) continue;
    // Tests outside the focus are in the report as skipped, without a time.
    if (status === "skipped" && Number(attribute(attributes!, "time")) === 0) continue;
    found.set(name.slice("[It] ".length), status === "passed" || status === "skipped" ? status : "failed");
  }
  return found;
}

/** Two runs of the same tests. */
export interface Comparison {
  readonly passed: readonly [number, number];
  readonly failed: readonly [number, number];
  readonly skipped: readonly [number, number];
  /** Tests that failed in the first run and did not in the second one. */
  readonly onlyFirst: readonly string[];
}

/** `first` is ours, `second` kube-proxy's. */
export function compare(
  first: ReadonlyMap<string, Outcome>,
  second: ReadonlyMap<string, Outcome>,
): Comparison {
  const count = (outcome: Outcome): [number, number] => [
    [...first.values()].filter((one) => one === outcome).length,
    [...second.values()].filter((one) => one === outcome).length,
  ];
  const onlyFirst = [...first].filter(([name, outcome]) =>
    outcome === "failed" && second.get(name) !== "failed"
  ).map(([name]) => name);
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped"), onlyFirst };
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
  "#34": '"',
  "#39": "'",
};

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&([a-z]+|#\d+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
}
