# Shared by all scripts here. A machine is a set of namespaces (network, mounts, hostname, IPC, processes) that one process
# holds, its init. When the init ends, the kernel ends every process of the machine.
#
# Parameters by environment: E2E_DIR (state), E2E_BIN (programs), NODES, KUBERNETES (version). Give all scripts the same.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../../.." && pwd)
bin=${E2E_BIN:-${XDG_CACHE_HOME:-$HOME/.cache}/ledgerproxy/e2e}
kubernetes=${KUBERNETES:-1.37.2}
assets=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/ledgerproxy/kubernetes-$kubernetes}
dir=${E2E_DIR:-${TMPDIR:-/tmp}/ledgerproxy-e2e}
nodes=${NODES:-3}
cgroup=${E2E_CGROUP:-ledgerproxy-e2e}
net4=172.31.0 net6=fd00:172:31:
service4=10.96.0.0/16 service6=fd00:10:96::/112
pods4=10.244.0.0/16 pods6=fd00:10:244::/48
dns=10.96.0.10
api=https://$net4.1:6443
export PATH=$bin:$assets:$PATH

all_nodes() { for i in $(seq "$nodes"); do echo "node-$i"; done; }
pid_of() { cat "$dir/$1/init.pid"; }
on() { local machine=$1; shift; nsenter -t "$(pid_of "$machine")" -m -n -u -i -p -- "$@"; }
# In the network namespace alone, with the files and processes of the machine that this script runs on.
net() { local machine=$1; shift; nsenter -t "$(pid_of "$machine")" -n -- "$@"; }
# Starts a program on a machine; its pid, as the machine sees it, is in NAME.pid there, its output in NAME.log.
daemon() {
  local machine=$1 name=$2; shift 2
  on "$machine" setsid bash -c 'echo $$ >"$1"; exec >>"$2" 2>&1 </dev/null; shift 2; exec "$@"' - "$dir/$machine/$name.pid" "$dir/$machine/$name.log" "$@" >/dev/null 2>&1 </dev/null &
  disown
}
stop() { # machine name [signal]
  local file=$dir/$1/$2.pid
  [ -e "$file" ] || return 0
  on "$1" kill "-${3:-TERM}" "$(cat "$file")" 2>/dev/null || true
  for _ in $(seq 100); do on "$1" kill -0 "$(cat "$file")" 2>/dev/null || break; sleep 0.1; done
  rm -f "$file"
}
until_true() { # seconds what command...
  local seconds=$1 what=$2; shift 2
  for _ in $(seq $((seconds * 2))); do "$@" >/dev/null 2>&1 && return 0; sleep 0.5; done
  echo "$what: not there after $seconds s" >&2; return 1
}
# Helm on the control plane; `chart install|upgrade` with the values of the cluster and those given.
helm() {
  local program=${HELM:-$("$checkout/.ci/go-program" helm 3.19.2 helm.sh/helm/v3 helm.sh/helm/v3/cmd/helm)}
  on control env HELM_CACHE_HOME="$dir/helm" HELM_CONFIG_HOME="$dir/helm" HELM_DATA_HOME="$dir/helm" "$program" --kubeconfig "$dir/admin.kubeconfig" "$@"
}
chart() {
  helm "$1" ledgerproxy "$dir/chart" --namespace kube-system --set apiServer="$api" --set image.repository=registry.local/ledgerproxy --set image.tag=e2e \
    --set headLease=true --set monitoring.enabled=true "${@:2}"
}
k() { on control kubectl --kubeconfig "$dir/admin.kubeconfig" "$@"; }
api_server() {
  daemon control kube-apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --secure-port 6443 --advertise-address "$net4.1" \
    --service-cluster-ip-range "$service4,$service6" --allow-privileged --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --client-ca-file "$dir/pki/ca.crt" --token-auth-file "$dir/pki/tokens.csv" --tls-cert-file "$dir/pki/api.crt" --tls-private-key-file "$dir/pki/api.key" \
    --kubelet-client-certificate "$dir/pki/to-kubelet.crt" --kubelet-client-key "$dir/pki/to-kubelet.key" --kubelet-preferred-address-types InternalIP \
    --service-account-key-file "$dir/pki/sa.pub" --service-account-signing-key-file "$dir/pki/sa.key" --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --proxy-client-cert-file "$dir/pki/front.crt" --proxy-client-key-file "$dir/pki/front.key" --requestheader-client-ca-file "$dir/pki/ca.crt" \
    --requestheader-allowed-names front-proxy --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group --requestheader-extra-headers-prefix X-Remote-Extra-
}
# The command of the image that a checkout makes, a word a line, with the bundle of that checkout.
image_command() { # checkout
  sed -n '/^ENTRYPOINT/,/\]$/p' "$1/Dockerfile" | tr -d '\\\n' | sed 's/^ENTRYPOINT *//' |
    deno eval 'for (const word of JSON.parse(await new Response(Deno.stdin.readable).text())) console.log(word)' |
    sed "s|^/ledgerproxy/ledgerproxy.js$|$1/dist/ledgerproxy.js|"
}
kube_proxy_configuration() { # mode [field...]
  cat <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: $1
clusterCIDR: $pods4,$pods6
clientConnection: {kubeconfig: $dir/proxy.kubeconfig}
conntrack: {maxPerCore: 0}
healthzBindAddress: 0.0.0.0:10256
metricsBindAddress: 127.0.0.1:10249
END
  printf '%s\n' "${@:2}"
}
# Starts a proxy as a process on a node, with the files that proxy.sh made. The process ledgerproxy-old is that of $E2E_OLD, a
# checkout of an earlier release with its bundle.
start_proxy() { # node ledgerproxy|ledgerproxy-old|kube-proxy [flag...]
  local node=$1 proxy=$2 command
  shift 2
  case $proxy in
    kube-proxy) daemon "$node" kube-proxy kube-proxy --config "$dir/kube-proxy.yaml" --hostname-override "$node" --v 2 ;;
    ledgerproxy*)
      mapfile -t command < <(image_command "$([ "$proxy" = ledgerproxy ] && echo "$checkout" || echo "$E2E_OLD")")
      daemon "$node" "$proxy" deno "${command[@]:1}" run --kubeconfig /var/lib/ledgerproxy/kubeconfig \
        --ledger /var/lib/ledgerproxy/ledger --node "$node" --cluster-cidr "$pods4,$pods6" --metrics-bind-address 127.0.0.1:10249 "$@" ;;
  esac
}
serves() { until_true 120 "proxy on $1" net "$1" curl -sf http://127.0.0.1:10256/livez; }
