// A real kube-apiserver with etcd, and kube-proxy, from the folder that KUBEBUILDER_ASSETS names. They live as long as
// the object that started them, in a folder of their own, and end with it.

import { generateKeyPairSync } from "node:crypto";
import { until } from "../until.ts";
import { Authority } from "./certificates.ts";

const TOKEN = "test-token";

const KUBERNETES = "1.37.2";
/** The API server needs ten seconds of CPU time, of a machine that may do other work. */
const START_MILLISECONDS = 240_000;
/** Longest wait for an answer. A request that began while the server did was never answered once (Deno 2.9.6, load 10). */
const ANSWER_MILLISECONDS = 60_000;
/** The same while the server starts: it is asked again. */
const READY_MILLISECONDS = 10_000;

/** The folder with etcd, kube-apiserver and kube-proxy: KUBEBUILDER_ASSETS, or where .ci/kubernetes puts them. */
export function assetsFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return Deno.env.get("KUBEBUILDER_ASSETS") ?? `${cache}/ledgerproxy/kubernetes-${KUBERNETES}`;
}

/** Why there can be no control plane here; undefined where there can. */
export function missingAssets(): string | undefined {
  const missing = ["etcd", "kube-apiserver", "kube-proxy"].filter((program) => {
    try {
      return !Deno.statSync(`${assetsFolder()}/${program}`).isFile;
    } catch {
      return true;
    }
  });
  return missing.length === 0
    ? undefined
    : `${missing.join(", ")} not in ${assetsFolder()}: make them with .ci/kubernetes (6 minutes, once)`;
}

/** A JSON object of the API. */
export type Json = Record<string, unknown>;

/** The API server refused a request. */
export class ApiError extends Error {}

/** Etcd and the API server; dispose of it to end them. */
export class ControlPlane implements AsyncDisposable {
  readonly #folder: string;
  readonly #processes: Deno.ChildProcess[] = [];
  #apiServer: Deno.ChildProcess | undefined;
  #apiServerEnded = false;
  #hasAnswered = false;
  #client: Deno.HttpClient | undefined;

  /** The authority that signs certificates of clients. */
  readonly clients: Authority;

  private constructor(readonly address: string, readonly serviceRange: string) {
    this.#folder = Deno.makeTempDirSync({ prefix: "ledgerproxy-control-plane-" });
    this.clients = new Authority(`${this.#folder}/clients`);
  }

  /** Starts both, the API server with `flags` at `address`, which must be up in this namespace and not loopback. */
  static async start(
    address: string,
    serviceRange = "10.96.0.0/12,fd00:96::/112",
    ...flags: readonly string[]
  ): Promise<ControlPlane> {
    const plane = new ControlPlane(address, serviceRange);
    try {
      plane.#startEtcd();
      plane.#makeKeys();
      await plane.startApiServer(...flags);
      await until("the API server has its own Service", () => plane.#hasOwnService());
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      throw error;
    }
    return plane;
  }

  /** One call of the API; returns the answer's JSON. Throws with the server's message where it is an error. */
  async call(method: string, path: string, body?: Json): Promise<Json> {
    const response = await this.#fetch(method, path, body);
    const answer = await response.json() as Json;
    if (!response.ok) throw new ApiError(`${method} ${path}: ${answer["message"]}`);
    return answer;
  }

  /** The lines of a watch, as JSON, until `signal` aborts. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<Json> {
    try {
      const { body } = await this.#fetch("GET", path, undefined, signal);
      let rest = "";
      for await (const text of body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) yield JSON.parse(line) as Json;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /**
   * A kubeconfig file for programs that use the API. It has the administrator's token unless `user` replaces it; `cluster` adds
   * fields about the server.
   */
  kubeconfig(user: Json = { token: TOKEN }, cluster: Json = {}): string {
    const path = Deno.makeTempFileSync({ dir: this.#folder, prefix: "kubeconfig-" });
    const named = (key: string, value: Json) => [{ name: "test", [key]: value }];
    Deno.writeTextFileSync(
      path,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: named("cluster", {
          server: `https://${this.address}:6443`,
          "certificate-authority": `${this.#folder}/apiserver.crt`,
          ...cluster,
        }),
        users: named("user", user),
        contexts: named("context", { cluster: "test", user: "test" }),
        "current-context": "test",
      }),
    );
    return path;
  }

  /** The process of the API server. */
  get apiServerPid(): number {
    return this.#apiServer!.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.close();
    for (const process of this.#processes.reverse()) await end(process);
    Deno.removeSync(this.#folder, { recursive: true });
  }

  #startEtcd(): void {
    // In a network namespace of its own etcd may have its usual ports.
    this.#start("etcd", [`--data-dir=${this.#folder}/etcd`, "--log-level=error", "--unsafe-no-fsync"]);
  }

  /** Ends the API server at once; etcd goes on. */
  async killApiServer(): Promise<void> {
    await end(this.#apiServer!);
  }

  #makeKeys(): void {
    const keys = `${this.#folder}/service-account`;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    Deno.writeTextFileSync(keys, privateKey.export({ type: "pkcs1", format: "pem" }) as string);
    this.setTokens({});
  }

  /** Accepts `tokens`, by user, beside the administrator's, from the next start of the API server on. */
  setTokens(tokens: Readonly<Record<string, string>>): void {
    const lines = Object.entries(tokens).map(([user, token]) => `${token},${user},${user},system:masters\n`);
    Deno.writeTextFileSync(
      `${this.#folder}/tokens.csv`,
      [`${TOKEN},admin,admin,system:masters\n`, ...lines].join(""),
    );
  }

  /** Compacts etcd: watches cannot be resumed from an older version (410). */
  async compact(): Promise<void> {
    const post = async (path: string, body: Json) => {
      const answer = await fetch(`http://127.0.0.1:2379/v3/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      return await answer.json() as { header: { revision: string } };
    };
    const { header: { revision } } = await post("kv/range", { key: btoa("x") });
    await post("kv/compaction", { revision, physical: true });
  }

  /** Starts the API server with `flags`, at first or again, and waits until it answers. */
  async startApiServer(...flags: readonly string[]): Promise<void> {
    this.#startApiServer(flags);
    await until("kube-apiserver answers", async () => {
      // On a busy machine it may give up what it does at its start, and ends then.
      if (this.#apiServerEnded) this.#startApiServer(flags);
      return await this.#isReady();
    }, START_MILLISECONDS);
  }

  #startApiServer(flags: readonly string[]): void {
    const keys = `${this.#folder}/service-account`;
    const process = this.#apiServer = this.#start("kube-apiserver", [
      "--etcd-servers=http://127.0.0.1:2379",
      `--token-auth-file=${this.#folder}/tokens.csv`,
      `--client-ca-file=${this.clients.certificate}`,
      `--cert-dir=${this.#folder}`,
      "--service-account-issuer=https://test",
      `--service-account-key-file=${keys}`,
      `--service-account-signing-key-file=${keys}`,
      `--service-cluster-ip-range=${this.serviceRange}`,
      "--authorization-mode=RBAC",
      "--allow-privileged",
      `--advertise-address=${this.address}`,
      `--bind-address=${this.address}`,
      "--disable-admission-plugins=ServiceAccount",
      ...flags,
    ]);
    this.#apiServerEnded = false;
    void process.status.then(() => {
      if (this.#apiServer === process) this.#apiServerEnded = true;
    });
  }

  async #isReady(): Promise<boolean> {
    try {
      this.#client ??= Deno.createHttpClient({
        caCerts: [Deno.readTextFileSync(`${this.#folder}/apiserver.crt`)],
      });
      const late = AbortSignal.timeout(READY_MILLISECONDS);
      const response = await this.#fetch("GET", "/readyz", undefined, late);
      await response.body?.cancel();
      this.#hasAnswered = true;
      return response.ok;
    } catch {
      // Its certificate may have been read while it was written: a client without an authority would never reach it.
      if (!this.#hasAnswered) {
        this.#client?.close();
        this.#client = undefined;
      }
      return false;
    }
  }

  /** It makes that after it is ready, and tries again after ten seconds where its namespace is not there yet. */
  async #hasOwnService(): Promise<boolean> {
    const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
    try {
      await this.call("GET", "/api/v1/namespaces/default/services/kubernetes");
      await this.call("GET", slices);
      return true;
    } catch (error) {
      if (error instanceof ApiError) return false;
      throw error;
    }
  }

  #start(program: string, args: readonly string[]): Deno.ChildProcess {
    const process = startProgram(program, args, `${this.#folder}/${program}.log`);
    this.#processes.push(process);
    return process;
  }

  async #fetch(
    method: string,
    path: string,
    body?: Json,
    signal = AbortSignal.timeout(ANSWER_MILLISECONDS),
  ): Promise<Response> {
    return await fetch(`https://${this.address}:6443${path}`, {
      method,
      signal,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": contentType(method) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      client: this.#client!,
    });
  }
}

function contentType(method: string): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

/** Starts a program of the assets in the namespace of the calling thread, its output going to `logFile`. */
export function startProgram(program: string, args: readonly string[], logFile: string): Deno.ChildProcess {
  const script = `exec "$0" "$@" > ${logFile} 2>&1`;
  return new Deno.Command("sh", {
    args: ["-c", script, `${assetsFolder()}/${program}`, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Ends a program this process started. */
export async function end(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await process.status;
}
