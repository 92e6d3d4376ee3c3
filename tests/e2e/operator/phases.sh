# The phases of exercises.sh, each a function. A function before_PHASE brings the cluster to where the phase begins, without load.

restart() { k rollout restart -n operator "deployment/$1"; }
settled() { k rollout status -n operator deployment --timeout 180s; }
rolling() { for name in graceful abrupt local; do restart $name; done; settled; }

# Kills the proxy of every node, one after the other. kubelet starts those of the DaemonSet again.
kill_everywhere() {
  local node
  for node in $(all_nodes); do
    if [ "$proxy" = daemonset ] || [ "$proxy" = chart ]; then
      on "$node" pkill -KILL -f /ledgerproxy/ledgerproxy.js
    else
      stop "$node" "$proxy" KILL
      start_proxy "$node" "$proxy"
    fi
    sleep 1
  done
}
kill_proxy() {
  for _ in 1 2 3; do
    kill_everywhere
    for node in $(all_nodes); do serves "$node"; done
    restart graceful
  done
  settled
}

# The API server is away for five minutes, and every proxy is killed meanwhile; kubelet starts those of the DaemonSet again.
api_away() {
  stop control kube-apiserver KILL
  sleep 20
  kill_everywhere
  sleep $((${API_AWAY:-300} - 20))
  api_server
  until_true 60 "API server" k get --raw /readyz
  restart graceful
  settled
}

drain() {
  k drain node-3 --ignore-daemonsets --delete-emptydir-data --force --timeout 120s
  settled
  k uncordon node-3
  restart graceful
  settled
}

# A value that changes the rules: masqueradeAll on, and off again.
configured() { # true|false
  local node
  case $proxy in
    daemonset)
      k patch daemonset -n kube-system ledgerproxy --type json --patch "[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/args/-\", \"value\": \"--masquerade-all=$1\"}]"
      k rollout status -n kube-system daemonset/ledgerproxy --timeout 180s ;;
    chart)
      chart upgrade --set "flags={--detect-local-mode=NodeCIDR,--masquerade-all=$1}"
      k rollout status -n kube-system daemonset/ledgerproxy --timeout 180s ;;
    kube-proxy)
      kube_proxy_configuration nftables "nftables: {masqueradeAll: $1}" >"$dir/kube-proxy.yaml"
      for node in $(all_nodes); do stop "$node" kube-proxy; start_proxy "$node" kube-proxy; serves "$node"; done ;;
  esac
}
configuration() { configured true; configured false; }

# The Jobs of the chart, which say of each node whether it can run the proxy.
checks() {
  chart upgrade --set check.all=true
  k wait -n kube-system job -l app.kubernetes.io/name=ledgerproxy-check --for condition=Complete --timeout 120s
  [ "$(k get jobs -n kube-system -l app.kubernetes.io/name=ledgerproxy-check -o name | wc -l)" = "$nodes" ]
  k logs -n kube-system -l app.kubernetes.io/name=ledgerproxy-check --tail 1
}

# Without the ledger, the rules and the connections of an earlier run.
old_everywhere() {
  local node
  for node in $(all_nodes); do
    stop "$node" ledgerproxy
    net "$node" sh -c 'for family in ip ip6; do nft delete table $family ledgerproxy || true; done'
    rm -rf "$dir/$node/rootfs/var/lib/ledgerproxy/ledger"
    start_proxy "$node" ledgerproxy-old
    serves "$node"
  done
}
before_upgrade() { [ "$proxy" != ledgerproxy ] || old_everywhere; }
upgrade() {
  local node
  restart graceful
  for node in $(all_nodes); do
    case $proxy in
      ledgerproxy) stop "$node" ledgerproxy-old ;;
      *) stop "$node" "$proxy" ;;
    esac
    start_proxy "$node" "$proxy"
    serves "$node"
  done
  settled
}

# The commands of README's "Migrate" and "Go back", node by node.
ours() { # node command...
  local node=$1
  shift
  on "$node" deno run -A "$checkout/dist/ledgerproxy.js" "$@"
}
migrate_nftables() {
  local node waits
  kube_proxy_configuration nftables >"$dir/kube-proxy.yaml"
  for node in $(all_nodes); do
    stop "$node" ledgerproxy
    ours "$node" cleanup --after kube-proxy-ready &
    waits=$!
    start_proxy "$node" kube-proxy
    wait $waits
    serves "$node"
  done
  restart graceful
  settled
  for node in $(all_nodes); do
    stop "$node" kube-proxy
    start_proxy "$node" ledgerproxy
    serves "$node"
  done
  settled
}
migrate_iptables() {
  local node
  kube_proxy_configuration iptables >"$dir/kube-proxy.yaml"
  for node in $(all_nodes); do
    case $proxy in
      ledgerproxy)
        stop "$node" ledgerproxy
        start_proxy "$node" kube-proxy
        until_true 60 "chains of Services" net "$node" sh -c "iptables-save -t nat | grep -q KUBE-SVC"
        ours "$node" cleanup ;;
      kube-proxy) stop "$node" kube-proxy; start_proxy "$node" kube-proxy ;;
    esac
    serves "$node"
  done
  restart graceful
  settled
  kube_proxy_configuration nftables >"$dir/kube-proxy.yaml"
  for node in $(all_nodes); do
    stop "$node" kube-proxy
    start_proxy "$node" "$proxy"
    serves "$node"
    [ "$proxy" != ledgerproxy ] || on "$node" kube-proxy --config "$dir/kube-proxy.yaml" --cleanup
  done
  settled
}
