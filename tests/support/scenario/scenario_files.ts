// The scenario files in fixtures/scenarios: a scenario above the line of dashes, and the expected results below it.

import type { Expectation } from "./expectation.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario, probeText, type Scenario } from "./scenario.ts";
import type { KubeObject } from "../../../src/kube/objects.ts";
import type { Probe } from "../lab/probe.ts";

const FOLDER = new URL("../../../fixtures/scenarios/", import.meta.url);
const DASHES = "----\n";

/** One scenario file. */
export interface ScenarioFile {
  /** `cluster_ip`. */
  readonly name: string;
  /** The text above the dashes, dashes included. */
  readonly head: string;
  readonly scenario: Scenario;
  /** The expected result of each packet line. */
  readonly promises: readonly Expectation[];
  /** All lines below the dashes. */
  readonly tail: string;
}

/** All scenario files, by name. */
export function scenarioFiles(): ScenarioFile[] {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
  return names.map((name) => {
    const text = Deno.readTextFileSync(new URL(name, FOLDER));
    const [head, tail] = text.split(DASHES) as [string, string];
    const scenario = parseScenario(head);
    const promises = tail.trimEnd().split("\n").map(parsePromise);
    return { name: name.replace(".txt", ""), head: head + DASHES, scenario, promises, tail };
  });
}

/** Writes the expected results below the dashes of a file. */
export function rewrite({ name, head }: ScenarioFile, lines: readonly string[]): void {
  Deno.writeTextFileSync(new URL(`${name}.txt`, FOLDER), head + lines.map((line) => `${line}\n`).join(""));
}

/** `pod-1 10.244.1.5 -> 10.96.0.10:80/tcp: 10.244.1.6:8080 | 10.244.2.5:8080, pinned`. */
export function promiseText(probe: Probe, { observations, pinned }: Expectation): string {
  return `${probeText(probe)}: ${observations.join(" | ")}${pinned ? ", pinned" : ""}`;
}

function parsePromise(line: string): Expectation {
  const said = line.slice(line.indexOf(": ") + 2);
  const pinned = said.endsWith(", pinned");
  return { observations: said.replace(", pinned", "").split(" | "), pinned };
}

/** The cluster of a scenario, the own node included. */
export function objectsOf({ objects }: Scenario): KubeObject[] {
  return decodeAll([nodeManifest(), ...objects.map(manifestOf)]);
}
