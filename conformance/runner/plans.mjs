// The plans. Each has a name of ours, the suite's name, its variant, and the family of
// clients that it uses; without a family the clients register themselves.

const discovery = { server_metadata: 'discovery' };
const dynamic = { ...discovery, client_registration: 'dynamic_client' };

const openid = (what) => `oidcc-${what}-certification-test-plan`;
const slug = (text) => text.replaceAll('_', '-').replaceAll(' ', '-');

function fapi2() {
  const plans = [];
  for (const [auth, method] of [['pkjwt', 'private_key_jwt'], ['mtls', 'mtls']]) {
    for (const bound of ['dpop', 'mtls']) {
      const family = `fapi2-${auth}-${bound}`;
      const plan = (name, variant) => plans.push({
        name: `${family}-${name}`,
        plan: 'fapi2-security-profile-final-test-plan',
        family,
        variant: { client_auth_type: method, sender_constrain: bound, authorization_request_type: 'simple', fapi_profile: 'plain_fapi', ...variant },
      });
      plan('openid', { openid: 'openid_connect' });
      plan('oauth', { openid: 'plain_oauth' });
      plan('credentials', { openid: 'plain_oauth', fapi_profile: 'fapi_client_credentials_grant' });
    }
  }
  return plans;
}

function fapi2Messages() {
  return ['dpop', 'mtls'].flatMap((bound) => ['plain_response', 'jarm'].map((mode) => ({
    name: `fapi2-ms-pkjwt-${bound}-${slug(mode)}`,
    plan: 'fapi2-message-signing-final-test-plan',
    family: `fapi2-ms-pkjwt-${bound}`,
    variant: {
      client_auth_type: 'private_key_jwt', sender_constrain: bound, openid: 'openid_connect', fapi_profile: 'plain_fapi',
      authorization_request_type: 'simple', fapi_request_method: 'signed_non_repudiation', fapi_response_mode: mode,
    },
  })));
}

function fapi1() {
  return [['pkjwt', 'private_key_jwt'], ['mtls', 'mtls']].flatMap(([auth, method]) => [
    ['pushed', 'plain_response'], ['by_value', 'plain_response'], ['pushed', 'jarm'],
  ].map(([request, mode]) => ({
    name: `fapi1-${auth}-${slug(request)}-${slug(mode)}`,
    plan: 'fapi1-advanced-final-test-plan',
    family: mode === 'jarm' ? `fapi1-jarm-${auth}` : `fapi1-${auth}`,
    variant: { client_auth_type: method, fapi_profile: 'plain_fapi', fapi_auth_request_method: request, fapi_response_mode: mode },
  })));
}

function ciba() {
  return ['poll', 'ping'].flatMap((mode) => [['pkjwt', 'private_key_jwt'], ['mtls', 'mtls']].map(([auth, method]) => ({
    name: `ciba-${mode}-${auth}`,
    plan: 'fapi-ciba-id1-test-plan',
    family: `ciba-${mode}-${auth}`,
    variant: { client_auth_type: method, ciba_mode: mode, fapi_ciba_profile: 'plain_fapi', client_registration: 'static_client' },
  })));
}

const RESPONSE_TYPES = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];
// Public clients have to use PKCE here (RFC 9700 section 2.1.1), which these modules do not: without authentication there is
// no code for them.
const AUTHENTICATIONS = {
  none: 'id_token', client_secret_basic: 'code', client_secret_post: 'code', client_secret_jwt: 'code', private_key_jwt: 'code',
};

const dynamicOpenid = (name) => ({ name, plan: openid(name), variant: dynamic });

/** The longest come first, so that the end is not a wait for one of them. */
export const PLANS = [
  ...['hybrid', 'formpost-hybrid', 'implicit', 'formpost-implicit'].map(dynamicOpenid),
  ...fapi2Messages(),
  ...fapi1(),
  ...fapi2(),
  ...Object.entries(AUTHENTICATIONS).map(([method, type]) => ({
    name: `core-${slug(method)}`,
    plan: 'oidcc-test-plan',
    variant: { client_auth_type: method, response_type: type, response_mode: 'default', client_registration: 'dynamic_client' },
  })),
  {
    // The suite registers no client that authenticates with a certificate.
    name: 'core-mtls',
    plan: 'oidcc-test-plan',
    family: 'oidc-mtls',
    variant: { client_auth_type: 'mtls', response_type: 'code', response_mode: 'default', client_registration: 'static_client' },
  },
  ...ciba(),
  ...['basic', 'formpost-basic'].map(dynamicOpenid),
  { name: 'basic-static', plan: openid('basic'), variant: { ...discovery, client_registration: 'static_client' }, family: 'oidc' },
  ...RESPONSE_TYPES.map((type) => ({ name: `dynamic-${slug(type)}`, plan: openid('dynamic'), variant: { response_type: type } })),
  ...['rp-initiated-logout', 'frontchannel-rp-initiated-logout', 'backchannel-rp-initiated-logout', 'session-management'].map((name) => ({
    name, plan: openid(name), variant: { response_type: 'code', client_registration: 'dynamic_client' },
  })),
  { name: '3rdparty-init-login', plan: openid('3rdparty-init-login'), variant: { response_type: 'code' } },
  { name: 'config', plan: openid('config'), variant: {} },
];

/** The plans whose names match one of the patterns, in which a star stands for anything; all of them without patterns. */
export function chosen(patterns) {
  const escaped = (pattern) => pattern.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&')).join('.*');
  const wanted = patterns.map((pattern) => new RegExp(`^${escaped(pattern)}$`));
  return wanted.length ? PLANS.filter(({ name }) => wanted.some((regex) => regex.test(name))) : PLANS;
}
