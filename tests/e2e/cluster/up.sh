#!/usr/bin/env bash
# Brings up a control plane and $NODES nodes on this machine, without a service proxy: proxy.sh starts one.
. "$(dirname "$0")/lib.sh"
[ ! -e "$dir/control/init.pid" ] || { echo "there is a cluster in $dir: down.sh first" >&2; exit 1; }
mkdir -p "$dir/pki"

# Programs authenticate with tokens, except to kubelets.
(
  cd "$dir/pki"
  [ -e ca.crt ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=e2e-ca -keyout ca.key -out ca.crt 2>/dev/null
  cert() { # name subject extensions
    [ -e "$1.crt" ] && return
    openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile <(echo "$3") -out "$1.crt" 2>/dev/null
  }
  cert api /CN=kube-apiserver "subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$net4.1,IP:10.96.0.1,IP:fd00:10:96::1"
  cert to-kubelet /O=system:masters/CN=kube-apiserver "extendedKeyUsage=clientAuth"
  cert admin /O=system:masters/CN=admin "extendedKeyUsage=clientAuth"
  cert front /CN=front-proxy "extendedKeyUsage=clientAuth"
  [ -e sa.key ] || openssl genrsa -out sa.key 2048 2>/dev/null
  [ -e sa.pub ] || openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
  {
    echo 'token-admin,admin,admin,"system:masters"'
    echo 'token-controllers,system:kube-controller-manager,kcm,""'
    echo 'token-scheduler,system:kube-scheduler,scheduler,""'
    echo 'token-proxy,system:kube-proxy,proxy,""'
    for node in $(all_nodes); do echo "token-$node,system:node:$node,$node,\"system:nodes\""; done
  } >tokens.csv
)
kubeconfig() { # file token
  cat >"$1" <<END
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "$api", certificate-authority: $dir/pki/ca.crt}}]
users: [{name: user, user: {token: $2}}]
contexts: [{name: e2e, context: {cluster: e2e, user: user}}]
current-context: e2e
END
}
for user in controllers scheduler proxy $(all_nodes); do kubeconfig "$dir/$user.kubeconfig" "token-$user"; done
# The admin has a certificate, as those of kubeadm do.
cat >"$dir/admin.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "$api", certificate-authority: $dir/pki/ca.crt}}]
users: [{name: admin, user: {client-certificate: $dir/pki/admin.crt, client-key: $dir/pki/admin.key}}]
contexts: [{name: e2e, context: {cluster: e2e, user: admin}}]
current-context: e2e
END

machine() {
  mkdir -p "$dir/$1"
  setsid unshare --net --mount --uts --ipc --pid --fork --kill-child bash "$here/machine.sh" "$1" "$dir/$1" "$bin/pause" >"$dir/$1/machine.log" 2>&1 </dev/null &
  local holder=$!
  disown
  until_true 10 "init of $1" pgrep -P "$holder" -x pause || { cat "$dir/$1/machine.log" >&2; exit 1; }
  pgrep -P "$holder" >"$dir/$1/init.pid"
}

machine control
net control sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
net control ip link add underlay type bridge
net control ip link set underlay up
net control ip address add "$net4.1/24" dev underlay
net control ip address add "$net6:1/64" dev underlay nodad

daemon control etcd etcd --data-dir "$dir/control/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
until_true 30 etcd on control curl -sf http://127.0.0.1:2379/health
api_server
until_true 120 "API server" k get --raw /readyz
daemon control kube-controller-manager kube-controller-manager --kubeconfig "$dir/controllers.kubeconfig" --authentication-kubeconfig "$dir/controllers.kubeconfig" \
  --authorization-kubeconfig "$dir/controllers.kubeconfig" --use-service-account-credentials --service-account-private-key-file "$dir/pki/sa.key" --root-ca-file "$dir/pki/ca.crt" \
  --cluster-signing-cert-file "$dir/pki/ca.crt" --cluster-signing-key-file "$dir/pki/ca.key" --allocate-node-cidrs --cluster-cidr "$pods4,$pods6" \
  --service-cluster-ip-range "$service4,$service6" --node-cidr-mask-size-ipv4 24 --node-cidr-mask-size-ipv6 64 --leader-elect=false --bind-address 127.0.0.1
daemon control kube-scheduler kube-scheduler --kubeconfig "$dir/scheduler.kubeconfig" --authentication-kubeconfig "$dir/scheduler.kubeconfig" \
  --authorization-kubeconfig "$dir/scheduler.kubeconfig" --leader-elect=false --bind-address 127.0.0.1

# A pod without cluster DNS finds no name server.
echo "nameserver 127.0.0.1" >"$dir/resolv.conf"
for i in $(seq "$nodes"); do
  node=node-$i
  for controller in /sys/fs/cgroup/*/; do
    group=$controller$cgroup/$node
    mkdir -p "$group" 2>/dev/null || continue
    for parent in "$controller$cgroup" "$group"; do
      for file in cpuset.cpus cpuset.mems; do
        [ ! -e "$parent/$file" ] || cat "$(dirname "$parent")/$file" >"$parent/$file"
      done
    done
  done
  machine "$node"
  net "$node" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
  net control ip link add "n$i" type veth peer name eth0 netns "$(pid_of "$node")"
  net control ip link set "n$i" master underlay up
  net "$node" ip link set eth0 up
  net "$node" ip address add "$net4.$((10 + i))/24" dev eth0
  net "$node" ip address add "$net6:$((10 + i))/64" dev eth0 nodad
  net "$node" ip route add default via "$net4.1"
  net "$node" ip -6 route add default via "$net6:1"
  net "$node" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  cp "$bin"/cni/* "$dir/$node/rootfs/opt/cni/bin/"
  cat >"$dir/$node/containerd.toml" <<END
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "registry.k8s.io/pause:3.10.2"
# Without CAP_SYS_RESOURCE no process may lower its OOM score.
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/opt/cni/bin"]
  conf_dir = "/etc/cni/net.d"
END
  daemon "$node" containerd containerd --config "$dir/$node/containerd.toml"
  cat >"$dir/$node/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $dir/pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup/$node
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: [none]
clusterDNS: [$dns]
clusterDomain: cluster.local
resolvConf: $dir/resolv.conf
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
serializeImagePulls: false
readOnlyPort: 0
END
  until_true 30 "containerd on $node" on "$node" ctr version
  {
    on "$node" ctr -n k8s.io images import --no-unpack "$dir/images.tar"
    on "$node" ctr -n k8s.io images import --no-unpack "$dir/ledgerproxy-image.tar"
  } >"$dir/$node/images.log" 2>&1 &
  imports+=($!)
  daemon "$node" kubelet kubelet --config "$dir/$node/kubelet.yaml" --kubeconfig "$dir/$node.kubeconfig" --hostname-override "$node" --node-ip "$net4.$((10 + i)),$net6:$((10 + i))" \
    --node-labels "topology.kubernetes.io/zone=zone-$i,topology.kubernetes.io/region=region-1" --v "${KUBELET_V:-2}"
done
wait "${imports[@]}"

for i in $(seq "$nodes"); do
  node=node-$i
  until_true 120 "pod CIDRs of $node" bash -c "nsenter -t $(pid_of control) -m -n -p -- kubectl --kubeconfig $dir/admin.kubeconfig get node $node -o jsonpath='{.spec.podCIDRs}' | grep -q :"
  read -r cidr4 cidr6 < <(k get node "$node" -o jsonpath='{.spec.podCIDRs[0]} {.spec.podCIDRs[1]}{"\n"}')
  for other in control $(all_nodes); do
    [ "$other" = "$node" ] && continue
    net "$other" ip route replace "$cidr4" via "$net4.$((10 + i))"
    net "$other" ip -6 route replace "$cidr6" via "$net6:$((10 + i))"
  done
  # Each pod has a host route, as in kind. So packets between two pods of a node are routed, and connection tracking sees them.
  cat >"$dir/$node/rootfs/etc/cni/net.d/10-e2e.conflist" <<END
{"cniVersion": "1.0.0", "name": "e2e", "plugins": [
  {"type": "ptp", "ipMasq": false, "mtu": 1500,
   "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam", "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}], "ranges": [[{"subnet": "$cidr4"}], [{"subnet": "$cidr6"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "backend": "nftables"}
]}
END
done
until_true 180 "nodes ready" k wait --for condition=Ready node --all --timeout 2s
sed "s|@dns@|$dns|" "$here/coredns.yaml" | k apply -f - >/dev/null
k get nodes -o wide
daemon control balancers deno run -A "$here/balancers.ts" "$api" "$dir/pki/ca.crt" token-admin
