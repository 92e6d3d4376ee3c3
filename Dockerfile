# The program as one JavaScript file on Deno's runtime, without shell, nft, iptables or conntrack. Tests run the same bundle
# with the same permissions. `deno task image` builds the same image without Docker, and `deno task e2e` runs that.
FROM golang:1.26-bookworm AS launcher
WORKDIR /src
COPY Dockerfile .ci/launcher/main.go ./
RUN command=$(sed -n '/^ENTRYPOINT/,/\]$/p' Dockerfile | tr -d '\\\n' | sed 's/^ENTRYPOINT *\["//; s/"\]$//; s/", *"/ /g') && \
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X 'main.command=$command'" -o /opt/ledgerproxy main.go

FROM node:22-bookworm AS build
RUN npm install -g --allow-scripts=deno deno@2.9.6
WORKDIR /src
COPY deno.json deno.lock ./
COPY src ./src
COPY .ci/bundle.ts ./.ci/
RUN deno install --frozen && deno task bundle && cp dist/ledgerproxy.js "$(deno eval 'console.log(Deno.execPath())')" /opt

FROM gcr.io/distroless/cc-debian12
COPY --from=build /opt/deno /opt/ledgerproxy.js /ledgerproxy/
# For `kubectl exec ds/ledgerproxy -- ledgerproxy status`.
COPY --from=launcher /opt/ledgerproxy /usr/bin/ledgerproxy
# glibc gives each thread its own pool of memory, and keeps what is free in each. Two pools hold 10 MB less after 100 s with 90
# changes a second, and take no more CPU. Why not mallopt(3)? The threads of the runtime have their pools before the program begins.
ENV MALLOC_ARENA_MAX=2
# The user is root of the container, with the only capability of the pod, NET_ADMIN. That, the seccomp profile and the read-only
# root file system bound the program: a call of libc, which netlink needs, passes every check of the runtime. Its permissions
# bound a fault of a library. They name libc, the ledger's folder, a configuration and the pod's account. Files of /proc and
# /sys, which Deno opens only with --allow-all, are read through libc, so none of them needs a permission. What stays wide:
# --allow-net, because an image does not know the API server (`manifest` prints a command with its addresses); --allow-env,
# because libraries look for variables of many names, and a pod's have no secret; and Deno opens a path that it allows as it is
# written, wherever links lead. There is no --allow-run: a pod has a service account, so no exec plugin is needed.
ENTRYPOINT ["/ledgerproxy/deno", "run", "--no-prompt", "--no-remote", "--v8-flags=--expose-gc,--max-semi-space-size=4,--heap-growing-percent=50,--preconfigured-old-space-size=400", \
  "--allow-ffi=/lib/x86_64-linux-gnu/libc.so.6,/lib/aarch64-linux-gnu/libc.so.6", "--allow-net", \
  "--allow-read=/ledgerproxy,/var/lib/ledgerproxy,/var/lib/kube-proxy,/var/run/secrets/kubernetes.io/serviceaccount,/run/secrets/kubernetes.io/serviceaccount", \
  "--allow-write=/var/lib/ledgerproxy", "--allow-env", "--allow-sys=hostname,networkInterfaces,osRelease,uid", \
  "/ledgerproxy/ledgerproxy.js"]
CMD ["run", "--ledger", "/var/lib/ledgerproxy/ledger"]
