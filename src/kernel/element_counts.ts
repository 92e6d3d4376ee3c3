// What the elements of maps with counters have counted. The kernel sends the count with each element that it lists, and with the
// notice that an element was deleted. A map is read a datagram at a time, so that the caller can do other work in between.

import type { Family } from "../nft/data_type.ts";
import type { ElementCount, MapDefinition, SetPath } from "../nft/ruleset.ts";
import type { TableName } from "./kernel.ts";
import {
  attributeList,
  type Attributes,
  attributes,
  messageAttributes,
  type NetlinkMessage,
} from "./netlink_reader.ts";
import { NetlinkRequests, type Request } from "./netlink_requests.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import * as nf from "./nf_tables.ts";
import { readCount, readElement } from "./set_codec.ts";

/** A map with counters: where it is, what it is, and its path in the model. */
export interface CountedMap {
  readonly family: Family;
  readonly path: SetPath;
  readonly definition: MapDefinition;
}

/** A part of a map's elements. `interrupted`: another part may lack elements, because the rules changed meanwhile. */
export interface CountedPart {
  readonly counts: readonly ElementCount[];
  readonly interrupted: boolean;
}

/** The counts of the elements in a message about `map`; elements without a counter, or that are not ours, are left out. */
export function countsIn({ path, definition }: CountedMap, message: Attributes): ElementCount[] {
  const list = message.get(nf.NFTA_SET_ELEM_LIST.ELEMENTS);
  if (list === undefined) return [];
  return [...attributeList(list)].flatMap(([, bytes]) => {
    const one = attributes(bytes);
    const packets = readCount(one);
    const element = packets === undefined ? "no counter" : readElement(definition, one);
    return packets === undefined || typeof element === "string" ? [] : [{ set: path, element, packets }];
  });
}

function partOf(map: CountedMap, answers: readonly NetlinkMessage[]): CountedPart {
  return {
    counts: answers.flatMap((answer) => countsIn(map, messageAttributes(answer))),
    interrupted: answers.some(({ flags }) => (flags & nf.NLM_F_DUMP_INTR) !== 0),
  };
}

/** A datagram that took the kernel at most so many milliseconds is followed by one that the loop receives itself. */
const SHORT_MILLISECONDS = 5;

/** Reads counts through a socket of its own. Dispose of it to close it. */
export class CounterReader implements Disposable {
  readonly #socket = new NetlinkSocket();
  readonly #requests = new NetlinkRequests(this.#socket, nf.NFNL_SUBSYS_NFTABLES);
  #waiting: Promise<unknown> = Promise.resolve();

  /** `table`: the name of our tables in the kernel. */
  constructor(readonly table: TableName["name"]) {}

  /** The counts of `map`. Throws SystemError: ENOENT where there is no such table or map. */
  *parts(map: CountedMap): Generator<CountedPart, void, void> {
    for (const answers of this.#requests.datagrams(this.#request(map))) yield partOf(map, answers);
  }

  /**
   * As {@link parts}, for a loop that does other work: undefined while the kernel works on another thread, until {@link waiting} is
   * settled. Each part is as old as the one before. Why another thread? For each datagram the kernel walks over all elements that it
   * has sent already. It must not be left before its end.
   */
  *partsBeside(map: CountedMap): Generator<CountedPart | undefined, void, void> {
    const note = (call: Promise<unknown>) => this.#waiting = call;
    for (const answers of this.#requests.datagramsBeside(this.#request(map), SHORT_MILLISECONDS, note)) {
      yield answers && partOf(map, answers);
    }
  }

  /** Resolves when {@link partsBeside} can go on. */
  get waiting(): Promise<unknown> {
    return this.#waiting.catch(() => {});
  }

  #request({ family, definition }: CountedMap): Request {
    return {
      message: nf.MSG.GETSETELEM,
      family,
      fill: (writer) => {
        writer.attributeString(nf.NFTA_SET_ELEM_LIST.TABLE, this.table);
        writer.attributeString(nf.NFTA_SET_ELEM_LIST.SET, definition.name);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
