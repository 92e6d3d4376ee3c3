# The program as one file of JavaScript on Deno's runtime; no nft, iptables or conntrack inside. Tests run the same
# bundle; the image itself is built by whoever has an engine for it.
FROM node:22-bookworm AS build
RUN npm install -g --allow-scripts=deno deno@2.9.6
WORKDIR /src
COPY deno.json deno.lock ./
COPY src ./src
RUN deno install --frozen && deno bundle --minify --output /out/ledgerproxy.js src/cli/main.ts \
 && cp "$(deno eval 'console.log(Deno.execPath())')" /out/deno

FROM gcr.io/distroless/cc-debian12
COPY --from=build /out /ledgerproxy
ENTRYPOINT ["/ledgerproxy/deno", "run", "--allow-ffi", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-net", "/ledgerproxy/ledgerproxy.js"]
CMD ["run", "--source", "/etc/ledgerproxy", "--ledger", "/var/lib/ledgerproxy"]
