// Loaded before a program (`deno run --preload`): no address of IPv6 can be listened on, as on a kernel that began with ipv6.disable=1.

const { listen } = Deno;

Deno.listen = Object.assign((options: Deno.ListenOptions & { port: number }): Deno.TcpListener => {
  if (options.hostname?.includes(":")) {
    throw new Error("Address family not supported by protocol (os error 97)");
  }
  return listen(options);
}, listen);
