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
# The user is root of the container, with the only capability of the pod, NET_ADMIN. There is no --allow-run: a pod has a service
# account, so no kubeconfig with an exec plugin is needed.
ENTRYPOINT ["/ledgerproxy/deno", "run", "--no-prompt", "--no-remote", "--v8-flags=--expose-gc,--max-semi-space-size=4", \
  "--allow-ffi", "--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", "/ledgerproxy/ledgerproxy.js"]
CMD ["run", "--ledger", "/var/lib/ledgerproxy/ledger"]
