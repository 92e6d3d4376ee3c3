#!/usr/bin/env bash
# proxy.sh PROXY: replaces the service proxy of every node.
#   daemonset    `ledgerproxy manifest | kubectl apply -f -`, with the image of images.sh
#   chart        `helm install`, with the same image and the values that README names
#   ledgerproxy  a process on each node, with the ServiceAccount of the manifest
#   kube-proxy   a process on each node, in nftables mode
#   none
# NODE_PORT_ADDRESSES: where NodePorts are served, in place of the default.
. "$(dirname "$0")/lib.sh"
what=$1
manifest() {
  on control deno run -A "$checkout/src/cli/main.ts" manifest --for kubeadm --all-nodes --kubeconfig "$dir/admin.kubeconfig" \
    --image registry.local/ledgerproxy:e2e ${MANIFEST_FLAGS:---set-sysctls} ${NODE_PORT_ADDRESSES:+--nodeport-addresses "$NODE_PORT_ADDRESSES"}
}

# The proxy before it ends, with all its objects, and its rules are deleted.
no_pods() { [ -z "$(k get pods -n kube-system -l app.kubernetes.io/name=ledgerproxy -o name)" ]; }
if [ "$(cat "$dir/proxy" 2>/dev/null)" = chart ]; then helm uninstall ledgerproxy -n kube-system --ignore-not-found --wait; fi
if [ -e "$dir/manifest.yaml" ]; then k delete -f "$dir/manifest.yaml" --ignore-not-found --wait >/dev/null; fi
until_true 60 "pods of ledgerproxy gone" no_pods
for node in $(all_nodes); do
  for proxy in ledgerproxy ledgerproxy-old kube-proxy; do stop "$node" "$proxy"; done
  net "$node" nft list tables | { grep -E 'kube-proxy|ledgerproxy' || true; } | while read -r _ family table; do net "$node" nft delete table "$family" "$table"; done
  net "$node" conntrack -F >/dev/null 2>&1 || true
done

case $what in
  none) ;;
  kube-proxy)
    # The gate is of KEP-6032: NodePorts on loopback.
    kube_proxy_configuration nftables ${NODE_PORT_ADDRESSES:+"nodePortAddresses: [$NODE_PORT_ADDRESSES]" "featureGates: {KubeProxyNFTablesLocalhostNodePorts: true}"} >"$dir/kube-proxy.yaml"
    for node in $(all_nodes); do start_proxy "$node" kube-proxy; done ;;
  ledgerproxy)
    manifest >"$dir/manifest.yaml"
    # Everything but the DaemonSet.
    k apply -f - >/dev/null < <(awk 'BEGIN{RS="---\n";ORS="---\n"} !/kind: DaemonSet/' "$dir/manifest.yaml")
    token=$(k create token ledgerproxy -n kube-system --duration 48h)
    # The image may read its own folders alone.
    for node in $(all_nodes); do
      cat >"$dir/$node/rootfs/var/lib/ledgerproxy/kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "$api", certificate-authority-data: "$(base64 -w0 "$dir/pki/ca.crt")"}}]
users: [{name: user, user: {token: $token}}]
contexts: [{name: e2e, context: {cluster: e2e, user: user}}]
current-context: e2e
END
    done
    (cd "$checkout" && deno task --quiet bundle >/dev/null)
    for node in $(all_nodes); do start_proxy "$node" ledgerproxy ${NODE_PORT_ADDRESSES:+--nodeport-addresses "$NODE_PORT_ADDRESSES"}; done ;;
  daemonset)
    manifest | tee "$dir/manifest.yaml" | k apply -f - ;;
  chart)
    rm -rf "$dir/chart"
    (cd "$checkout" && deno task --quiet chart "$dir/chart" >/dev/null)
    chart install ${NODE_PORT_ADDRESSES:+--set-json "flags=[\"--detect-local-mode=NodeCIDR\", \"--nodeport-addresses=$NODE_PORT_ADDRESSES\"]"} ;;
  *) echo "no such proxy: $what" >&2; exit 2 ;;
esac
echo "$what" >"$dir/proxy"
[ "$what" = none ] || for node in $(all_nodes); do serves "$node"; done
