// Where the API server is and who we are to it: from a kubeconfig (client-go's clientcmd/api/v1, Kubernetes 1.37) or the
// service account of the pod. Programs that make credentials are left to plugin_credentials.ts, for who has one.

import * as z from "../kube/zod.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { readDocuments } from "./manifest_documents.ts";

/** The way to an API server. */
export interface Access {
  /** `https://10.0.0.1:6443`, without a slash at its end. */
  readonly server: string;
  /** URL of a proxy in between. */
  readonly proxy: string | undefined;
  /** What to show the server now: files are read anew, as what they hold rotates. Throws where that fails. */
  credentials(): Promise<Credentials>;
}

/** What is shown to the server, and what it must show. */
export interface Credentials {
  /** Certificates in PEM; undefined: those the system trusts. */
  readonly ca: string | undefined;
  /** The client's certificate and key in PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

const text = z.string().nullish();
const data = z.string().refine(isBase64, "not base64; a file is named without -data").nullish();
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
type Cluster = Kubeconfig["clusters"][number]["cluster"];
type User = z.output<typeof USER>;

/**
 * The way that the kubeconfig at `path` shows, or, without one, the service account of the pod; to the server `master` in
 * place of theirs. Throws {@link KubeconfigProblem}.
 */
export function readAccess(path: string | undefined, master: string | undefined): Access {
  return path === undefined ? podAccess(master) : fileAccess(path, master);
}

function podAccess(master: string | undefined): Access {
  const [host, port] = [Deno.env.get("KUBERNETES_SERVICE_HOST"), Deno.env.get("KUBERNETES_SERVICE_PORT")];
  if (host === undefined) {
    throw new KubeconfigProblem(
      "this is not a pod (KUBERNETES_SERVICE_HOST is not set): give --kubeconfig FILE, or --source PATH",
    );
  }
  try {
    Deno.statSync(`${SERVICE_ACCOUNT}/token`);
  } catch {
    throw new KubeconfigProblem(
      `${SERVICE_ACCOUNT}/token: cannot be read; the pod needs a service account token (automountServiceAccountToken)`,
    );
  }
  const cluster = {
    server: master ?? `https://${host.includes(":") ? `[${host}]` : host}:${port ?? 443}`,
    "certificate-authority": `${SERVICE_ACCOUNT}/ca.crt`,
  };
  checkCluster("in-cluster", cluster, (text) => new KubeconfigProblem(`in-cluster config: ${text}`));
  return access(cluster, { tokenFile: `${SERVICE_ACCOUNT}/token` });
}

function fileAccess(path: string, master: string | undefined): Access {
  const problem = (text: string) => new KubeconfigProblem(`kubeconfig ${path}: ${text}`);
  const { clusters, contexts, users, "current-context": current } = parsed(path, problem);
  const names = (list: readonly { readonly name: string }[]) =>
    list.map(({ name }) => name).join(", ") || "none";
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
  const cluster = withWholePaths(path, { ...named.cluster, server: master ?? named.cluster.server });
  checkCluster(named.name, cluster, problem);
  const own = withWholePaths<User>(path, user?.user ?? {});
  for (const file of [own["client-certificate"], own["client-key"]]) if (file) readable(file, problem);
  return access(cluster, own, own.exec || own["auth-provider"] ? path : undefined);
}

function parsed(path: string, problem: (text: string) => KubeconfigProblem): Kubeconfig {
  let content: string;
  try {
    content = Deno.readTextFileSync(path);
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound;
    throw problem(absent ? "there is no such file" : (error as Error).message);
  }
  const { values: [document], problems: [broken] } = readDocuments(path, content);
  if (broken !== undefined) throw problem(broken);
  const { success, data, error } = KUBECONFIG.safeParse(document ?? {});
  if (success) return data;
  const { path: place, message } = error.issues[0]!;
  throw problem(`${place.join(".") || "the file"}: ${message}`);
}

/** Fields of a kubeconfig that name files, which are relative to its folder. */
const FILES = ["certificate-authority", "client-certificate", "client-key", "tokenFile"] as const;

function withWholePaths<T extends Cluster | User>(kubeconfig: string, fields: T): T {
  const whole: Record<string, unknown> = { ...fields };
  for (const field of FILES) {
    const file = whole[field];
    if (typeof file === "string" && file !== "" && !file.startsWith("/")) {
      whole[field] = `${kubeconfig.slice(0, kubeconfig.lastIndexOf("/") + 1)}${file}`;
    }
  }
  return whole as T;
}

function checkCluster(name: string, cluster: Cluster, problem: (text: string) => KubeconfigProblem): void {
  const { server, "certificate-authority": ca } = cluster;
  if (!URL.canParse(server) || new URL(server).protocol !== "https:") {
    throw problem(`cluster "${name}": server ${JSON.stringify(server)} is not an https URL`);
  }
  if (cluster["insecure-skip-tls-verify"]) {
    throw problem(
      `cluster "${name}": insecure-skip-tls-verify is refused; give certificate-authority instead`,
    );
  }
  if (cluster["tls-server-name"]) {
    throw problem(
      `cluster "${name}": tls-server-name is not supported; use a server name the certificate has`,
    );
  }
  if (ca) readable(ca, problem);
}

function readable(file: string, problem: (text: string) => KubeconfigProblem): void {
  try {
    Deno.readFileSync(file);
  } catch (error) {
    throw problem(`${file}: ${(error as Error).message.replace(/:.*/, "")}`);
  }
}

/** `plugin`: the kubeconfig whose user has a program that makes credentials. */
function access(cluster: Cluster, user: User, plugin?: string): Access {
  let ofPlugin: (() => Promise<Partial<Credentials>>) | undefined;
  return {
    server: cluster.server.replace(/\/$/, ""),
    proxy: cluster["proxy-url"] || undefined,
    async credentials() {
      const own = {
        ca: pem(cluster["certificate-authority-data"], cluster["certificate-authority"]),
        cert: pem(user["client-certificate-data"], user["client-certificate"]),
        key: pem(user["client-key-data"], user["client-key"]),
        headers: headersOf(user),
      };
      if (plugin === undefined) return own;
      ofPlugin ??= (await import("./plugin_credentials.ts")).pluginCredentials(plugin);
      const made = await ofPlugin();
      return { ...own, ...made, headers: { ...own.headers, ...made.headers } };
    },
  };
}

/** Data in the kubeconfig goes before the file it may name too. */
function pem(data: string | null | undefined, file: string | null | undefined): string | undefined {
  if (data) return new TextDecoder().decode(Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0)));
  return file ? Deno.readTextFileSync(file) : undefined;
}

function isBase64(text: string): boolean {
  try {
    atob(text);
    return true;
  } catch {
    return false;
  }
}

/** A token file goes before a token, which goes before a name and password, as in client-go. */
function headersOf({ as, token, tokenFile, username, password }: User): Record<string, string> {
  const headers: Record<string, string> = as ? { "impersonate-user": as } : {};
  const bearer = tokenFile ? Deno.readTextFileSync(tokenFile).trim() : token;
  if (bearer) headers["authorization"] = `Bearer ${bearer}`;
  else if (username) headers["authorization"] = `Basic ${btoa(`${username}:${password ?? ""}`)}`;
  return headers;
}
