// The resources of one Service, each once, found by their claims. Why no map? Nearly every Service has two, a cluster IP and a
// frontend: a map of them takes several times as long to make, and more memory than both.

import type { ServiceResource } from "./resource.ts";

/** Up to so many resources are looked through. */
const SEARCHED_MAX = 8;

/** The resources, in the order in which they were added. */
export class ServiceResources {
  #all: ServiceResource[] = [];
  /** By claim, where there are many. */
  #byClaim: Map<string, ServiceResource> | undefined;

  /** All of them. */
  get all(): readonly ServiceResource[] {
    return this.#all;
  }

  /** Adds a resource. An external IP may equal the cluster IP: the first of two with the same claim stays. */
  add(resource: ServiceResource): void {
    const { claim } = resource;
    if (this.get(claim) !== undefined) return;
    this.#all.push(resource);
    if (this.#byClaim !== undefined) this.#byClaim.set(claim, resource);
    else if (this.#all.length > SEARCHED_MAX) {
      this.#byClaim = new Map(this.#all.map((one) => [one.claim, one]));
    }
  }

  /** Gives back room that was made for more. */
  trim(): void {
    this.#all = this.#all.slice();
  }

  /** The resource that has `claim`. */
  get(claim: string): ServiceResource | undefined {
    if (this.#byClaim !== undefined) return this.#byClaim.get(claim);
    for (const one of this.#all) if (one.claim === claim) return one;
    return undefined;
  }
}
