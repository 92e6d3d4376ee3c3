// `ledgerproxy manifest`: prints the objects that run the proxy on the nodes of a cluster. With --for it asks the cluster what it
// needs to know, and prints above the objects how to free the place of kube-proxy in that distribution.

import { behindServiceRules } from "../../ingest/server_address.ts";
import { writeDocuments } from "../../ingest/yaml_documents.ts";
import { withFacts } from "../../install/asked_cluster.ts";
import { type Distribution, DISTRIBUTIONS, instructions } from "../../install/distributions.ts";
import {
  installationObjects,
  type InstallationOptions,
  type KnownOptions,
  namespaceText,
  networkOfPods,
  networkText,
  settingsOfPods,
} from "../../install/installation.ts";
import { EXIT } from "../../node/exit_code.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";
import { SERVICE_PROXY_NAME_FLAG, withCounting, withProxyFlags } from "../source_flags.ts";
import { printText } from "../terminal.ts";

/** The distributions that --for can name. */
const KNOWN = Object.keys(DISTRIBUTIONS).join(", ");

const EXAMPLE = `
Examples:
  ledgerproxy manifest --image registry.example/ledgerproxy:0.6.0 \\
      --api-server https://10.0.0.2:6443 --cluster-cidr 10.244.0.0/16 |
      kubectl apply -f -
  ledgerproxy manifest --image registry.example/ledgerproxy:0.6.0 \\
      --config-map kube-proxy   # as kubeadm made it`;

/** Adds `manifest` to the program. It has kube-proxy's flags too, and checks them before any node reads them. */
export function addManifest(program: Command, done: Done): void {
  const command = withCounting(
    program.command("manifest")
      .description(
        "print what kubectl applies to run the proxy on every node: account, permissions, DaemonSet",
      )
      .requiredOption("--image <image>", "the image to run")
      .option(
        "--api-server <url>",
        "URL at which nodes reach the API server; a cluster IP works only once the proxy runs",
      )
      .option(
        "--for <distribution>",
        `ask the cluster for its addresses and configuration; print how to stop kube-proxy: ${KNOWN}`,
      )
      .option(
        "--kubeconfig <file>",
        "with --for: a kubeconfig, for the cluster (default: KUBECONFIG, or ~/.kube/config)",
      )
      .option(
        "--all-nodes",
        "with --for: run on every node, not only on those with the label ledgerproxy=serve",
      )
      .option(
        "--config-map <name>",
        "in place of flags: a ConfigMap with config.conf and the files that it names, as kubeadm makes it",
      )
      .option("--namespace <name>", "namespace of the account and the DaemonSet", "kube-system")
      .option(
        "--create-namespace",
        "with --namespace: print the namespace too, which allows privileged pods then",
      )
      .option("--ledger <dir>", "folder of the ledger on each node (/var/lib/ledgerproxy)")
      .option(...SERVICE_PROXY_NAME_FLAG)
      .option("--set-sysctls", "add a privileged init container that sets the limits of connection tracking")
      .option("--head-lease", "publish heads of each ledger in a Lease; add what allows that, and no more")
      .option("--pod-monitor", "add a PodMonitor and a metrics Service, for the Prometheus operator")
      .option("--rules", "add a PrometheusRule with alerts; each names its runbook")
      .option("--dashboard", "add a ConfigMap with a Grafana dashboard")
      .option(
        "--metrics-job <name>",
        "job label of the metrics; with kube-proxy, dashboards for kube-proxy show them",
        "ledgerproxy",
      )
      .addHelpText("after", EXAMPLE),
  );
  withProxyFlags(command).action(async (options: InstallationOptions) => done(await manifest(options)));
}

/** Prints the objects as YAML; returns the exit code. Throws {@link UsageError}. */
async function manifest(options: InstallationOptions): Promise<number> {
  const distribution = distributionOf(options);
  const asked: KnownOptions = distribution === undefined ? options : await withFacts(options, distribution);
  const { apiServer } = asked;
  if (apiServer !== undefined && !(URL.canParse(apiServer) && apiServer.startsWith("https://"))) {
    throw new UsageError(`--api-server ${apiServer}: it must be an https URL, such as https://10.0.0.2:6443`);
  }
  if (apiServer !== undefined && new URL(apiServer).username !== "") {
    throw new UsageError(
      "--api-server: leave out the name and the password: the pods have an account of their own",
    );
  }
  const behind = apiServer === undefined ? undefined : behindServiceRules(apiServer, [], false);
  if (behind !== undefined) {
    throw new UsageError(
      `--api-server ${apiServer}: ${behind}, and no Service works before this proxy does; give an address of the API server ` +
        "itself, or of a load balancer outside of the cluster",
    );
  }
  const canary = distribution !== undefined && options.allNodes !== true;
  // All that can be wrong is found before anything is printed.
  const settings = settingsOfPods(asked);
  const network = networkOfPods(asked, settings);
  const objects = installationObjects(asked, canary, network, settings);
  // Beside kube-proxy there is nothing to stop.
  if (distribution !== undefined && options.serviceProxyName === undefined) {
    const text = instructions(distribution, { ...options, canary, mode: asked.kubeProxyMode });
    printText(text);
    // In a pipe to kubectl no person reads the comments of standard output.
    if (!Deno.stdout.isTerminal()) console.error(text);
  }
  printText(networkText(network));
  const aboutNamespace = namespaceText(asked);
  if (aboutNamespace !== undefined) printText(aboutNamespace);
  printText(writeDocuments(objects).trimEnd());
  return EXIT.done;
}

/** The distribution that is asked for. Without one, the flags must say how pods reach the API server. */
function distributionOf(
  { for: name, apiServer, configMap }: InstallationOptions,
): Distribution | undefined {
  if (name !== undefined) {
    const found = Object.hasOwn(DISTRIBUTIONS, name) ? DISTRIBUTIONS[name] : undefined;
    if (found === undefined) throw new UsageError(`--for ${name}: unknown; it takes ${KNOWN}`);
    return found;
  }
  if ((apiServer === undefined) === (configMap === undefined)) {
    throw new UsageError(
      `give --for ${KNOWN}, or one of --api-server URL and --config-map NAME: ` +
        "a pod finds the API server by a cluster IP, and those do not work before this proxy does",
    );
  }
  return undefined;
}
