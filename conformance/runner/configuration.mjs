// What the suite is told about a plan: the JSON that its form takes as well.

import { clientsOf } from './clients.mjs';
import { OP, RESOURCE, USER } from './hosts.mjs';

const server = { discoveryUrl: `${OP}/.well-known/openid-configuration`, login_hint: USER.name };

/** The configuration of a plan. */
export function configurationOf({ name, plan, family, variant }, keys) {
  const description = `Placet, ${name}`;
  const [mtls, mtls2] = [1, 2].map((n) => keys.certificate(`certificate-${n}`, `/CN=conformance client ${n}`).pem);
  if (!family) {
    // No alias: the callbacks then carry the number of the test, and the clients are new ones every time. The server looks
    // for changed keys of a client once a minute.
    return {
      description,
      server: { ...server, jwks_refresh_delay: 60 },
      client: { client_name: 'Conformance 1' },
      client2: { client_name: 'Conformance 2' },
      mtls,
      mtls2,
    };
  }
  const [first, second, third] = clientsOf(family, keys).map(({ suite }) => suite);
  const base = { alias: family, description, server, client: first, client2: second };
  if (third) return { ...base, client_secret_post: third };
  if (family === 'oidc-mtls') return { ...base, mtls, mtls2 };
  const scope = variant.openid === 'plain_oauth' ? { scope: 'accounts' } : {};
  return {
    ...base,
    client: { ...first, ...scope },
    client2: { ...second, ...scope },
    mtls,
    mtls2,
    resource: { resourceUrl: RESOURCE },
    ...(plan.startsWith('fapi-ciba') ? { automated_ciba_approval_url: `${OP}/dev/ciba?auth_req_id={auth_req_id}&action={action}` } : {}),
  };
}

