// The nft language: transactions as input for `nft -f`, rulesets in the layout of `nft list ruleset`. nft 1.0.6 and
// newer load this text. The running proxy needs no nft: the text is for --dry-run, tests, digests and people.

import { unreachable } from "../invariant.ts";
import { addressOfBytes, prefixMask } from "./address_bytes.ts";
import { ADDRESS_BITS, CONCATENATION, type DataType, type Family, markText } from "./data_type.ts";
import {
  type Chain,
  type Container,
  type Element,
  type Ruleset,
  setPath,
  splitSetPath,
  type Table,
} from "./ruleset.ts";
import { type KeyPart, type Rule, type SourcePrefix, type Statement, verdictText } from "./statement.ts";
import type { ElementOperation, Operation, Transaction } from "./transaction.ts";
import { HASH_MODULUS, SLOT_MODULUS_MAX } from "../limits/rules.ts";

/** Most elements in one `add element` line. nft reads lines of any length; this keeps them readable. */
const ELEMENTS_A_LINE = 64;

/** `transaction` as a script for `nft -f -`, which applies it atomically. */
export function transactionText(transaction: Transaction): string {
  const lines: string[] = [];
  for (let at = 0; at < transaction.length;) {
    const operation = transaction[at]!;
    if (operation.noun !== "element") {
      lines.push(operationText(operation));
      at++;
      continue;
    }
    const group = elementGroup(transaction, at, operation);
    const { family, table, name } = splitSetPath(operation.set);
    const elements = group.map((element) => elementText(element, operation.verb === "add"));
    lines.push(`${operation.verb} element ${family} ${table} ${name} { ${elements.join(", ")} }`);
    at += group.length;
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** `ruleset` as nft lists it, elements in the order of their keys. The text is also a script that creates it. */
export function rulesetText(ruleset: Ruleset): string {
  return ruleset.tables.map((table) => tableText(table, ruleset)).join("\n");
}

/** One rule: `ip daddr @cluster-ips goto reject-chain`. */
export function ruleText(family: Family, rule: Rule): string {
  const statements = rule.statements.map((statement) => statementText(family, statement));
  return [...statements, ...comment(rule)].join(" ");
}

/** One element: `10.96.0.1 . tcp . 80 comment "shop/web" : goto pick-4`. With `whole` false, its key alone. */
export function elementText(element: Element, whole = true): string {
  return whole ? elementParts(element).join("") : element.key;
}

/** The texts that {@link elementText} joins. */
export function elementParts({ key, value, comment }: Element): readonly string[] {
  if (comment === undefined) return value === undefined ? [key] : [key, " : ", value];
  return value === undefined
    ? [key, ' comment "', comment, '"']
    : [key, ' comment "', comment, '" : ', value];
}

/** The type line of a set or map, with `typeof` where only an expression can name the key. */
export function containerType(family: Family, container: Container): string {
  const write = container.key.includes("slot") ? typeofText : typeText;
  const size = container.kind === "map" && container.size !== undefined ? `; size ${container.size}` : "";
  const flags = size + SET_FLAGS[container.flag ?? "none"];
  const key = write(family, container.key);
  const keyword = container.key.includes("slot") ? "typeof" : "type";
  if (container.kind === "set") return `${keyword} ${key}${flags}`;
  return `${keyword} ${key} : ${
    container.value === "verdict" ? "verdict" : write(family, container.value)
  }${flags}${container.counter ? "; counter" : ""}`;
}

const SET_FLAGS = { none: "", interval: "; flags interval", dynamic: "; flags dynamic,timeout" } as const;

function typeText(_family: Family, types: readonly DataType[]): string {
  return types.join(CONCATENATION);
}

function typeofText(family: Family, types: readonly DataType[]): string {
  const expressions: Readonly<Record<DataType, string>> = {
    ipv4_addr: `${family} daddr`,
    ipv6_addr: `${family} daddr`,
    inet_proto: "meta l4proto",
    inet_service: "th dport",
    mark: "meta mark",
    classid: "meta priority",
    slot: `numgen random mod ${SLOT_MODULUS_MAX}`,
  };
  return types.map((type) => expressions[type]).join(CONCATENATION);
}

/** Elements of the operations from `at` on that have the verb and the set of `first`, the operation at `at`. */
function elementGroup(transaction: Transaction, at: number, first: ElementOperation): Element[] {
  const group: Element[] = [];
  for (const next of transaction.slice(at, at + ELEMENTS_A_LINE)) {
    if (next.noun !== "element" || next.verb !== first.verb || next.set !== first.set) break;
    group.push(next.element);
  }
  return group;
}

function operationText(operation: Exclude<Operation, ElementOperation>): string {
  const { verb, noun, family, table } = operation;
  switch (noun) {
    case "table":
      return operation.verb === "add"
        ? [`add table ${family} ${table}`, ...block([...flags(operation.flags), ...comment(operation)])]
          .join(" ")
        : `${verb} table ${family} ${table}`;
    case "chain":
      if (operation.verb !== "add") return `${verb} chain ${family} ${table} ${operation.name}`;
      return [`add chain ${family} ${table} ${operation.chain.name}`, ...block(chainHead(operation.chain))]
        .join(" ");
    case "rule":
      return `add rule ${family} ${table} ${operation.chain} ${ruleText(family, operation.rule)}`;
    case "set":
      if (operation.verb !== "add") return `${verb} ${operation.kind} ${family} ${table} ${operation.name}`;
      return `add ${operation.set.kind} ${family} ${table} ${operation.set.name} ` +
        block([containerType(family, operation.set), ...comment(operation.set)]).join("");
    default:
      return unreachable(operation);
  }
}

function block(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`{ ${lines.map((line) => `${line};`).join(" ")} }`];
}

function flags(names: readonly string[] | undefined): string[] {
  return names === undefined ? [] : [`flags ${names.join(",")}`];
}

function comment(object: { readonly comment?: string }): string[] {
  return object.comment === undefined ? [] : [`comment "${object.comment}"`];
}

function chainHead(chain: Omit<Chain, "rules">): string[] {
  if (chain.hook === undefined) return comment(chain);
  const { type, hook, priority } = chain.hook;
  return [...comment(chain), `type ${type} hook ${hook} priority ${priority}; policy accept`];
}

function tableText(table: Table, ruleset: Ruleset): string {
  const sets = table.sets.map((set) => {
    const elements = ruleset.elements.get(setPath(table.family, table.name, set.name));
    const sorted = [...elements?.values() ?? []].sort((a, b) => a.key < b.key ? -1 : 1);
    const list = sorted.map((element) => elementText(element)).join(",\n\t\t\t     ");
    const lines = [...containerType(table.family, set).split("; "), ...comment(set)];
    return section(set.kind, set.name, list === "" ? lines : [...lines, `elements = { ${list} }`]);
  });
  const chains = table.chains.map((chain) => {
    const head = chainHead(chain).map((line) =>
      chain.hook !== undefined && line.startsWith("type") ? `${line};` : line
    );
    return section("chain", chain.name, [
      ...head,
      ...chain.rules.map((rule) => ruleText(table.family, rule)),
    ]);
  });
  const head = comment(table).map((line) => `\t${line}\n`).join("");
  return `table ${table.family} ${table.name} {\n${head}${[...sets, ...chains].join("\n")}}\n`;
}

function section(noun: string, name: string, lines: readonly string[]): string {
  return `\t${noun} ${name} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}

function statementText(family: Family, statement: Statement): string {
  switch (statement.kind) {
    case "match":
      return matchText(statement);
    case "hash-match":
      return `${partText(statement.hash)} ${statement.value}`;
    case "priority-test":
      return `meta priority & ${statement.mask} ${statement.operator} ${statement.value}`;
    case "lookup":
      return `${keyText(statement.key)} @${statement.set}`;
    case "pin":
      return `update @${statement.map} { ${keyText(statement.key)} timeout ${
        timeText(statement.timeoutSeconds)
      } : ${pinnedData(family, statement)} }`;
    case "unpin":
      return `delete @${statement.map} { ${keyText(statement.key)} : ${pinnedData(family, statement)} }`;
    case "ct-state-new":
      return "ct state new";
    case "ct-status-dnat":
      return "ct status dnat";
    case "nftrace":
      return "meta nftrace set 1";
    case "mark-test":
      return `meta mark & ${markText(statement.bits)} != ${markText(0)}`;
    case "mark-set":
      return `meta mark set meta mark ${statement.operator} ${markText(statement.bits)}`;
    case "priority-set":
      return `meta priority set ${keyText(statement.key)} map @${statement.map}`;
    case "daddr-set":
      return `${family} daddr set ${keyText(statement.key)} map @${statement.map}`;
    case "saddr-set":
      return `${family} saddr set ${keyText(statement.key)} map @${statement.map}`;
    case "dport-set":
      return `th dport set ${keyText(statement.key)} map @${statement.map}`;
    case "daddr-restore":
      return `${family} daddr set ct original ${family} daddr`;
    case "saddr-restore":
      return `${family} saddr set ct original ${family} saddr`;
    case "vmap":
      return `${keyText(statement.key)} vmap @${statement.map}`;
    case "dnat":
      return `dnat ${family} to ${keyText(statement.key)} map @${statement.map}`;
    case "masquerade":
      return "masquerade fully-random";
    case "reject":
      return statement.with === "tcp-reset" ? "reject with tcp reset" : "reject";
    case "verdict":
      return verdictText(statement.verdict);
    default:
      return unreachable(statement);
  }
}

function pinnedData(family: Family, { data }: Statement & { kind: "pin" | "unpin" }): string {
  return data === "daddr" ? `${family} daddr` : "meta priority";
}

function matchText({ selector, operator, value }: Statement & { kind: "match" }): string {
  const constant = selector === "iifname" ? `"${value}"` : value;
  return [selector, ...(operator === "!=" ? ["!="] : []), constant].join(" ");
}

/** An address with a port as nft and URLs write it: `10.0.0.1:80`, `[fd00::1]:80`. */
export function endpointText(address: string, port: number | string): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The inverse of {@link endpointText}; undefined for other text. */
export function endpointParts(text: string): { readonly address: string; readonly port: string } | undefined {
  const [, address, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  return address === undefined || port === undefined ? undefined : { address, port };
}

/** A time as nft prints it: `1d2h3m4s`, without the parts that are zero. */
function timeText(seconds: number): string {
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]] as const;
  return units.map(([unit, size], i) => {
    const count = Math.floor(i === 0 ? seconds / size : (seconds % units[i - 1]![1]) / size);
    return count === 0 ? "" : `${count}${unit}`;
  }).join("");
}

function keyText(key: readonly KeyPart[]): string {
  return key.map(partText).join(CONCATENATION);
}

function partText(part: KeyPart): string {
  if (typeof part === "string") return part;
  if (part.kind === "numgen") return `numgen random mod ${part.modulus}`;
  if (part.kind === "source-prefix") return prefixText(part);
  const seed = `seed 0x${part.seed.toString(16)}`;
  if (part.kind === "hash") return `jhash ${keyText(part.of)} mod ${HASH_MODULUS} ${seed}`;
  // nft prints no offset of 0.
  const offset = part.offset === 0 ? "" : ` offset ${part.offset}`;
  return `jhash ${part.of} mod ${part.modulus} ${seed}${offset}`;
}

function prefixText({ of, length }: SourcePrefix): string {
  const bits = ADDRESS_BITS[of === "ip saddr" ? "ip" : "ip6"];
  const mask = length === bits ? "" : ` & ${addressOfBytes(prefixMask(bits / 8, length))}`;
  return `${of}${mask} . meta mark & ${markText(length)} | ${markText(length)}`;
}
