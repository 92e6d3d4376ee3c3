// Listing: requests tables, sets, chains, rules and elements from the kernel, and decodes the answers.

import type { Family } from "../nft/data_type.ts";
import {
  type Chain,
  type Container,
  type Element,
  type ElementKey,
  type Hook,
  type Ruleset,
  type SetPath,
  setPath,
  type Table,
} from "../nft/ruleset.ts";
import type { Rule } from "../nft/statement.ts";
import { type TableName, UnreadableRuleset } from "./kernel.ts";
import * as nf from "./nf_tables.ts";
import {
  attributeList,
  type Attributes,
  attributes,
  messageAttributes,
  nested,
  type NetlinkMessage,
  text,
  u32,
  u64,
} from "./netlink_reader.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";
import type { NetlinkRequests, Request } from "./netlink_requests.ts";
import { readRule } from "./rule_decoder.ts";
import { ERRNO, SystemError } from "./system_error.ts";
import {
  isPlainInterval,
  readComment,
  readElement,
  readIntervals,
  readSet,
  writeElement,
} from "./set_codec.ts";

/** Sends a dump request and returns its answers. */
export type Dump = (request: Request) => NetlinkMessage[];

/** How often a listing begins again where another program deletes what is to be read next. */
const LISTINGS_MAX = 16;

/** Reads `tables` through `dump`. Throws {@link UnreadableRuleset}. */
export function listRuleset(tables: readonly TableName[], dump: Dump): Ruleset {
  for (let listings = 1;; listings++) {
    try {
      const present = tables.filter(({ family, name }) =>
        answers(dump, nf.MSG.GETTABLE, family).some((answer) => text(answer, nf.NFTA_TABLE.NAME) === name)
      );
      return unlessForeign(present, () => listTables(present, dump));
    } catch (error) {
      const gone = error instanceof SystemError && error.errno === ERRNO.ENOENT;
      if (!gone || listings === LISTINGS_MAX) throw error;
    }
  }
}

/** Reads elements of one set or map, as {@link elementsOf} does. Throws {@link UnreadableRuleset}. */
export function listElements(table: TableName, set: Container, dump: Dump): Map<ElementKey, Element> {
  return unlessForeign([table], () => elementsOf(table, set, dump));
}

function unlessForeign<T>(tables: readonly TableName[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ForeignObject)) throw error;
    throw new UnreadableRuleset(error.message, tables);
  }
}

/** {@link listRuleset} without elements. */
export function listSkeleton(tables: readonly TableName[], dump: Dump): readonly Table[] {
  const withoutElements: Dump = (request) => request.message === nf.MSG.GETSETELEM ? [] : dump(request);
  return listRuleset(tables, withoutElements).tables;
}

/**
 * Reads elements as {@link listElements} does, in pieces of one datagram. The kernel goes on only when the next piece is asked for: it
 * walks over all elements before it again, which for 60,000 takes a millisecond.
 */
export function* elementsInPieces(
  table: TableName,
  set: Container,
  requests: NetlinkRequests,
): Generator<readonly Element[], void, void> {
  if (set.flag === "dynamic" || isPlainInterval(set)) {
    return yield [...listElements(table, set, (request) => requests.dump(request)).values()];
  }
  for (const answers of requests.datagrams(elementsRequest(table, set))) {
    const elements = answers.flatMap((answer) => elementsIn(messageAttributes(answer)));
    yield unlessForeign([table], () => elements.map((one) => known(table, readElement(set, one))));
  }
}

/** The element of a set under the key of `element`; undefined where there is none. Throws {@link UnreadableRuleset}. */
export function findElement(
  table: TableName,
  set: Container,
  element: Element,
  requests: NetlinkRequests,
): Element | undefined {
  // The kernel finds the bounds of plain intervals, and not these themselves.
  if (isPlainInterval(set)) {
    return listElements(table, set, (request) => requests.dump(request)).get(element.key);
  }
  try {
    const [answer] = requests.ask(elementsRequest(table, set, element), 0);
    const [found] = elementsIn(messageAttributes(answer!));
    const read = unlessForeign([table], () => known(table, readElement(set, found!)));
    // An interval is found by any key that is within it.
    return read.key === element.key ? read : undefined;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.errno === ERRNO.ENOENT) return undefined;
    if (error.errno !== ERRNO.EINVAL) throw error;
    // Another program has made the set anew, with keys of another length.
    throw new UnreadableRuleset(`set ${table.family} ${table.name} ${set.name} has other keys`, [table]);
  }
}

/** Ends a listing at an object that this program never writes. */
class ForeignObject extends Error {}

/** Reads tables that exist, one dump for each kind of object. Why not one: the kernel has no dump of everything. */
function listTables(tables: readonly TableName[], dump: Dump): Ruleset {
  const found: Table[] = [];
  const elements = new Map<SetPath, Map<ElementKey, Element>>();
  for (const table of tables) {
    const attributes = answers(dump, nf.MSG.GETTABLE, table.family)
      .find((answer) => text(answer, nf.NFTA_TABLE.NAME) === table.name);
    // Another program deleted it meanwhile.
    if (attributes === undefined) continue;
    const isDormant = ((u32(attributes, nf.NFTA_TABLE.FLAGS) ?? 0) & nf.TABLE_DORMANT) !== 0;
    if (isDormant) known(table, "the flag dormant, with which none of its rules is applied");
    const comment = readComment(attributes.get(nf.NFTA_TABLE.USERDATA));
    const sets = listSets(table, dump);
    found.push({
      ...table,
      ...(comment === undefined ? {} : { comment }),
      sets,
      chains: listChains(table, dump),
    });
    for (const set of sets) {
      elements.set(setPath(table.family, table.name, set.name), elementsOf(table, set, dump));
    }
  }
  return { tables: found, elements };
}

/** The attributes of each answer to a dump; `fill` writes the attributes that narrow it. */
function answers(
  dump: Dump,
  message: number,
  family: Family,
  fill: (writer: NetlinkWriter) => void = () => {},
) {
  return dump({ message, family, fill }).map(messageAttributes);
}

/** The sets and maps of `table`. */
function listSets(table: TableName, dump: Dump): Container[] {
  const sets = answers(
    dump,
    nf.MSG.GETSET,
    table.family,
    (writer) => writer.attributeString(nf.NFTA_SET.TABLE, table.name),
  );
  return sets
    .filter((set) => text(set, nf.NFTA_SET.TABLE) === table.name)
    .map((set) => known(table, readSet(set)));
}

/** The chains of `table`. The kernel dumps chains of a whole family. */
function listChains(table: TableName, dump: Dump): Chain[] {
  return answers(dump, nf.MSG.GETCHAIN, table.family)
    .filter((chain) => text(chain, nf.NFTA_CHAIN.TABLE) === table.name)
    .map((chain) => {
      const name = text(chain, nf.NFTA_CHAIN.NAME);
      const hook = readHook(table, chain);
      const comment = readComment(chain.get(nf.NFTA_CHAIN.USERDATA));
      return {
        name,
        ...(hook === undefined ? {} : { hook }),
        ...(comment === undefined ? {} : { comment }),
        rules: listRules(table, name, dump),
      };
    });
}

/** Names of the chains of `table`, whatever is in them. */
export function listChainNames(table: TableName, dump: Dump): string[] {
  return answers(dump, nf.MSG.GETCHAIN, table.family)
    .filter((chain) => text(chain, nf.NFTA_CHAIN.TABLE) === table.name)
    .map((chain) => text(chain, nf.NFTA_CHAIN.NAME));
}

/**
 * The rules of one chain, in their order. Why not those of the whole table at once? A dump of several datagrams is interrupted by a
 * commit to any table of the network namespace (6.18), and a program may make hundreds in a second. A chain's rules are in one,
 * unless it is the guard of source ranges of very many lengths.
 */
function listRules(table: TableName, chain: string, dump: Dump): Rule[] {
  const found = answers(dump, nf.MSG.GETRULE, table.family, (writer) => {
    writer.attributeString(nf.NFTA_RULE.TABLE, table.name);
    writer.attributeString(nf.NFTA_RULE.CHAIN, chain);
  });
  return found.map((rule) => known(table, readRule(table.family, rule)));
}

/** The rules of `table` by handle; undefined for one that this program cannot print. */
export function listRuleHandles(table: TableName, dump: Dump): Map<string, Rule | undefined> {
  const name = (writer: NetlinkWriter) => writer.attributeString(nf.NFTA_RULE.TABLE, table.name);
  return new Map(
    answers(dump, nf.MSG.GETRULE, table.family, name)
      .filter((rule) => text(rule, nf.NFTA_RULE.TABLE) === table.name)
      .map((rule) => {
        const read = readRule(table.family, rule);
        return [u64(rule, nf.NFTA_RULE.HANDLE), typeof read === "string" ? undefined : read];
      }),
  );
}

const HOOKS: readonly Hook["hook"][] = ["prerouting", "input", "forward", "output", "postrouting"];

/** Where a base chain is attached; undefined for other chains. */
function readHook(table: TableName, chain: Attributes): Hook | undefined {
  if (!chain.has(nf.NFTA_CHAIN.HOOK)) return undefined;
  const hook = nested(chain, nf.NFTA_CHAIN.HOOK);
  const number = u32(hook, nf.NFTA_HOOK.HOOKNUM);
  const name = HOOKS.find((hook) => nf.HOOK_NUMBER[hook] === number);
  const type = text(chain, nf.NFTA_CHAIN.TYPE);
  const policy = u32(chain, nf.NFTA_CHAIN.POLICY) ?? nf.VERDICT_CODE.accept;
  if (name === undefined || (type !== "filter" && type !== "nat") || policy !== nf.VERDICT_CODE.accept) {
    return known<Hook>(table, `chain of type ${type} at hook ${number} with policy ${policy}`);
  }
  return { type, hook: name, priority: (u32(hook, nf.NFTA_HOOK.PRIORITY) ?? 0) | 0 };
}

/** Elements of one set or map of a table that exists. Throws where they are not as `set` describes them. */
function elementsOf(table: TableName, set: Container, dump: Dump): Map<ElementKey, Element> {
  const elements = new Map<ElementKey, Element>();
  const put = (element: Element) => elements.set(element.key, element);
  // Rules add these elements, and they time out.
  if (set.flag === "dynamic") return elements;
  const found = elementAnswers(table, set, dump);
  if (isPlainInterval(set)) known(table, readIntervals(set, found.flatMap(elementsIn))).forEach(put);
  else {
    for (const answer of found) {
      for (const one of elementsIn(answer)) put(known(table, readElement(set, one)));
    }
  }
  return elements;
}

function elementAnswers(table: TableName, set: Container, dump: Dump): Attributes[] {
  return dump(elementsRequest(table, set)).map(messageAttributes);
}

/** Asks for the elements of a set; for that under the key of `element` where it is given. */
function elementsRequest(table: TableName, set: Container, element?: Element): Request {
  return {
    message: nf.MSG.GETSETELEM,
    family: table.family,
    fill: (writer) => {
      writer.attributeString(nf.NFTA_SET_ELEM_LIST.TABLE, table.name);
      writer.attributeString(nf.NFTA_SET_ELEM_LIST.SET, set.name);
      if (element === undefined) return;
      const list = writer.openNest(nf.NFTA_SET_ELEM_LIST.ELEMENTS);
      writeElement(writer, set, element, false);
      writer.close(list);
    },
  };
}

/** The attributes of each element in one message. */
function elementsIn(answer: Attributes): Attributes[] {
  const list = answer.get(nf.NFTA_SET_ELEM_LIST.ELEMENTS);
  return list === undefined ? [] : [...attributeList(list)].map(([, bytes]) => attributes(bytes));
}

/** `read`, the decoded object. Throws where a decoder returned the reason why it could not. */
function known<T extends object>(table: TableName, read: T | string): T {
  if (typeof read !== "string") return read;
  throw new ForeignObject(
    `table ${table.family} ${table.name} holds what ledgerproxy never writes: ${read}`,
  );
}
