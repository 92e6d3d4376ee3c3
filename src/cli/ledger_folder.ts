// Which ledger a command reads: that of the flag, of the environment, of the node's configuration, or the one in the usual folder.

import { readFault, readTextUpTo } from "../ingest/bounded_file.ts";
import { readDocuments } from "../ingest/manifest_documents.ts";
import { fieldsOf } from "../kube/json_value.ts";
import { segmentFirst } from "../ledger/format.ts";
import { CONFIG_BYTES_MAX } from "../limits/input.ts";
import { UsageError } from "../node/usage_error.ts";

/** Names the folder of the ledger for all commands that read one. */
const LEDGER_VARIABLE = "LEDGERPROXY_LEDGER";
/** Names the file that `run --config` reads, whose LedgerProxyConfiguration names the folder. */
const CONFIG_VARIABLE = "LEDGERPROXY_CONFIG";
/** Where kubeadm's kube-proxy, and our manifest, have the configuration. */
const USUAL_CONFIG = "/var/lib/kube-proxy/config.conf";
/** Where the manifest puts the ledger, and where README's examples do. */
const USUAL_FOLDERS = ["/var/lib/ledgerproxy/ledger", "/var/lib/ledgerproxy"];

/** The parts of a machine that a choice depends on. */
export interface Surroundings {
  variable(name: string): string | undefined;
  /** The text of a file; undefined where there is none. Throws where it cannot be read. */
  text(path: string): string | undefined;
  /** Whether a folder has segments of a ledger. Throws where it cannot be read. */
  hasLedger(path: string): boolean;
}

/** A folder, and where its name is from. */
export interface ChosenFolder {
  readonly path: string;
  /** `--ledger`, `LEDGERPROXY_LEDGER`. */
  readonly from: string;
}

/**
 * The folder to read. `flag` and `argument` are two ways to name it on the command line. Throws {@link UsageError} where they differ,
 * and where nothing names a folder and none of the usual ones has a ledger.
 */
export function chosenFolder(
  flag: string | undefined,
  argument: string | undefined,
  surroundings: Surroundings = MACHINE,
): ChosenFolder {
  if (flag !== undefined && argument !== undefined && flag !== argument) {
    throw new UsageError(`${argument} and --ledger ${flag}: name one ledger`);
  }
  if (flag !== undefined) return { path: flag, from: "--ledger" };
  if (argument !== undefined) return { path: argument, from: "the argument" };
  const variable = surroundings.variable(LEDGER_VARIABLE);
  if (variable) return { path: variable, from: LEDGER_VARIABLE };
  const config = surroundings.variable(CONFIG_VARIABLE) || USUAL_CONFIG;
  const faults = new Map<string, string>();
  const unlessFault = <T>(path: string, read: (path: string) => T): T | undefined => {
    try {
      return read(path);
    } catch (error) {
      faults.set(path, readFault(error));
      return undefined;
    }
  };
  const configured = ledgerIn(config, unlessFault(config, surroundings.text));
  if (configured !== undefined) return { path: configured, from: config };
  const usual = USUAL_FOLDERS.find((path) => unlessFault(path, surroundings.hasLedger));
  if (usual !== undefined) return { path: usual, from: "the usual folder" };
  throw new UsageError(missing(config, faults));
}

/** Why no ledger was found. `faults`: why files and folders where one was looked for cannot be read. */
function missing(config: string, faults: ReadonlyMap<string, string>): string {
  const folders = USUAL_FOLDERS.filter((path) => !faults.has(path));
  const places = [
    `${LEDGER_VARIABLE} is not set`,
    ...faults.has(config) ? [] : [`${config} names none`],
    ...folders.length > 0 ? [`there is none in ${folders.join(" or ")}`] : [],
  ];
  const unread = [...faults].map(([path, fault]) => `\n  not read: ${path}: ${fault}`).join("");
  return `--ledger DIR is missing: the folder of the ledger. ${listed(places)}${unread}`;
}

/** `a, b, and c`. */
function listed(parts: readonly string[]): string {
  if (parts.length < 3) return parts.join(" and ");
  return `${parts.slice(0, -1).join(", ")}, and ${parts.at(-1)}`;
}

/** The folder that the LedgerProxyConfiguration in a file names. A file that is wrong is `run`'s concern, not that of a question. */
function ledgerIn(path: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const documents = readDocuments(path, text, "kubernetes").values.map(fieldsOf);
  const ours = documents.find(({ kind }) => kind === "LedgerProxyConfiguration");
  return typeof ours?.ledger === "string" ? ours.ledger : undefined;
}

const MACHINE: Surroundings = {
  variable(name) {
    try {
      return Deno.env.get(name);
    } catch (error) {
      // The program may run without the permission to read this variable.
      if (error instanceof Deno.errors.NotCapable) return undefined;
      throw error;
    }
  },
  text: (path) => unlessAbsent(() => readTextUpTo(path, CONFIG_BYTES_MAX)),
  hasLedger(path) {
    const names = unlessAbsent(() => [...Deno.readDirSync(path)].map(({ name }) => name)) ?? [];
    return names.some((name) => segmentFirst(name) !== undefined);
  },
};

function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
