// Which steps a session has, in which order, and which of them share a proxy.

import assert from "node:assert/strict";
import { SETS } from "./sets.ts";
import { folderOf, type Step, stepsOf, turnsOf } from "./steps.ts";

const text = (step: Step) => `${folderOf(step)}${step.kind === "set" ? "" : ` (${step.kind})`}`;

const PLAIN = { exercises: false, upgrades: true, proxies: ["daemonset", "kube-proxy"] };

Deno.test("each run has every set with both proxies, and times the installation first", () => {
  const steps = stepsOf({ ...PLAIN, runs: 2, sets: ["conformance", "localhost"] });
  const run = (number: number) => [
    `run-${number}/daemonset/install (install)`,
    `run-${number}/daemonset/conformance`,
    `run-${number}/daemonset/localhost`,
    `run-${number}/kube-proxy/conformance`,
    `run-${number}/kube-proxy/localhost`,
  ];
  assert.deepEqual(steps.map(text), [...run(1), ...run(2)]);
});

Deno.test("exercises are part of the first run, with the chart and the process too, and the upgrade comes twice", () => {
  const steps = stepsOf({ ...PLAIN, runs: 2, sets: ["conformance"], exercises: true });
  const exercised = steps.filter(({ kind }) => kind === "exercise");
  assert.deepEqual(new Set(exercised.map(({ run }) => run)), new Set([1]));
  const upgrades = exercised.filter(({ name }) => name.startsWith("upgrade")).map(text);
  assert.deepEqual(upgrades, [
    "run-1/ledgerproxy/upgrade (exercise)",
    "run-1/ledgerproxy/upgrade-2 (exercise)",
    "run-1/kube-proxy/upgrade (exercise)",
    "run-1/kube-proxy/upgrade-2 (exercise)",
  ]);
  assert.ok(steps.some((step) => text(step) === "run-1/chart/install (install)"));
  // The sets run with what was asked for alone.
  assert.deepEqual(steps.filter(({ kind, proxy }) => kind === "set" && proxy === "chart"), []);
});

Deno.test("without an earlier release nothing is upgraded from it", () => {
  const steps = stepsOf({ ...PLAIN, runs: 1, sets: [], exercises: true, upgrades: false });
  assert.deepEqual(
    steps.filter(({ name, proxy }) => name.startsWith("upgrade") && proxy !== "kube-proxy"),
    [],
  );
});

Deno.test("no two steps have one folder", () => {
  const steps = stepsOf({ ...PLAIN, runs: 3, sets: Object.keys(SETS), exercises: true });
  assert.equal(new Set(steps.map(folderOf)).size, steps.length);
});

Deno.test("a proxy is started again where a set needs NodePorts on other addresses, and for the next run", () => {
  const steps = stepsOf({ ...PLAIN, runs: 2, sets: ["conformance", "services", "localhost"] });
  assert.deepEqual(turnsOf(steps).map((turn) => turn.map(({ name }) => name).join(" ")), [
    "install conformance services",
    "localhost",
    "conformance services",
    "localhost",
    "install conformance services",
    "localhost",
    "conformance services",
    "localhost",
  ]);
});
