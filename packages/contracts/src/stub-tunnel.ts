// SPDX-License-Identifier: Apache-2.0
import { createServer as createHttp } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** An HTTPS service that only a proxy leads to, by whatever name of `*.us-east-1.amazonaws.com` it is called. */
export interface StubTunnel {
  /** URL of the proxy. */
  url: string;
  /** Port of the service itself, which is `localhost` too. */
  port: number;
  /** Each wish for a tunnel: where to, and its headers. */
  readonly asked: { target: string; headers: IncomingHttpHeaders }[];
  /** What the proxy does with the next wishes: a tunnel, an answer of this status, or a closed connection. */
  mode: 'tunnel' | number | 'hang up';
  close(): Promise<void>;
}

/** Starts both; `serve` answers what comes out of the tunnel. */
export async function startStubTunnel(
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<StubTunnel> {
  const sockets = new Set<Socket>();
  const listen = async (server: Server): Promise<number> => {
    server.on('connection', (socket) => sockets.add(socket));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as AddressInfo).port;
  };
  const service = createHttps({ key, cert: certificate }, serve);
  const proxy = createHttp();
  const port = await listen(service);
  const stub: StubTunnel = {
    url: `http://127.0.0.1:${await listen(proxy)}`,
    port,
    asked: [],
    mode: 'tunnel',
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([service, proxy].map((s) => new Promise((done) => s.close(done))));
    },
  };
  proxy.on('connect', (request, client: Socket) => {
    stub.asked.push({ target: request.url ?? '', headers: request.headers });
    if (stub.mode === 'hang up') return void client.destroy();
    if (stub.mode !== 'tunnel') return void client.end(`HTTP/1.1 ${stub.mode} No\r\nContent-Length: 0\r\n\r\n`);
    const server = connect(stub.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) socket.on('error', () => [client, server].map((s) => s.destroy()));
  });
  return stub;
}

// For tests only: self-signed, for *.us-east-1.amazonaws.com and localhost, good until 2126. Made with
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=stint test" \
//   -addext "subjectAltName=DNS:*.us-east-1.amazonaws.com,DNS:localhost"
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghktpOqQfBkGJpFNn
qSjNqLvJLaI7o/zGQCnNopqaoLihRANCAATsNUqO3IhD2R7etknzcP9ol3sLOAXy
QPpmhqk9ZfnB3liOFzxHtH2NJO7uBRzpGanIqGuHqinV46SmdGDotzWZ
-----END PRIVATE KEY-----`;

/** What a client has to trust. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBszCCAVqgAwIBAgIUPAcgbZJUPA4ZPM7+83BV8ye+4QowCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKc3RpbnQgdGVzdDAgFw0yNjExMjUyMTE1MDVaGA8yMTI2MTEw
MTIxMTUwNVowFTETMBEGA1UEAwwKc3RpbnQgdGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABOw1So7ciEPZHt62SfNw/2iXews4BfJA+maGqT1l+cHeWI4XPEe0
fY0k7u4FHOkZqcioa4eqKdXjpKZ0YOi3NZmjgYUwgYIwHQYDVR0OBBYEFKhXgKGk
0EWq8Y2ozHR8kvJBayaOMB8GA1UdIwQYMBaAFKhXgKGk0EWq8Y2ozHR8kvJBayaO
MA8GA1UdEwEB/wQFMAMBAf8wLwYDVR0RBCgwJoIZKi51cy1lYXN0LTEuYW1hem9u
YXdzLmNvbYIJbG9jYWxob3N0MAoGCCqGSM49BAMCA0cAMEQCICeDfP7/ZMcZkDrE
HADID7/OXsWMKEnvWQBGfjQQullYAiBm7otm5nLpV0I1XoQFlC3ScgAMR11MTNhA
ZQXhFkK9Kw==
-----END CERTIFICATE-----`;
