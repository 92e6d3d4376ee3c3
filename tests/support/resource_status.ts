// The status of a watched resource, for tests of what reports it.

import { DEFAULT_TIMES, newReflector, statusOf } from "../../src/ingest/reflector_state.ts";
import { resources } from "../../src/ingest/resources.ts";
import type { ResourceStatus } from "../../src/ingest/source.ts";

/** The status of Services that are listed and watched, with `changed` fields. */
export function resourceStatus(changed: Partial<ResourceStatus> = {}): ResourceStatus {
  const [first] = resources("node-a");
  const status = statusOf(newReflector(first!, DEFAULT_TIMES, 1));
  return { ...status, kind: "Service", problem: "", reason: "", listed: true, lists: 1, ...changed };
}
