// oidc-provider for measurements: the same clients, tokens and lifetimes as bench/placet.toml, a process for each core, its
// state in PostgreSQL (the adapter in memory that it comes with cannot be shared by processes, and forgets everything).
import cluster from 'node:cluster';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';
import { PostgresAdapter, migrate } from './adapter.mjs';

const port = Number(process.env.PORT);
const issuer = `http://127.0.0.1:${port}`;
const secret = process.env.BENCH_SECRET;
const API = 'urn:bench:reports';

function provider() {
  const client = (client_id, rest) => ({
    client_id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    ...rest,
  });
  return new Provider(issuer, {
    adapter: PostgresAdapter,
    clients: [
      client('bench-jwt', { scope: 'reports.read' }),
      client('bench-opaque', { scope: 'reports.read' }),
      client('bench-web', {
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1:17093/callback'],
        response_types: ['code'],
      }),
    ],
    clientDefaults: { id_token_signed_response_alg: 'EdDSA' },
    scopes: ['openid', 'offline_access', 'reports.read'],
    jwks: { keys: [JSON.parse(process.env.BENCH_KEY)] },
    enabledJWA: { idTokenSigningAlgValues: ['EdDSA'] },
    cookies: { keys: ['for-measurements-only'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // Access tokens for a resource can be JWTs; the others are opaque.
        defaultResource: (ctx, of) => (of.clientId === 'bench-opaque' ? undefined : API),
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'reports.read',
          audience: API,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'EdDSA' } },
        }),
      },
    },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    rotateRefreshToken: true,
    ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, RefreshToken: 86400, Grant: 86400 },
  });
}

/** Refresh tokens of as many users: what their sign-ins would have left behind. */
async function families(count) {
  const op = provider();
  const web = await op.Client.find('bench-web');
  const tokens = [];
  for (let user = 0; user < count; user += 1) {
    const grant = new op.Grant({ accountId: `user-${user}`, clientId: 'bench-web' });
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(API, 'reports.read');
    const token = new op.RefreshToken({
      accountId: `user-${user}`,
      authTime: Math.floor(Date.now() / 1000),
      client: web,
      grantId: await grant.save(),
      gty: 'authorization_code',
      resource: API,
      scope: 'openid offline_access reports.read',
    });
    tokens.push(await token.save());
  }
  return tokens;
}

const [command, count] = process.argv.slice(2);
if (command === 'migrate') {
  await migrate();
  process.exit();
} else if (command === 'families') {
  process.env.BENCH_KEY = newKey();
  console.log(JSON.stringify(await families(Number(count))));
  process.exit();
} else if (cluster.isPrimary) {
  const BENCH_KEY = newKey();
  for (let worker = 0; worker < Number(count); worker += 1) cluster.fork({ BENCH_KEY });
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit();
  });
} else {
  provider().listen(port, '127.0.0.1');
}

function newKey() {
  const { privateKey } = generateKeyPairSync('ed25519');
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), alg: 'EdDSA', use: 'sig', kid: 'bench' });
}
