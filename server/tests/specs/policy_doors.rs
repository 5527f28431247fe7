//! The doors at which policies are asked: a request for each decision point, which can be made again as long as
//! nothing of it was used up.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use placet_oauth::grant_type::GrantType;
use placet_sdk::decision::HookType;
use placet_server::config::{Config, PolicyConfig, TrustedIssuer};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    calling, device_flow,
    exchanging::{self, API},
    harness::{Browser, Reply, Stand, auth},
    helpers::{client, configured, refresh, text},
    policy_stage::{everything, reply},
    rfc7522_saml2_bearer,
    sidecar::Sidecar,
    signer::Signer,
};

const PARTNER: &str = "https://idp.partner.example";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const URI: &str = "https://dynamic.example/cb";
const OFFLINE: [(&str, &str); 2] = [("scope", "openid email offline_access"), ("prompt", "consent")];

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// What was wanted.
    Good,
    /// Our own trouble, and word that it may pass.
    Unavailable,
    /// The ordinary denial of the decision point.
    Denied,
    /// It was used up before.
    Spent,
    /// Something that no table knows.
    Other(String),
}

/// Something that somebody wants.
pub enum Wish {
    /// To begin a sign-in.
    Authorize,
    /// To answer this step of an interaction.
    Answer { id: String, step: u32, body: Value },
    /// To redeem a code.
    Code(String),
    /// To connect a device.
    Device,
    /// To redeem this device code.
    Poll(String),
    /// To use a refresh token.
    Refresh(String),
    /// Tokens for a password.
    Password,
    /// Tokens of a client for itself.
    Own,
    /// Tokens for an assertion.
    Jwt(String),
    /// Tokens for a SAML assertion.
    Saml,
    /// To exchange this token.
    Exchange(String),
    /// To register a client.
    Register,
    /// To change a registration, or to delete it.
    Manage { method: Method, client: Value },
    /// To know who the user of this token is.
    Userinfo(String),
    /// To know what this token is worth.
    Introspect(String),
    /// To ask for a user who is elsewhere.
    Call,
    /// To get the tokens that such a user granted.
    Called(String),
    /// To sign out.
    Logout { browser: Browser, hint: String },
}

/// A server, and those who vouch for somebody there.
pub struct Scene {
    /// The server.
    pub stand: Arc<Stand>,
    own: Signer,
    partner: Signer,
    assertions: AtomicU32,
    _other: Sidecar,
}

impl Scene {
    /// A server with this policy. What else grants need is decided by another sidecar, which is well.
    pub async fn start(policy: Option<&PolicyConfig>, change: impl FnOnce(&mut Config)) -> Self {
        let other = Sidecar::start(|request| {
            if request["type"] == "assertion.saml2" {
                let recipient = request["raw_assertion"]["recipient"].as_str().unwrap();
                let facts = rfc7522_saml2_bearer::facts(recipient);
                return json!({ "decision": "allow", "set": { "saml2_bearer": facts } });
            }
            let sub =
                if request["type"] == "grant.token_exchange" { json!({}) } else { json!({ "sub": "alice" }) };
            json!({ "decision": "allow", "set": { "grant": sub } })
        })
        .await;
        let (own, partner) = (Signer::new("own-1"), Signer::new("partner-1"));
        let (own_set, partner_set) = (own.jwks(), partner.jwks());
        let stand = Stand::with(|config| {
            device_flow::devices(config);
            // Its tokens could come without a code, past the policies of codes.
            config.clients.retain(|client| client.client_id != "hybrid");
            client(config, "web").settings.access_token.audience =
                vec![config.issuer.clone(), API.to_owned()];
            let api = client(config, "api");
            api.metadata.grant_types.get_or_insert_default().push(GrantType::TokenExchange);
            // Shorter than what is exchanged: what is proposed does not shrink with it.
            api.settings.access_token.lifetime = Some(60);
            let mut own = configured("own-app", &json!({ "grant_types": ["password"], "scope": "openid" }));
            own.settings.first_party = true;
            let metadata = json!({ "grant_types": [JWT_BEARER], "scope": "reports.read", "jwks": own_set });
            let portal = json!({ "grant_types": [SAML2_BEARER], "scope": "reports.read" });
            config.clients.extend([own, configured("assertive", &metadata), configured("portal", &portal)]);
            config.clients.push(calling::caller("desk", "poll", &json!({})));
            config.trusted_issuers.push(TrustedIssuer {
                issuer: PARTNER.to_owned(),
                jwks: partner_set.as_object().cloned(),
                client_ids: vec!["assertive".to_owned()],
                ..TrustedIssuer::default()
            });
            config.saml.issuers.push(rfc7522_saml2_bearer::listed());
            let decided = |hook: &HookType| policy.is_some_and(|policy| policy.types.contains(hook));
            let rest = HookType::ALL.into_iter().filter(|hook| hook.needs_policy() && !decided(hook));
            let rest: Vec<&str> = rest.map(HookType::as_str).collect();
            config.policy.extend(policy.cloned());
            config.policy.push(other.policy("other", &rest));
            change(config);
        })
        .await;
        Self { stand: Arc::new(stand), own, partner, assertions: AtomicU32::new(0), _other: other }
    }

    /// What leads to this decision.
    pub async fn wish(&self, hook: HookType) -> Wish {
        let stand = &*self.stand;
        match hook {
            HookType::DeviceRequest => Wish::Device,
            HookType::GrantDeviceCode => Wish::Poll(device_flow::approved(stand, "box", "openid").await),
            HookType::CibaRequest => Wish::Call,
            HookType::GrantCiba => {
                let hint = text(&stand.tokens("desk", "openid").await["id_token"]);
                let reply =
                    calling::ask(stand, "desk", &[("login_hint", ""), ("id_token_hint", &hint)]).await;
                assert_eq!(reply.status, 200, "{}", reply.text);
                calling::approve(stand, "alice").await;
                Wish::Called(text(&reply.json["auth_req_id"]))
            }
            HookType::AuthorizationRequest => Wish::Authorize,
            HookType::InteractionEvaluate => {
                let id = Browser::new().authorize(stand, "web", &[]).await.interaction();
                Wish::Answer { id, step: 1, body: auth("alice") }
            }
            HookType::InteractionApprove => {
                let id = Browser::new().authorize(stand, "web", &[]).await.interaction();
                assert_eq!(reply(stand, &id, &auth("alice")).await.json["type"], "consent");
                Wish::Answer { id, step: 2, body: everything() }
            }
            HookType::GrantAuthorizationCode => {
                let params = stand.sign_in(&mut Browser::new(), "web", &OFFLINE).await;
                Wish::Code(params["code"].clone())
            }
            HookType::GrantRefreshToken => {
                Wish::Refresh(text(&stand.tokens("web", OFFLINE[0].1).await["refresh_token"]))
            }
            HookType::GrantPassword => Wish::Password,
            HookType::GrantClientCredentials => Wish::Own,
            HookType::GrantJwtBearer => Wish::Jwt(self.assertion(&self.own, "assertive", "assertive")),
            HookType::AssertionSaml2 | HookType::GrantSaml2Bearer => Wish::Saml,
            HookType::GrantTokenExchange => {
                Wish::Exchange(text(&stand.tokens("web", "openid reports.read").await["access_token"]))
            }
            HookType::ClientRegister => Wish::Register,
            HookType::ClientUpdate | HookType::ClientDelete => {
                let method = if hook == HookType::ClientUpdate { Method::PUT } else { Method::DELETE };
                Wish::Manage { method, client: register(stand).await.json }
            }
            HookType::ClaimsSource => {
                Wish::Userinfo(text(&stand.tokens("web", "openid email").await["access_token"]))
            }
            HookType::TokenIntrospect => {
                Wish::Introspect(text(&stand.tokens("single", "openid").await["access_token"]))
            }
            HookType::LogoutEvaluate => {
                let mut browser = Browser::new();
                let params = stand.sign_in(&mut browser, "web", &[]).await;
                let hint = text(&stand.redeem("web", &params["code"]).await.json["id_token"]);
                Wish::Logout { browser, hint }
            }
        }
    }

    /// Tokens for an assertion of somebody else: only a policy knows whose they are.
    pub fn foreign(&self) -> Wish {
        Wish::Jwt(self.assertion(&self.partner, PARTNER, "jdoe"))
    }

    fn assertion(&self, signer: &Signer, issuer: &str, sub: &str) -> String {
        let (now, number) = (self.stand.now(), self.assertions.fetch_add(1, Ordering::Relaxed));
        signer.sign(&json!({
            "iss": issuer, "sub": sub, "aud": self.stand.issuer, "iat": now, "exp": now + 300,
            "jti": format!("jti-{number}"),
        }))
    }
}

impl Wish {
    /// Whether it can be fulfilled once only.
    pub fn is_once(&self) -> bool {
        matches!(self, Self::Code(_) | Self::Poll(_) | Self::Jwt(_) | Self::Saml | Self::Called(_))
    }

    /// Makes the request.
    pub async fn make(&mut self, stand: &Stand) -> Came {
        let token = async |client: &str, form: &[(&str, &str)]| stand.post("/token", client, form).await;
        match self {
            Self::Authorize => {
                let reply = Browser::new().authorize(stand, "web", &[]).await;
                let params = reply.params();
                match params.get("error").map(String::as_str) {
                    None if params.contains_key("interaction") => Came::Good,
                    Some("temporarily_unavailable") => Came::Unavailable,
                    Some("access_denied") => Came::Denied,
                    _ => Came::Other(format!("{reply:?}")),
                }
            }
            Self::Answer { id, step, body } => {
                let reply = stand.answer(id, *step, body).await;
                match (reply.status, reply.json["response"]["error"].as_str()) {
                    (200, None) => Came::Good,
                    (200, Some("access_denied")) => Came::Denied,
                    (503, None) if reply.error() == "policy_unavailable" => patient(&reply),
                    _ => Came::Other(format!("{reply:?}")),
                }
            }
            Self::Code(code) => judged(&stand.redeem("web", code).await, 200),
            Self::Device => judged(&device_flow::ask(stand, "box", &[("scope", "openid")]).await, 200),
            Self::Poll(device_code) => judged(&device_flow::poll(stand, "box", device_code).await, 200),
            Self::Refresh(old) => {
                let reply = refresh(stand, "web", old).await;
                if reply.status == 200 {
                    *old = text(&reply.json["refresh_token"]);
                }
                judged(&reply, 200)
            }
            Self::Call => judged(&calling::ask(stand, "desk", &[]).await, 200),
            Self::Called(id) => judged(&calling::poll(stand, "desk", id).await, 200),
            Self::Password => {
                let form = [("grant_type", "password"), ("username", "alice"), ("password", "x")];
                judged(&token("own-app", &form).await, 200)
            }
            Self::Own => judged(&token("service", &[("grant_type", "client_credentials")]).await, 200),
            Self::Jwt(assertion) => judged(
                &token("assertive", &[("grant_type", JWT_BEARER), ("assertion", assertion)]).await,
                200,
            ),
            Self::Saml => {
                let form = [("grant_type", SAML2_BEARER), ("assertion", "PHNhbWw+")];
                judged(&token("portal", &form).await, 200)
            }
            Self::Exchange(old) => judged(&token("api", &exchanging::form(old, &[])).await, 200),
            Self::Register => judged(&register(stand).await, 201),
            Self::Manage { method, client } => {
                let url = format!("{}/register/{}", stand.issuer, text(&client["client_id"]));
                let request = stand.http.request(method.clone(), url);
                let request = request.bearer_auth(text(&client["registration_access_token"]));
                let body = json!({ "client_id": client["client_id"], "redirect_uris": [URI] });
                let request = if *method == Method::PUT { request.json(&body) } else { request };
                let good = if *method == Method::PUT { 200 } else { 204 };
                judged(&Reply::read(request.send().await.unwrap()).await, good)
            }
            Self::Userinfo(token) => judged(&stand.userinfo(token).await, 200),
            Self::Introspect(token) => {
                let reply = stand.post("/introspect", "single", &[("token", token)]).await;
                match reply.json["active"].as_bool() {
                    Some(true) => Came::Good,
                    Some(false) => Came::Denied,
                    None => judged(&reply, 200),
                }
            }
            Self::Logout { browser, hint } => {
                let reply = browser.get(&format!("{}/logout?id_token_hint={hint}", stand.issuer)).await;
                match reply.status {
                    303 => Came::Good,
                    503 => Came::Unavailable,
                    403 if reply.text.contains("access_denied") => Came::Denied,
                    _ => Came::Other(format!("{reply:?}")),
                }
            }
        }
    }
}

async fn register(stand: &Stand) -> Reply {
    let body = json!({ "redirect_uris": [URI], "client_name": "Acme" });
    Reply::read(stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await.unwrap()).await
}

fn judged(reply: &Reply, good: u16) -> Came {
    match (reply.status, reply.error()) {
        (status, _) if status == good => Came::Good,
        (503, "temporarily_unavailable") => patient(reply),
        (400 | 403, "access_denied") => Came::Denied,
        (400, "invalid_grant") => Came::Spent,
        _ => Came::Other(format!("{reply:?}")),
    }
}

/// Who is told that it may pass is told when to come again.
fn patient(reply: &Reply) -> Came {
    if reply.header("retry-after") == "2" { Came::Unavailable } else { Came::Other(format!("{reply:?}")) }
}
