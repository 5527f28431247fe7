// The REST API of a running suite.

import https from 'node:https';

import { SUITE } from './hosts.mjs';

// The certificate of a suite on this machine is self-signed.
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });

/** A request that is answered with JSON, or with nothing. */
function call(method, path, query = {}, body = undefined, type = 'application/json') {
  const url = new URL(path, SUITE);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  const token = process.env.CONFORMANCE_TOKEN;
  const headers = { 'content-type': type, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, headers, agent, timeout: 60_000 }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 404) resolve(undefined);
        else if (response.statusCode >= 400) reject(new Error(`${method} ${url.pathname}: ${response.statusCode} ${text.slice(0, 300)}`));
        else resolve(text ? JSON.parse(text) : {});
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${method} ${url.pathname}: no answer`)));
    request.on('error', reject);
    request.end(body);
  });
}

export const version = async () => (await call('GET', '/api/server')).version;

/** Makes a plan; its modules are `[{ testModule, variant }]`. */
export const createPlan = (planName, variant, configuration) =>
  call('POST', '/api/plan', { planName, variant: JSON.stringify(variant) }, JSON.stringify(configuration));

/** Makes a module, and starts it unless it waits for that. */
export const createModule = (plan, { testModule, variant }) =>
  call('POST', '/api/runner', { test: testModule, plan, variant: variant ? JSON.stringify(variant) : undefined });

export const startModule = (id) => call('POST', `/api/runner/${id}`);

/** Ends a module that got stuck. */
export const stopModule = (id) => call('DELETE', `/api/runner/${id}`);

/** Where the browser is sent by a module that runs: `[{ url, method }]`. */
export const urls = async (id) => (await call('GET', `/api/runner/${id}`))?.browser?.urlsWithMethod ?? [];

/** `{ testName, status, result }` of a module. */
export const info = (id) => call('GET', `/api/info/${id}`);

export const log = (id) => call('GET', `/api/log/${id}`);

/** Says that the browser was sent there. */
export const visited = (id, url) => call('POST', `/api/runner/browser/${id}/visit`, { url });

/** The names of the screenshots that are still asked for. */
export async function wantedScreenshots(id) {
  const images = (await call('GET', `/api/log/${id}/images`)) ?? [];
  return images.filter((image) => image.upload && !image.img).map((image) => image.upload);
}

export const screenshot = (id, name, picture) =>
  call('POST', `/api/log/${id}/images/${name}`, {}, `data:image/png;base64,${picture.toString('base64')}`, 'text/plain');
