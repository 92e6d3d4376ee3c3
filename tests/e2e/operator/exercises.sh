#!/usr/bin/env bash
# What an operator does, under a constant load from a pod (cluster IPs) and from outside (NodePort, load balancer). Prints the
# failed connections of each phase.
#
#   exercises.sh FOLDER      PHASES="rolling drain ..." instead of all that fit the proxy; API_AWAY=300 seconds
#
# FOLDER/PHASE has what was counted (result.json), what each target answered, and the output of the phase's commands. A phase with a
# number at its end (upgrade-2) is the same once more. With kube-proxy the same phases are run beside: `upgrade` starts it again node by node, `migrate-*` changes its mode and back.
. "$(dirname "$0")/../cluster/lib.sh"
operator=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
proxy=$(cat "$dir/proxy")
out=$1
image=registry.k8s.io/e2e-test-images/agnhost:2.66.1
mkdir -p "$out"

deployment() { # name arguments [external traffic policy]
  cat <<END
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1, namespace: operator}
spec:
  replicas: 6
  strategy: {rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      terminationGracePeriodSeconds: 15
      containers:
      - {name: web, image: "$image", args: $2, readinessProbe: {periodSeconds: 1, httpGet: {path: /readyz, port: 8080}}}
---
apiVersion: v1
kind: Service
metadata: {name: $1, namespace: operator}
spec:
  type: LoadBalancer
  externalTrafficPolicy: ${3:-Cluster}
  ipFamilyPolicy: PreferDualStack
  selector: {app: $1}
  ports: [{port: 80, targetPort: 8080}]
END
}
client_pod() {
  cat <<END
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: operator}
spec: {nodeName: node-1, containers: [{name: client, image: "$image", args: [pause]}]}
END
}

k delete namespace operator --ignore-not-found --wait >/dev/null 2>&1 || true
k create namespace operator >/dev/null
{
  deployment graceful '[netexec, --http-port=8080, --delay-shutdown=5]'
  deployment abrupt '[netexec, --http-port=8080]'
  deployment local '[netexec, --http-port=8080, --delay-shutdown=5]' Local
  client_pod
} | k apply -f - >/dev/null
k rollout status -n operator deployment --timeout 180s >/dev/null
k wait -n operator pod/client --for condition=Ready --timeout 60s >/dev/null
balanced() { [ "$(k get svc -n operator -o jsonpath='{.items[*].status.loadBalancer.ingress[0].ip}' | wc -w)" = 3 ]; }
until_true 30 "addresses of the load balancer" balanced

get() { k get svc -n operator "$1" -o jsonpath="$2"; }
client_ip=$(k get pod -n operator client -o jsonpath='{.status.podIP}')
client_net=$(on node-1 sh -c "for n in \$(ls /run/netns); do ip netns exec \$n ip -o addr | grep -q ' $client_ip/' && echo \$n; done; true")
inside=() outside=()
for name in graceful abrupt local; do
  inside+=("$(get $name '{.spec.clusterIPs[0]}'):80" "[$(get $name '{.spec.clusterIPs[1]}')]:80")
  # A node without an endpoint does not answer for a Local Service, so the NodePort of `local` is left out.
  [ $name = local ] || outside+=("$net4.12:$(get $name '{.spec.ports[0].nodePort}')")
  outside+=("$(get $name '{.status.loadBalancer.ingress[0].ip}'):80")
done
# The balancer spreads by addresses alone. By ports, a change of a route would move open connections to another node.
net control sysctl -qw net.ipv4.fib_multipath_hash_policy=0
trap 'net control sysctl -qw net.ipv4.fib_multipath_hash_policy=1' EXIT

failed_of() { # phase completed(true|false)
  local side
  for side in inside outside; do
    deno eval 'for (const [target, { ok, failed, pods, slowest }] of Object.entries(JSON.parse(Deno.readTextFileSync(Deno.args[0])))) {
      console.log(`  ${Deno.args[1]} ${target}: ${ok} ok, failed ${JSON.stringify(failed)}, ${pods} pods, slowest ${slowest} ms`);
    }' "$out/$1/$side" "$side"
  done
  deno eval 'const [title, folder, completed] = Deno.args;
    const all = ["inside", "outside"].flatMap((side) => Object.values(JSON.parse(Deno.readTextFileSync(`${folder}/${side}`))));
    const ok = all.reduce((sum, { ok }) => sum + ok, 0);
    const failed = all.flatMap(({ failed }) => Object.values(failed)).reduce((sum, count) => sum + count, 0);
    console.log(`${title}: ${failed} of ${ok + failed} connections failed`);
    Deno.writeTextFileSync(`${folder}/result.json`, `${JSON.stringify({ ok, failed, completed: completed === "true" })}\n`);' "$proxy $1" "$out/$1" "$2"
}
# The function of a phase: `kill_proxy` of kill-proxy, `upgrade` of upgrade-2.
function_of() { local name=${1%-[0-9]}; echo "${name//-/_}"; }
# The load goes on until the command has ended, and 15 s longer.
measure() { # phase
  local phase=$1 pids=() completed=true
  rm -f "$out/stop"
  on node-1 ip netns exec "$client_net" deno run -A "$operator/load.ts" "$out/stop" 2 "${inside[@]}" >"$out/$phase/inside" &
  pids+=($!)
  on control deno run -A "$operator/load.ts" "$out/stop" 2 "${outside[@]}" >"$out/$phase/outside" &
  pids+=($!)
  sleep 2
  echo "$(date +%T) $phase"
  # In the background, because `set -e` does not hold left of a ||.
  ("$(function_of "$phase")") >"$out/$phase/log" 2>&1 &
  wait $! || { completed=false; echo "  failed: see $out/$phase/log"; }
  sleep 15
  touch "$out/stop"
  wait "${pids[@]}"
  failed_of "$phase" "$completed"
}
. "$operator/phases.sh"
case $proxy in
  daemonset) phases="rolling kill-proxy drain configuration api-away" ;;
  chart) phases="configuration checks" ;;
  ledgerproxy) phases="${E2E_OLD:+upgrade upgrade-2 }migrate-nftables migrate-iptables" ;;
  kube-proxy) phases="rolling kill-proxy drain configuration api-away upgrade upgrade-2 migrate-iptables" ;;
esac
[ "$proxy" != ledgerproxy ] || [ -n "${E2E_OLD:-}" ] || echo "upgrade: not run, E2E_OLD names no checkout of an earlier release"
for phase in ${PHASES:-$phases}; do
  mkdir -p "$out/$phase"
  before=before_$(function_of "$phase")
  if declare -F "$before" >/dev/null; then "$before" >"$out/$phase/before" 2>&1; fi
  measure "$phase"
done
k delete namespace operator --wait=false >/dev/null
