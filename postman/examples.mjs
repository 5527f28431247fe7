// The examples of the collection: recorded from the answers of a run, and compared with those of every later one.

/** Members whose values are good for something, and so do not stand in an example. */
const SECRET = /(^|_)(token|secret|code|assertion|challenge|handle|value|metadata|nonce)$/;
const NO_SECRET = new Set(["user_code", "code", "metadata", "value"]);
const PARAMETERS = /([?&#](?:amp;)?(?:code|state|t|id_token|access_token|response|session_state)=)[^&#"\s]+/g;
const JWT = /eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g;
/** Headers that say nothing about the request, or are different each time. */
const HEADERS = [
  "allow", "cache-control", "content-type", "deprecation", "dpop-nonce", "etag", "idempotency-replayed", "link", "location",
  "oauth-client-attestation-challenge", "placet-replayed", "referrer-policy", "retry-after", "set-cookie", "www-authenticate",
  "x-content-type-options",
];

/** Makes the answers of a run on free ports look like those of a server on its usual ones. */
export function usual(environment) {
  const value = (key) => environment.values.find((entry) => entry.key === key)?.value || "";
  const port = (key) => /:(\d+)/.exec(value(key).replace(/^https?/, ""))?.[1];
  const usual = { issuer: 8080, private: 8081, policy_url: 8092, users_url: 8092, saml_url: 8091, receiver_url: 8099 };
  const ports = Object.entries(usual)
    .map(([key, to]) => [port(key), to])
    .filter(([from]) => from);
  const replace = (text, [from, to]) => text.replace(new RegExp(`(:|%3A)${from}(?!\\d)`, "gi"), `$1${to}`);
  return (text) => ports.reduce(replace, text);
}

const hide = (text) => text.replace(PARAMETERS, "$1…").replace(JWT, "…");

function cleaned(value, name = "") {
  if (Array.isArray(value)) return value.map((item) => cleaned(item, name));
  if (value && typeof value === "object") {
    const cookie = "name" in value && "value" in value && "max_age" in value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, cookie && key === "value" ? "…" : cleaned(inner, key)]),
    );
  }
  if (typeof value !== "string") return value;
  return SECRET.test(name) && !NO_SECRET.has(name) && value !== "" ? "…" : hide(value);
}

/** The example that an answer makes. */
export function example(item, response, translate) {
  const type = response.headers.get("content-type") ?? "";
  const raw = translate(response.text() ?? "");
  let body = hide(raw).replace(/(name="(?:id_token|access_token|code|state|response)" value=")[^"]*/g, "$1…");
  if (/json/.test(type) && raw) body = JSON.stringify(cleaned(JSON.parse(raw)), null, 2);
  else if (/\/jwt|\+jwt/.test(type)) body = "…";
  else if (type.startsWith("application/openmetrics-text")) body = `${body.split("\n").slice(0, 12).join("\n")}\n…`;
  const { method, header, url, body: sent } = item.request;
  return {
    name: "Example",
    originalRequest: { method, header, url, ...(sent ? { body: sent } : {}) },
    status: response.status,
    code: response.code,
    _postman_previewlanguage: /json/.test(type) ? "json" : /html/.test(type) ? "html" : "text",
    header: HEADERS.filter((key) => response.headers.has(key))
      .map((key) => ({ key, value: headerValue(key, response, translate) })),
    cookie: [],
    body,
  };
}

function headerValue(key, response, translate) {
  const value = translate(response.headers.get(key));
  if (key === "set-cookie") return value.replace(/=[^;]*/, "=…");
  if (key === "etag") return '"…"';
  return /nonce|challenge/.test(key) ? "…" : hide(value);
}

// --- comparing -------------------------------------------------------------------------------------------------------

/**
 * How an answer differs from a saved example: `wrong` if the status, the kind of body or a member of its JSON is another or
 * not there, `more` for members that the example does not have yet. Lists are different from run to run; what their items are
 * like is said elsewhere.
 */
export function differences(saved, now) {
  const found = { wrong: [], more: [] };
  if (saved.code !== now.code) found.wrong.push(`the status is ${now.code}, and was ${saved.code}`);
  if (kind(saved) !== kind(now)) found.wrong.push(`it is ${kind(now)}, and was ${kind(saved)}`);
  if (found.wrong.length === 0 && /json/.test(kind(now)) && now.body) {
    compare(JSON.parse(saved.body), JSON.parse(now.body), "", found);
  }
  return found;
}

const kind = ({ header }) => (header.find(({ key }) => key === "content-type")?.value ?? "empty").split(";")[0];

/** Members that are there or not, as the worker that delivers was sooner or later than the request. */
const SOONER_OR_LATER = new Set(["oldest", "next_at", "reason"]);

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function compare(saved, now, at, found) {
  if (Array.isArray(saved) && Array.isArray(now)) return;
  if (!isObject(saved) || !isObject(now)) {
    if (typeof saved !== typeof now || Array.isArray(saved) !== Array.isArray(now)) found.wrong.push(`${at} is of another type`);
    return;
  }
  for (const name of new Set([...Object.keys(saved), ...Object.keys(now)])) {
    if (SOONER_OR_LATER.has(name)) continue;
    if (!(name in now)) found.wrong.push(`${at}/${name} is not there`);
    else if (!(name in saved)) found.more.push(`${at}/${name}`);
    else compare(saved[name], now[name], `${at}/${name}`, found);
  }
}
