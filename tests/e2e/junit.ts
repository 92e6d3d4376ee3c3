// The results of a run of Kubernetes' tests, from Ginkgo's JUnit report.

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
