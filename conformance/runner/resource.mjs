// A resource server for the FAPI plans: `GET /accounts` with an access token that is bound to a key (RFC 9449) or to a
// certificate (RFC 8705). It asks the authorization server about every token.

import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import https from 'node:https';

import { ADDRESS, OP, RESOURCE } from './hosts.mjs';

const HASHES = { ES256: 'sha256', PS256: 'sha256' };
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
const digest = (data) => createHash('sha256').update(data).digest('base64url');

/** Starts the resource server; `api` are the credentials with which it introspects. */
export function startResource({ port, tls, api }) {
  const used = new Set();
  const options = {
    key: tls.pem.key, cert: tls.pem.cert, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384',
  };
  const server = https.createServer(options, async (request, response) => {
    const answer = (status, headers, body) => {
      const id = request.headers['x-fapi-interaction-id'] ?? randomUUID();
      response.writeHead(status, { 'content-type': 'application/json', 'x-fapi-interaction-id': id, ...headers });
      response.end(JSON.stringify(body));
    };
    try {
      const token = await granted(request, api, used);
      answer(200, {}, { accounts: [{ id: '1', owner: token.sub ?? token.client_id }] });
    } catch (error) {
      const code = error.code === 'invalid_dpop_proof' ? error.code : 'invalid_token';
      answer(401, { 'www-authenticate': `${error.scheme ?? 'Bearer'} error="${code}"` }, { error: code, error_description: error.message });
    }
  });
  return new Promise((resolve) => server.listen(port, ADDRESS, () => resolve(server)));
}

/** What introspection says of the token of a request that may use it. */
async function granted(request, api, used) {
  const [scheme, token, more] = (request.headers.authorization ?? '').split(' ');
  if (!token || more || !/^(bearer|dpop)$/i.test(scheme)) throw new Error('there is no access token in the header');
  const facts = await introspect(token, api);
  if (!facts.active) throw new Error('the token is not good');
  if (!facts.scope?.split(' ').includes('accounts')) throw new Error('the token is not for accounts');
  const { jkt, 'x5t#S256': thumbprint } = facts.cnf ?? {};
  if (jkt) prove(request, { scheme, token, jkt, used });
  else if (scheme.toLowerCase() !== 'bearer') throw new Error('the token is a bearer token');
  const certificate = request.socket.getPeerCertificate()?.raw;
  if (thumbprint && !(certificate && digest(certificate) === thumbprint)) throw new Error('the token is bound to another certificate');
  if (!jkt && !thumbprint) throw new Error('the token is not bound');
  return facts;
}

/** Query and fragment do not count, nor how scheme and host are written. */
function isHere(htu) {
  if (!URL.canParse(htu)) return false;
  const { origin, pathname } = new URL(htu);
  return origin + pathname === RESOURCE;
}

/** RFC 9449 section 4.3. */
function prove(request, { scheme, token, jkt, used }) {
  const refuse = (message) => { throw Object.assign(new Error(message), { scheme: 'DPoP', code: 'invalid_dpop_proof' }); };
  if (scheme.toLowerCase() !== 'dpop') throw Object.assign(new Error('the token needs a proof'), { scheme: 'DPoP' });
  const proof = request.headers.dpop;
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof ?? '')) refuse('there is not one proof');
  const [head, body, signature] = proof.split('.');
  const [header, claims] = [decode(head), decode(body)];
  const { typ, alg, jwk } = header;
  if (typ !== 'dpop+jwt' || !HASHES[alg] || !jwk || jwk.d) refuse('the header is not that of a proof');
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), ...(alg === 'ES256' ? { dsaEncoding: 'ieee-p1363' } : { padding: 6, saltLength: 32 }) };
  if (!verify(HASHES[alg], Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) refuse('the signature is wrong');
  const members = jwk.kty === 'EC' ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y } : { e: jwk.e, kty: jwk.kty, n: jwk.n };
  if (digest(JSON.stringify(members)) !== jkt) refuse('the token is bound to another key');
  if (claims.htm !== request.method || !isHere(claims.htu) || claims.ath !== digest(token)) refuse('the proof is for another request');
  if (!(Math.abs(Date.now() / 1000 - claims.iat) < 60)) refuse('the proof is not from now');
  if (!claims.jti || used.has(claims.jti)) refuse('the proof was used');
  used.add(claims.jti);
}

async function introspect(token, { id, secret }) {
  const body = new URLSearchParams({ token }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
  const { hostname, port } = new URL(OP);
  return new Promise((resolve, reject) => {
    const options = { hostname: '127.0.0.1', servername: hostname, port, path: '/introspect', method: 'POST', headers: { ...headers, host: `${hostname}:${port}` }, rejectUnauthorized: false };
    const request = https.request(options, (response) => {
      let text = '';
      response.on('data', (chunk) => { text += chunk; });
      response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`introspection: ${response.statusCode} ${text}`))));
    });
    request.on('error', reject);
    request.end(body);
  });
}
