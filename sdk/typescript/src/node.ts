import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { PolicyHandler } from "./policy.js";

/** Where to listen. */
export interface ServeOptions {
  /** `PORT`, or 8092. */
  readonly port?: number;
  /** `HOST`, or 127.0.0.1. The server asks over TLS unless the sidecar is on its own machine. */
  readonly host?: string;
}

/** A sidecar that listens. */
export interface Serving {
  /** Where. */
  readonly url: string;
  /** Stops listening, and waits for the answers that are under way. */
  close(): Promise<void>;
}

/** How long a request may take to come in, in milliseconds. */
const REQUEST_TIMEOUT = 10_000;
const MAX_CONNECTIONS = 1024;

/** Serves a sidecar with Node.js until SIGTERM or SIGINT. Refuses to start with settings that are wrong. */
export async function serve(handler: PolicyHandler, options: ServeOptions = {}): Promise<Serving> {
  handler.check();
  const host = options.host ?? (process.env.HOST || "127.0.0.1");
  const port = options.port ?? portOf(process.env.PORT);
  const server = createServer({ headersTimeout: REQUEST_TIMEOUT / 2, requestTimeout: REQUEST_TIMEOUT });
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  const { address, family, port: bound } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
  const underWay = new Set<Promise<void>>();
  server.on("request", (incoming, outgoing) => {
    const answered = exchange(handler, url, incoming, outgoing).finally(() => underWay.delete(answered));
    underWay.add(answered);
  });

  let closing: Promise<void> | undefined;
  const close = () => {
    process.off("SIGTERM", close).off("SIGINT", close);
    closing ??= closed(server, underWay);
    return closing;
  };
  process.on("SIGTERM", close).on("SIGINT", close);
  console.log(`placet: listening on ${url}`);
  return { url, close };
}

async function exchange(
  handler: PolicyHandler,
  url: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const response = await handler(toRequest(url, incoming));
    // What is left of a refused body is not worth reading.
    if (!incoming.complete) outgoing.setHeader("connection", "close");
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body) await pipeline(Readable.fromWeb(response.body), outgoing);
    else outgoing.end();
  } catch {
    // The caller has gone, or sent what is no request.
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(400, { connection: "close" }).end();
  }
}

function toRequest(url: string, incoming: IncomingMessage): Request {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const method = incoming.method ?? "GET";
  const path = incoming.url?.startsWith("/") ? incoming.url : "/";
  const body = method === "GET" || method === "HEAD" ? null : Readable.toWeb(incoming);
  return new Request(url + path, { method, headers, body, duplex: "half" });
}

function portOf(text: string | undefined): number {
  if (!text) return 8092;
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65_535) throw new TypeError("`PORT` is not a port");
  return port;
}

async function closed(server: Server, underWay: ReadonlySet<Promise<void>>): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
  await Promise.all(underWay);
  // What is left are connections that callers keep for later.
  server.closeAllConnections();
  await ended;
}
