// The guard of a frontend in steps. A frontend is changed as a whole, but for its source ranges: the kernel walks over those of all
// Services to delete one, so that 2,000 at one frontend take seconds. What a guard lets through more comes first, then everything
// else of the frontend, and last what it no longer lets through. Meanwhile a source is let through that was before, or will be.

import type { FrontendResource, ServiceResource } from "./resource.ts";
import { NO_SLOTS } from "./slots.ts";

/**
 * What the elements of a resource are to be next, on the way from `stands` to `wanted`: `wanted` itself where not more than `most`
 * sources differ.
 */
export function nextResource(
  stands: ServiceResource | undefined,
  wanted: ServiceResource | undefined,
  most: number,
): ServiceResource | undefined {
  const [from, to] = [frontendOf(stands), frontendOf(wanted)];
  if (differingSources(from, to) <= most) return wanted;
  const [held, left] = [from?.sources ?? [], to?.sources ?? []];
  // The guard of one Service never lets through what that of another did.
  if (from !== undefined && held.length > 0 && from.comment !== to?.comment) {
    return { ...withoutRules(from), sources: held.slice(most) };
  }
  const frontend = to!;
  const [missing, surplus] = [without(left, held), without(held, left)];
  if (missing.length > most) {
    const kept = from !== undefined && from.comment === frontend.comment ? from : withoutRules(frontend);
    return { ...kept, sources: [...held, ...missing.slice(0, most)] };
  }
  return { ...frontend, sources: [...left, ...surplus.slice(most - missing.length)] };
}

/** How many sources the guards of two frontends do not share. */
export function differingSources(
  before: ServiceResource | undefined,
  after: ServiceResource | undefined,
): number {
  const [old, now] = [frontendOf(before)?.sources ?? [], frontendOf(after)?.sources ?? []];
  return old.length + now.length === 0 ? 0 : without(old, now).length + without(now, old).length;
}

function frontendOf(resource: ServiceResource | undefined): FrontendResource | undefined {
  return resource?.kind === "frontend" ? resource : undefined;
}

/** A frontend that leads nowhere, and has no guard. */
function withoutRules({ pinned: _, drawn: __, ...frontend }: FrontendResource): FrontendResource {
  return { ...frontend, values: {}, guarded: false, slots: NO_SLOTS, localSlots: NO_SLOTS };
}

function without(sources: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return sources.filter((source) => !known.has(source));
}
