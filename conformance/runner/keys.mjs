// Keys, certificates and secrets of a run. They are made where they are missing, and lie in a folder that is never
// committed. OpenSSL makes them all.

import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();

/** The keys in one folder. */
export class Keys {
  constructor(dir) {
    this.dir = dir;
  }

  /** A secret of 64 characters, in a file of that name. */
  secret(name) {
    const file = join(this.dir, name);
    if (!existsSync(file)) writeFileSync(file, openssl('rand', '-hex', '32').trim(), { mode: 0o600 });
    return { file, value: readFileSync(file, 'utf8') };
  }

  /** A private key as a JWK. */
  jwk(name, alg) {
    const file = join(this.dir, `${name}.${alg}.key`);
    if (!existsSync(file)) {
      const kind = alg === 'ES256' ? ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
      writeFileSync(file, openssl('genpkey', '-algorithm', ...kind), { mode: 0o600 });
    }
    return { ...createPrivateKey(readFileSync(file)).export({ format: 'jwk' }), kid: name, alg, use: 'sig' };
  }

  /** A self-signed certificate with its RSA key: of a server if it has host names, else of a client. */
  certificate(name, subject, hosts) {
    const [key, cert] = ['key', 'pem'].map((ending) => join(this.dir, `${name}.${ending}`));
    if (!existsSync(cert)) {
      const names = hosts ? ['-addext', `subjectAltName=${hosts.map((host) => `DNS:${host}`).join()}`] : [];
      openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', subject, ...names, '-keyout', key, '-out', cert);
    }
    return { key, cert, pem: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } };
  }
}

export const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** What others may know of a key. */
export function publicJwk({ kty, n, e, crv, x, y, kid, alg, use }) {
  const members = Object.entries({ kty, n, e, crv, x, y, kid, alg, use });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** The key of a certificate, with the certificate: how a client registers one that it signed itself (RFC 8705 section 2.2). */
export function certified(pem, kid) {
  const certificate = new X509Certificate(pem);
  return { ...certificate.publicKey.export({ format: 'jwk' }), kid, x5c: [certificate.raw.toString('base64')] };
}
