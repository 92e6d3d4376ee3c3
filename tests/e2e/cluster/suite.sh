#!/usr/bin/env bash
# suite.sh FOLDER FOCUS [SKIP]: runs Kubernetes' end-to-end tests from the network of the control plane. The JUnit report and the
# log are in FOLDER.
. "$(dirname "$0")/lib.sh"
out=$1 focus=$2 skip=${3:-}
mkdir -p "$out"
status=0
on control env KUBECONFIG="$dir/admin.kubeconfig" ginkgo --procs "${PROCS:-4}" --seed "${SEED:-1}" --no-color --timeout "${TIMEOUT:-2h}" --focus "$focus" ${skip:+--skip "$skip"} ${LABELS:+--label-filter "$LABELS"} \
  "$bin/e2e.test" -- --provider skeleton --kubeconfig "$dir/admin.kubeconfig" --kubectl-path "$bin/kubectl" --report-dir "$out" --disable-log-dump \
  --num-nodes "$nodes" --allowed-not-ready-nodes 0 ${ARGS:-} >"$out/log" 2>&1 || status=$?
tail -n 25 "$out/log" | grep -E '^(Ran|FAIL|SUCCESS|PASS| *\[Fail\])' || true
exit $status
