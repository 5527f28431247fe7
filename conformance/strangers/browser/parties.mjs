// Relying parties with a stock client library, each of which learns of a logout in its own way.

import { createServer } from 'node:http';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** A relying party: `front`, `back` or `watch`. */
export class Party {
  /** Serves it on a port of its own, and registers it with the server. */
  static async start(kind, issuer) {
    const party = new Party(kind, issuer);
    await party.open();
    const metadata = {
      client_name: `The ${kind} app`,
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [`${party.base}/callback`],
      post_logout_redirect_uris: [`${party.base}/bye`],
      ...(kind === 'front' && {
        frontchannel_logout_uri: `${party.base}/out`,
        frontchannel_logout_session_required: true,
      }),
      ...(kind === 'back' && {
        backchannel_logout_uri: `${party.base}/out`,
        backchannel_logout_session_required: true,
      }),
    };
    party.config = await client.dynamicClientRegistration(
      new URL(issuer), metadata, undefined, { execute: [client.allowInsecureRequests] },
    );
    return party;
  }

  constructor(kind, issuer) {
    this.kind = kind;
    this.issuer = issuer;
    /** Who is signed in here, by the session that the server names. */
    this.sessions = new Map();
    /** The logout tokens that came. */
    this.tokens = [];
    this.pending = new Map();
  }

  async open(port = 0) {
    this.server = createServer((request, answer) => {
      this.serve(request, answer).catch((error) => answer.writeHead(500).end(String(error.stack)));
    });
    await new Promise((ready) => this.server.listen(port, '127.0.0.1', ready));
    this.port = this.server.address().port;
    this.base = `http://localhost:${this.port}`;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  async serve(request, answer) {
    const url = new URL(request.url, this.base);
    const html = (text, headers = {}) =>
      answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers })
        .end(`<!doctype html><html lang="en"><title>${this.kind}</title><body>${text}</body></html>`);
    switch (url.pathname) {
      case '/login': {
        const [verifier, state] = [client.randomPKCECodeVerifier(), client.randomState()];
        this.pending.set(state, verifier);
        const to = client.buildAuthorizationUrl(this.config, {
          redirect_uri: `${this.base}/callback`, scope: 'openid', state,
          code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
        });
        return answer.writeHead(303, { location: to.href }).end();
      }
      case '/callback': {
        const state = url.searchParams.get('state');
        const pkceCodeVerifier = this.pending.get(state);
        const tokens = await client.authorizationCodeGrant(this.config, url, { pkceCodeVerifier, expectedState: state });
        const { sid, sub } = tokens.claims();
        this.sessions.set(sid, { sub, hint: tokens.id_token, state: url.searchParams.get('session_state') });
        return answer.writeHead(303, { location: '/', 'set-cookie': `${this.kind}=${sid}; Path=/; HttpOnly` }).end();
      }
      case '/leave': {
        const to = client.buildEndSessionUrl(this.config, {
          id_token_hint: this.current(request)?.hint ?? '', post_logout_redirect_uri: `${this.base}/bye`, state: 'see-you',
        });
        return answer.writeHead(303, { location: to.href }).end();
      }
      case '/out':
        return request.method === 'POST' ? this.told(request, answer) : this.framed(url, html);
      case '/bye':
        return html(`<h1>Bye</h1><p id="state">${url.searchParams.get('state')}</p>`);
      case '/':
        return html(this.page(this.current(request)));
      default:
        return answer.writeHead(404).end();
    }
  }

  current(request) {
    const cookie = (request.headers.cookie ?? '').split('; ').find((pair) => pair.startsWith(`${this.kind}=`));
    return cookie && this.sessions.get(cookie.slice(this.kind.length + 1));
  }

  /** OpenID Connect Front-Channel Logout 1.0 section 3. */
  framed(url, html) {
    if (url.searchParams.get('iss') === this.issuer) this.sessions.delete(url.searchParams.get('sid'));
    return html('out', { 'cache-control': 'no-store' });
  }

  /** OpenID Connect Back-Channel Logout 1.0 section 2.6. */
  async told(request, answer) {
    let body = '';
    for await (const part of request) body += part;
    const token = new URLSearchParams(body).get('logout_token');
    const { jwks_uri: keys } = this.config.serverMetadata();
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), {
      issuer: this.issuer, audience: this.config.clientMetadata().client_id, typ: 'logout+jwt', requiredClaims: ['jti', 'iat', 'exp'],
    });
    if (!payload.events?.[EVENT] || payload.nonce !== undefined) return answer.writeHead(400).end();
    this.tokens.push(payload);
    this.sessions.delete(payload.sid);
    return answer.writeHead(200, { 'cache-control': 'no-store' }).end();
  }

  /** The start page; that of `watch` looks at the session as section 3 of Session Management says. */
  page(session) {
    if (session === undefined) return '<p id="who">nobody</p>';
    const who = `<p id="who">${session.sub}</p>`;
    if (this.kind !== 'watch') return who;
    const { check_session_iframe: frame } = this.config.serverMetadata();
    const message = JSON.stringify(`${this.config.clientMetadata().client_id} ${session.state}`);
    return `${who}<p id="seen">nothing</p><iframe id="op" src="${frame}" hidden></iframe><script>
      const op = document.getElementById('op');
      addEventListener('message', (event) => {
        if (event.origin === ${JSON.stringify(this.issuer)}) document.getElementById('seen').textContent = event.data;
      });
      op.addEventListener('load', () => {
        setInterval(() => op.contentWindow.postMessage(${message}, ${JSON.stringify(this.issuer)}), 100);
      });
    </script>`;
  }
}
