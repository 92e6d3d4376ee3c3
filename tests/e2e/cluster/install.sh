#!/usr/bin/env bash
# install.sh daemonset|chart [FOLDER]: from a cluster without a proxy to one where all Services answer, with the one line that README
# has. First a Deployment with Services of every type is made, then the clock starts; it stops when each node reaches each address
# of each Service, and fails after 60 s. FOLDER gets result.json. Run it after up.sh, or after `proxy.sh none`.
. "$(dirname "$0")/lib.sh"
proxy=$1 out=${2:-}
image=registry.k8s.io/e2e-test-images/agnhost:2.66.1
k delete namespace installed --ignore-not-found --wait >/dev/null
k create namespace installed >/dev/null
k apply -f - >/dev/null <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: installed}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "$image", args: [netexec, --http-port=8080], readinessProbe: {periodSeconds: 1, httpGet: {path: /readyz, port: 8080}}}]}
---
{apiVersion: v1, kind: Service, metadata: {name: cluster, namespace: installed}, spec: {ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: nodes, namespace: installed}, spec: {type: NodePort, ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: balanced, namespace: installed}, spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, sessionAffinity: ClientIP, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
END
k rollout status -n installed deployment/web --timeout 120s >/dev/null
addresses=$(k get services -n installed -o jsonpath='{range .items[*]}{.spec.clusterIPs[0]}{" "}{.spec.clusterIPs[1]}{" "}{end}')
targets=()
for address in $addresses; do case $address in *:*) targets+=("http://[$address]/hostname") ;; *) targets+=("http://$address/hostname") ;; esac; done
targets+=("http://$net4.11:30080/hostname" "http://[$net6:12]:30080/hostname" "https://10.96.0.1/readyz")
reached() { # node: every Service from there, the API server's too
  local target
  for target in "${targets[@]}"; do net "$1" curl -skf --max-time 1 -o /dev/null -H 'Authorization: Bearer token-admin' "$target" || return 1; done
}
! reached node-1 || { echo "the Services answer already: this is no cluster without a proxy" >&2; exit 1; }

began=$(date +%s%3N)
"$(dirname "$0")/proxy.sh" "$proxy"
left=$((60 - ($(date +%s%3N) - began) / 1000))
for node in $(all_nodes); do until_true "$left" "all Services from $node" reached "$node"; done
resolved() { k exec -n installed deployment/web -- dig +short +time=1 +tries=1 cluster.installed.svc.cluster.local | grep -q ^10; }
until_true "$left" "names of Services in a pod" resolved
ms=$(($(date +%s%3N) - began))
echo "from no proxy to all Services, on every node: $ms ms"
[ -z "$out" ] || printf '{"ok": %d, "failed": 0, "completed": true, "seconds": %d.%d}\n' "$((${#targets[@]} * nodes))" $((ms / 1000)) $((ms / 100 % 10)) >"$out/result.json"
k delete namespace installed --wait=false >/dev/null
[ "$ms" -lt 60000 ]
