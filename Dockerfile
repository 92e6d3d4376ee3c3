# The program as one file of JavaScript on Deno's runtime; no shell, nft, iptables or conntrack inside. Tests run the
# same bundle with the same permissions; the image itself is built by whoever has an engine for it.
FROM node:22-bookworm AS build
RUN npm install -g --allow-scripts=deno deno@2.9.6
WORKDIR /src
COPY deno.json deno.lock ./
COPY src ./src
RUN deno install --frozen && deno task bundle && cp dist/ledgerproxy.js "$(deno eval 'console.log(Deno.execPath())')" /opt

FROM gcr.io/distroless/cc-debian12
COPY --from=build /opt/deno /opt/ledgerproxy.js /ledgerproxy/
# Root of the container, with the capabilities that the pod leaves it: NET_ADMIN. Exec plugins of kubeconfigs would need
# --allow-run and their program; in a pod there is a service account.
ENTRYPOINT ["/ledgerproxy/deno", "run", "--no-prompt", "--no-remote", "--v8-flags=--expose-gc,--max-semi-space-size=4", \
  "--allow-ffi", "--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", "/ledgerproxy/ledgerproxy.js"]
CMD ["run", "--ledger", "/var/lib/ledgerproxy/ledger"]
