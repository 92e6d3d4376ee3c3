// Checks assertions again and again while a proxy runs, against the state that its rules follow.

import type { ClusterState } from "../fold/cluster_state.ts";
import { readServiceName } from "../kube/service_name.ts";
import type { Assertion } from "./assertion.ts";
import { brokenIn, type Named, serviceNamed } from "./assertion_check.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { isNameProblem, nameProblemText } from "./names.ts";
import { conditionOfService } from "./service_condition.ts";
import { lengthText } from "./table_words.ts";

/** What a running proxy knows beside its state. */
export interface LiveFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What another program did to the rules, until they are as they were; "" where nothing is. */
  readonly drift: string;
  /** The longest that a change took from its beginning to the kernel since the last check, in milliseconds. */
  readonly slowest: number;
}

/** An assertion as it is now. */
export interface LiveAssertion {
  readonly name: string;
  readonly holds: boolean;
  /** How it is broken; "" where it holds. */
  readonly text: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
}

/** What is known of one assertion. */
interface Watched {
  readonly assertion: Assertion;
  current: LiveAssertion | undefined;
  /** Of an outage: since when each port has no endpoint. */
  readonly lacking: Map<string, number>;
}

/** So old the names of pods and ports may be: of 10,000 Services they take 50 ms to gather. */
const NAMES_MILLISECONDS = 10_000;

/** The assertions, each with its last result. */
export class AssertionWatch {
  readonly #watched: readonly Watched[];
  #names: { readonly directory: Directory; readonly at: number } | undefined;

  constructor(assertions: readonly Assertion[]) {
    this.#watched = assertions.map((assertion) => ({ assertion, current: undefined, lacking: new Map() }));
  }

  /** Checks all; returns those that have started or stopped holding. One that holds at first is no change. */
  check(state: ClusterState, facts: LiveFacts): LiveAssertion[] {
    const named: Named = { state, directory: () => this.#directory(state, facts.now) };
    return this.#watched.flatMap((one) => {
      const { assertion, current } = one;
      const text = textOf(one, named, facts);
      const holds = text === "";
      const changed = (current?.holds ?? true) !== holds;
      const since = current === undefined || changed ? facts.now : current.since;
      one.current = { name: assertion.name, holds, text, since };
      return changed ? [one.current] : [];
    });
  }

  #directory(state: ClusterState, now: number): Directory {
    if (this.#names === undefined || now - this.#names.at > NAMES_MILLISECONDS) {
      this.#names = { directory: directoryOf(state), at: now };
    }
    return this.#names.directory;
  }

  /** Those that are broken as of the last check. */
  broken(): LiveAssertion[] {
    return this.#watched.flatMap(({ current }) => current === undefined || current.holds ? [] : [current]);
  }

  /** How many there are. */
  get size(): number {
    return this.#watched.length;
  }
}

function textOf(watched: Watched, named: Named, facts: LiveFacts): string {
  const { assertion } = watched;
  switch (assertion.kind) {
    case "packet":
    case "ready":
      return brokenIn(named, assertion);
    case "outage":
      return outageText(watched.lacking, assertion, named, facts.now);
    case "latency":
      return facts.slowest <= assertion.milliseconds
        ? ""
        : `a change was in the kernel ${lengthText(facts.slowest)} after it began`;
    case "drift":
      return facts.drift;
  }
}

function outageText(
  lacking: Map<string, number>,
  { service, milliseconds }: Assertion & { readonly kind: "outage" },
  named: Named,
  now: number,
): string {
  const found = serviceNamed(named, service);
  if (isNameProblem(found)) return nameProblemText(found);
  const all = conditionOfService(named.state, readServiceName(found.service))?.lacking ?? [];
  const ports = all.filter((port) => found.ports?.has(port) ?? true);
  for (const port of [...lacking.keys()]) if (!ports.includes(port)) lacking.delete(port);
  for (const port of ports) if (!lacking.has(port)) lacking.set(port, now);
  const long = [...lacking].find(([, since]) => milliseconds === 0 || now - since > milliseconds);
  return long === undefined ? "" : `${long[0]} without endpoints for ${lengthText(now - long[1])}`;
}
