// What a session finds on disk: which steps have a result, and which results are of another session.

import assert from "node:assert/strict";
import { beginSession, countedOf, isDone, type Place, type Plan, runsOf } from "./session.ts";
import { SETS } from "./sets.ts";
import { folderOf, type Step, stepsOf } from "./steps.ts";

const PLAN: Plan = {
  commit: "0123",
  kubernetes: "1.37.2",
  focus: "",
  runs: 2,
  sets: ["conformance"],
  proxies: ["daemonset", "kube-proxy"],
  exercises: true,
  upgrades: true,
};

/** Calls `use` with a place whose results are there for these steps, as the scripts leave them. */
function withResults(results: Readonly<Record<string, string>>, use: (place: Place) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    const place = { directory, results: `${directory}/results`, sets: SETS, together: false };
    for (const [file, text] of Object.entries(results)) {
      const path = `${place.results}/${file}`;
      Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(path, text);
    }
    use(place);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

const JUNIT = '<testcase name="[It] serves" status="passed" time="1"></testcase>';
const counted = (completed: boolean) => JSON.stringify({ ok: 9, failed: 1, completed });

Deno.test("steps with a whole result are done: not a set without a report, and not a phase that failed", () => {
  const results = {
    "run-1/daemonset/install/result.json": JSON.stringify({
      ok: 1,
      failed: 0,
      completed: true,
      seconds: 20.1,
    }),
    "run-1/daemonset/conformance/junit_01.xml": JUNIT,
    "run-1/kube-proxy/conformance/log": "interrupted",
    "run-2/daemonset/conformance/junit_01.xml": "<testsuites></testsuites>",
    "run-1/daemonset/rolling/result.json": counted(true),
    "run-1/daemonset/drain/result.json": counted(false),
  };
  withResults(results, (place) => {
    const done = stepsOf(PLAN).filter((step) => isDone(place, step)).map(folderOf);
    assert.deepEqual(done, [
      "run-1/daemonset/install",
      "run-1/daemonset/conformance",
      "run-1/daemonset/rolling",
    ]);
    const drain: Step = { kind: "exercise", run: 1, proxy: "daemonset", name: "drain" };
    assert.deepEqual(countedOf(place, drain), { ok: 9, failed: 1, completed: false });
    const runs = runsOf(place, stepsOf(PLAN), "daemonset", "conformance");
    assert.deepEqual(runs.map((run) => run?.size), [1, undefined]);
  });
});

Deno.test("a session goes on with its own results alone, and a new one keeps those of the one before", () => {
  withResults({}, (place) => {
    assert.throws(() => beginSession(place, PLAN, true), /plan\.json is not there/);
    beginSession(place, PLAN, false);
    Deno.writeTextFileSync(`${place.results}/mark`, "");
    beginSession(place, PLAN, true);
    assert.throws(() => beginSession(place, { ...PLAN, commit: "4567" }, true), /has another plan/);
    assert.ok(Deno.statSync(`${place.results}/mark`).isFile);
    beginSession(place, PLAN, false);
    assert.throws(() => Deno.statSync(`${place.results}/mark`), Deno.errors.NotFound);
    const folders = [...Deno.readDirSync(place.directory)].map(({ name }) => name).sort();
    assert.match(folders.join(" "), /^results results-\d{4}-\d\d-\d\dT\d{6}$/);
    assert.ok(Deno.statSync(`${place.directory}/${folders[1]}/mark`).isFile);
  });
});
