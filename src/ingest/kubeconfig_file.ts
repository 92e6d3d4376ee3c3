// The file of a kubeconfig (client-go's clientcmd/api/v1, Kubernetes 1.37): its schema, and the cluster and user of its
// current context. Messages name fields and files, never their content, because they end in the log and in /healthz.

import { isJsonObject } from "../kube/json_value.ts";
import { CONFIG_BYTES_MAX } from "../limits/input.ts";
import { expectation } from "../kube/quoted.ts";
import * as z from "../kube/zod.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { readFault, readTextUpTo } from "./bounded_file.ts";
import { fromBase64, type ProblemMaker } from "./credential_files.ts";
import { readDocuments } from "./manifest_documents.ts";
import { readTextUnblocked } from "./unblocked_file.ts";

const text = z.string().nullish();
const data = z.string().refine(
  (text) => fromBase64(text) !== undefined,
  "not base64; a file is named without -data",
).nullish();
const listOf = <T extends z.ZodType>(entry: T) => z.array(entry).nullish().transform((list) => list ?? []);

const USER = z.object({
  as: text,
  "auth-provider": z.unknown().nullish(),
  "client-certificate": text,
  "client-certificate-data": data,
  "client-key": text,
  "client-key-data": data,
  exec: z.unknown().nullish(),
  password: text,
  token: text,
  tokenFile: text,
  username: text,
});

const KUBECONFIG = z.object({
  clusters: listOf(z.object({
    name: z.string(),
    cluster: z.object({
      server: z.string(),
      "certificate-authority": text,
      "certificate-authority-data": data,
      "insecure-skip-tls-verify": z.boolean().nullish(),
      "proxy-url": text,
      "tls-server-name": text,
    }),
  })),
  contexts: listOf(z.object({
    name: z.string(),
    context: z.object({ cluster: z.string(), user: z.string().nullish() }),
  })),
  users: listOf(z.object({ name: z.string(), user: USER.nullish() })),
  "current-context": text,
});

type Kubeconfig = z.output<typeof KUBECONFIG>;
/** Fields of a cluster. */
export type KubeconfigCluster = Kubeconfig["clusters"][number]["cluster"];
/** Fields of a user. */
export type KubeconfigUser = z.output<typeof USER>;

/** The cluster and the user of a kubeconfig's current context, with absolute paths in place of relative ones. */
export interface CurrentContext {
  /** Name of the cluster, for messages. */
  readonly name: string;
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
}

/** Reads the kubeconfig at `path`. Throws what `problem` makes where it cannot be used. */
export function readKubeconfig(path: string, problem: ProblemMaker): CurrentContext {
  try {
    return contextIn(path, readTextUpTo(path, CONFIG_BYTES_MAX), problem);
  } catch (error) {
    throw unreadable(error, problem);
  }
}

/** As {@link readKubeconfig}, while the program runs: the promise stays pending while the disk does not answer. */
export async function readKubeconfigAgain(path: string, problem: ProblemMaker): Promise<CurrentContext> {
  try {
    return contextIn(path, await readTextUnblocked(path, CONFIG_BYTES_MAX), problem);
  } catch (error) {
    throw unreadable(error, problem);
  }
}

function unreadable(error: unknown, problem: ProblemMaker): unknown {
  if (error instanceof KubeconfigProblem) return error;
  return problem(error instanceof Deno.errors.NotFound ? "there is no such file" : readFault(error));
}

/** The context in the `content` of the kubeconfig at `path`. */
function contextIn(path: string, content: string, problem: ProblemMaker): CurrentContext {
  const { clusters, contexts, users, "current-context": current } = parsed(content, problem);
  if (!current) throw problem(`current-context is not set; contexts: ${names(contexts)}`);
  const context = contexts.find(({ name }) => name === current)?.context;
  if (context === undefined) {
    throw problem(`current-context "${current}" is not one of contexts: ${names(contexts)}`);
  }
  const named = clusters.find(({ name }) => name === context.cluster);
  if (named === undefined) {
    throw problem(
      `context "${current}": cluster "${context.cluster}" is not one of clusters: ${names(clusters)}`,
    );
  }
  const user = users.find(({ name }) => name === context.user);
  if (context.user && user === undefined) {
    throw problem(`context "${current}": user "${context.user}" is not one of users: ${names(users)}`);
  }
  const provider = wrongProvider(user?.user?.["auth-provider"]);
  if (provider !== undefined) throw problem(`user "${context.user}": auth-provider ${provider}`);
  return {
    name: named.name,
    cluster: withPaths(path, named.cluster, "certificate-authority"),
    user: withPaths(path, user?.user ?? {}, "client-certificate", "client-key", "tokenFile"),
  };
}

/** Providers that ran programs, removed in Kubernetes 1.26. */
const REMOVED_PROVIDERS = ["gcp", "azure"];

/** What is wrong with an auth provider. Kubernetes 1.37 has oidc alone. */
function wrongProvider(provider: unknown): string | undefined {
  const name = isJsonObject(provider) ? provider["name"] : "oidc";
  if (!provider || name === "oidc") return undefined;
  const removed = REMOVED_PROVIDERS.find((removed) => removed === name);
  return removed === undefined
    ? "is not oidc; use an exec plugin"
    : `${removed}: removed from Kubernetes; use its exec plugin`;
}

function names(list: readonly { readonly name: string }[]): string {
  return list.map(({ name }) => name).join(", ") || "none";
}

function parsed(content: string, problem: ProblemMaker): Kubeconfig {
  const { values: [document], problems: [broken] } = readDocuments("the file", content);
  if (broken !== undefined) throw problem(broken.replace(/\. .*/, ""));
  const { success, data, error } = KUBECONFIG.safeParse(document ?? {}, z.SELDOM_READ);
  if (success) return data;
  const [issue] = error.issues;
  const place = issue!.path.join(".");
  throw problem(
    place === ""
      ? "the file: clusters, users and contexts are expected, as kubectl config view --flatten --raw prints them"
      : `${place}: ${expectation(issue!)}`,
  );
}

/** `fields` with absolute paths: a path in a kubeconfig is relative to the folder of the kubeconfig. */
function withPaths<F extends string, T extends { readonly [field in F]?: string | null | undefined }>(
  kubeconfig: string,
  fields: T,
  ...files: readonly F[]
): T {
  const folder = kubeconfig.slice(0, kubeconfig.lastIndexOf("/") + 1);
  const absolute = files.flatMap((field) => {
    const file = fields[field];
    return file && !file.startsWith("/") ? [[field, `${folder}${file}`]] : [];
  });
  return { ...fields, ...Object.fromEntries(absolute) };
}
