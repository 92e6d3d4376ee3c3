// A real API server, the program that follows it on a real kernel, and `plan` beside them. The program is stopped while the API server
// stores a change, so that `plan` is asked before the node knows it.

import assert from "node:assert/strict";
import { list } from "../../../src/engine/executor.ts";
import { NetlinkKernel } from "../../../src/kernel/netlink_kernel.ts";
import { readLedger } from "../../../src/ledger/reader.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { imageCommand } from "../bundle.ts";
import { Lab } from "../lab/lab.ts";
import { type Manifest, NODE_NAME } from "../scenario/scenario.ts";
import { until } from "../until.ts";
import { serviceManifest, type Write } from "./arbitrary_change.ts";
import { ApiError, ControlPlane, end, type Json } from "./control_plane.ts";
import { API_ADDRESS, connectApi, disconnectApi, furnishApi } from "./oracle.ts";
import type { Said, Standing } from "./plan_judge.ts";
import { startLedgerproxy } from "./program.ts";

const PATHS = {
  Service: "/api/v1/namespaces/shop/services",
  EndpointSlice: "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
} as const;
const NODE_PATH = `/api/v1/nodes/${NODE_NAME}`;
/** The marker's Service has one element with this as a part of its key. */
const MARKER_ADDRESS = "10.96.200.200";
/** The Service whose changes show how far the kernel is. */
export const MARKER = "marker";
/** The API server, the lab and the program on its node. */
export class PlanBench implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly lab = new Lab();
  plane!: ControlPlane;
  #kernel!: NetlinkKernel;
  #program: Deno.ChildProcess | undefined;
  #round = 0;

  static async start(config: readonly string[]): Promise<PlanBench> {
    const bench = new PlanBench();
    connectApi(bench.lab);
    bench.plane = await ControlPlane.start(API_ADDRESS);
    await furnishApi(bench.plane);
    bench.#kernel = bench.lab.inside("node", () => new NetlinkKernel());
    bench.#program = startLedgerproxy(
      bench.lab,
      `${bench.folder}/log`,
      ...["run", "--kubeconfig", bench.plane.kubeconfig(), "--ledger", bench.ledger, "--node", NODE_NAME],
      ...config,
    );
    await bench.mark();
    await bench.settled();
    return bench;
  }

  get ledger(): string {
    return `${this.folder}/ledger`;
  }

  /** Changes the marker: when the kernel has the change, it has all that came before. */
  async mark(): Promise<void> {
    const [round, number] = [++this.#round, 10 + this.#round % 50_000];
    const metadata = { name: MARKER, namespace: "shop" };
    const service = { clusterIP: MARKER_ADDRESS, ports: [{ port: number }] };
    const slice = {
      addressType: "IPv4",
      ports: [{ name: "", port: number }],
      endpoints: [{ addresses: [`10.250.${round >> 8 & 255}.${round & 255}`] }],
    };
    const labelled = { ...metadata, labels: { "kubernetes.io/service-name": MARKER } };
    await this.#put("Service", { apiVersion: "v1", kind: "Service", metadata, spec: service });
    const head = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: labelled };
    await this.#put("EndpointSlice", { ...head, ...slice });
  }

  /** Waits until the kernel and the ledger have the marker's last change. */
  async settled(): Promise<Standing> {
    const round = this.#round;
    const key = `${MARKER_ADDRESS} . tcp . ${10 + round % 50_000}`;
    const value = `10.250.${round >> 8 & 255}.${round & 255} . ${10 + round % 50_000}`;
    await until(`the kernel has marker ${round}; ${this.#lastWords()}`, () => {
      const listed = list(this.#kernel);
      if (listed.kind !== "listed") return false;
      return [...listed.ruleset.elements.values()].some((set) =>
        [...set.values()].some((element) => element.key === key && element.value === value)
      );
    });
    await until(
      "the ledger has the commit",
      () =>
        [...readLedger(folderStorage(this.ledger, false))].some(({ record }) =>
          record.kind === "commit" &&
          record.changes.some((change) => change.key === key && change.value === value)
        ),
    );
    return this.standing();
  }

  /** The rules in the kernel, and the objects in the API server. */
  async standing(): Promise<Standing> {
    const listed = list(this.#kernel);
    assert.equal(listed.kind, "listed");
    const objects = await Promise.all([
      ...(["Service", "EndpointSlice"] as const).map(async (kind) => {
        const { items, apiVersion } = await this.plane.call("GET", PATHS[kind]);
        return (items as Manifest[]).map((one) => ({ ...one, apiVersion, kind }));
      }),
      this.plane.call("GET", NODE_PATH).then((node) => [node as Manifest]),
    ]);
    return { ruleset: (listed as { ruleset: Standing["ruleset"] }).ruleset, objects: objects.flat() };
  }

  stop(): void {
    this.#program!.kill("SIGSTOP");
  }

  goOn(): void {
    this.#program!.kill("SIGCONT");
  }

  /** Makes the API server store `write`; returns the manifest as it was written, or undefined where it is refused or changes nothing. */
  async store(write: Write): Promise<Manifest | "deleted" | undefined> {
    try {
      if (write.kind === "Node") return await this.#storeNode(write.manifest);
      if (write.kind === "delete") {
        await this.plane.call("DELETE", `${PATHS[write.of]}/${write.name}`);
        return "deleted";
      }
      const live = await this.#read(write.kind, write.name);
      const manifest = write.kind === "Service" ? serviceManifest(write.wish, live) : write.manifest;
      await this.#put(write.kind, manifest);
      if (write.kind === "Service" && write.wish.type === "LoadBalancer") await this.#balance(write.wish);
      return manifest;
    } catch (error) {
      if (error instanceof ApiError) return undefined;
      throw error;
    }
  }

  async #storeNode({ status, ...node }: Manifest): Promise<Manifest> {
    const stored = await this.plane.call("PATCH", NODE_PATH, node as Json);
    await this.plane.call("PUT", `${NODE_PATH}/status`, { ...stored, status } as Json);
    return node as Manifest;
  }

  async #balance({ number, balancers }: { number: number; balancers: readonly Json[] | readonly object[] }) {
    const path = `${PATHS.Service}/s${number}`;
    const stored = await this.plane.call("GET", path);
    const status = balancers.length > 0 ? { loadBalancer: { ingress: balancers } } : {};
    await this.plane.call("PUT", `${path}/status`, { ...stored, status });
  }

  async #read(kind: "Service" | "EndpointSlice", name: string): Promise<Json | undefined> {
    try {
      return await this.plane.call("GET", `${PATHS[kind]}/${name}`);
    } catch (error) {
      if (error instanceof ApiError) return undefined;
      throw error;
    }
  }

  async #put(kind: "Service" | "EndpointSlice", manifest: Manifest): Promise<void> {
    const { name } = manifest.metadata;
    const live = await this.#read(kind, name);
    if (live === undefined) return void await this.plane.call("POST", PATHS[kind], manifest);
    const { resourceVersion } = live["metadata"] as Json;
    const metadata = { ...manifest.metadata, resourceVersion };
    await this.plane.call("PUT", `${PATHS[kind]}/${name}`, { ...manifest, metadata });
  }

  /** Runs `plan` on files with `applied` and `deleted`. */
  async plan(applied: readonly Manifest[], deleted: readonly Manifest[] = []): Promise<Said> {
    const file = (name: string, items: readonly Manifest[]) => {
      const path = `${this.folder}/${name}.json`;
      Deno.writeTextFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
      return path;
    };
    const [program, ...args] = imageCommand(
      ...["plan", "--json", "--ledger", this.ledger],
      ...(applied.length > 0 ? ["-f", file("applied", applied)] : []),
      ...(deleted.length > 0 ? ["--delete", file("deleted", deleted)] : []),
    );
    const { code, stdout, stderr } = await new Deno.Command(program!, { args }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(code < 2, new TextDecoder().decode(stderr));
    return { code, ...JSON.parse(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#program !== undefined) await end(this.#program);
    this.#kernel?.[Symbol.dispose]();
    await this.plane?.[Symbol.asyncDispose]();
    disconnectApi();
    this.lab[Symbol.dispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }

  #lastWords(): string {
    return Deno.readTextFileSync(`${this.folder}/log`).split("\n").slice(-4).join(" / ");
  }
}
