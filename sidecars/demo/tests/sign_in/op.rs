//! A scripted OpenID provider: it signs anybody in at once, and errs when told to.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Response, StatusCode};
use openssl::{
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    sha::sha256,
    sign::Signer,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};
use warp::{Filter, path};

/// Where the provider departs from the protocol.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    None,
    WrongNonce,
    WrongAccessTokenHash,
    NewKey,
    /// None at all: introspection finds that the user has just used a second factor.
    Strong,
}

/// The provider.
pub(crate) struct Op {
    pub(crate) issuer: String,
    key: Mutex<(String, PKey<Private>)>,
    fault: Mutex<Fault>,
    asked: Mutex<HashMap<String, String>>,
    exchanges: AtomicUsize,
    /// What somebody answered for the television.
    television: Mutex<Option<bool>>,
}

impl Op {
    /// Starts a provider on a port of its own.
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let op = Arc::new(Self {
            issuer: format!("http://{address}"),
            key: Mutex::new(key("first")),
            fault: Mutex::new(Fault::None),
            asked: Mutex::default(),
            exchanges: AtomicUsize::new(0),
            television: Mutex::default(),
        });
        tokio::spawn(warp::serve(routes(&op)).incoming(listener).run());
        op
    }

    /// Has the provider err from now on.
    pub(crate) fn err(&self, fault: Fault) {
        *self.fault.lock().expect("unpoisoned") = fault;
        if fault == Fault::NewKey {
            *self.key.lock().expect("unpoisoned") = key("second");
        }
    }

    /// Somebody answers for the television.
    pub(crate) fn answer_for_television(&self, yes: bool) {
        *self.television.lock().expect("unpoisoned") = Some(yes);
    }

    fn device_authorization(&self, form: &[u8]) -> Response<Bytes> {
        let form: HashMap<_, _> = form_urlencoded::parse(form).into_owned().collect();
        assert_eq!(form["client_id"], "demo-tv", "it has no secret");
        *self.asked.lock().expect("unpoisoned") = form;
        let issuer = &self.issuer;
        let codes = json!({
            "device_code": "device-1", "user_code": "WDJB-MJHT", "verification_uri": format!("{issuer}/device"),
            "verification_uri_complete": format!("{issuer}/device?user_code=WDJB-MJHT"),
            "expires_in": 600, "interval": 1,
        });
        answer(StatusCode::OK, &codes)
    }

    /// How many codes and refresh tokens were exchanged.
    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::SeqCst)
    }

    /// The authorization request that came last.
    pub(crate) fn asked(&self, name: &str) -> Option<String> {
        self.asked.lock().expect("unpoisoned").get(name).cloned()
    }

    fn authorize(&self, query: &str) -> Response<Bytes> {
        let asked: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut back = Url::parse(&asked["redirect_uri"]).expect("a URL");
        back.query_pairs_mut()
            .append_pair("code", "code-1")
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.issuer);
        *self.asked.lock().expect("unpoisoned") = asked;
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::SEE_OTHER;
        answer.headers_mut().insert("location", back.as_str().parse().expect("ASCII"));
        answer
    }

    fn token(&self, authorization: Option<&str>, form: &[u8]) -> Response<Bytes> {
        let form: HashMap<_, _> = form_urlencoded::parse(form).into_owned().collect();
        if form.get("grant_type").is_none_or(|grant| grant == "urn:openid:params:grant-type:ciba") {
            return self.backchannel(authorization, &form);
        }
        if form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code" {
            assert_eq!((&*form["client_id"], &*form["device_code"]), ("demo-tv", "device-1"));
            return match *self.television.lock().expect("unpoisoned") {
                None => answer(StatusCode::BAD_REQUEST, &json!({"error": "authorization_pending"})),
                Some(false) => answer(StatusCode::BAD_REQUEST, &json!({"error": "access_denied"})),
                Some(true) => self.tokens("demo-tv"),
            };
        }
        let basic = "Basic ZGVtbzpkZW1vLXNlY3JldA==";
        assert_eq!(authorization, Some(basic), "the client authenticates itself");
        let verified = match form["grant_type"].as_str() {
            "authorization_code" => {
                let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha256(form["code_verifier"].as_bytes()));
                form["code"] == "code-1" && self.asked("code_challenge") == Some(challenge)
            }
            _ => form["refresh_token"] == "refresh-1",
        };
        if !verified {
            let error = json!({"error": "invalid_grant", "error_description": "no such grant"});
            return answer(StatusCode::BAD_REQUEST, &error);
        }
        self.tokens("demo")
    }

    fn tokens(&self, client_id: &str) -> Response<Bytes> {
        let round = self.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
        let now = now();
        let access = self.sign(
            "at+jwt",
            &json!({
                "iss": self.issuer, "sub": "248289761001", "aud": client_id, "client_id": client_id, "iat": now,
                "exp": now + 300, "jti": format!("access-{round}"), "scope": "openid profile email offline_access",
            }),
        );
        let fault = *self.fault.lock().expect("unpoisoned");
        let nonce = match fault {
            Fault::WrongNonce => Some("of somebody else".to_owned()),
            _ => self.asked("nonce"),
        };
        let hashed = if fault == Fault::WrongAccessTokenHash { "another token" } else { &access };
        let id = self.sign(
            "JWT",
            &json!({
                "iss": self.issuer, "sub": "248289761001", "aud": client_id, "iat": now, "exp": now + 300,
                "auth_time": now - 5, "nonce": nonce, "acr": "urn:example:pwd", "amr": ["pwd"],
                "at_hash": BASE64_URL_SAFE_NO_PAD.encode(&sha256(hashed.as_bytes())[..16]),
                "name": "Alice <Wonder>", "email": "alice@example.com", "email_verified": true,
                "address": {"locality": "Oxford", "country": "GB"},
            }),
        );
        answer(
            StatusCode::OK,
            &json!({
                "access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh-1",
                "scope": "openid profile email offline_access", "id_token": id,
            }),
        )
    }

    /// The second question after somebody's approval yields tokens.
    fn backchannel(&self, authorization: Option<&str>, form: &HashMap<String, String>) -> Response<Bytes> {
        assert_eq!(
            authorization,
            Some("Basic Y2FsbC1jZW50cmU6Y2FsbC1jZW50cmUtc2VjcmV0"),
            "the client authenticates itself"
        );
        let Some(id) = form.get("auth_req_id") else {
            let known = form["login_hint"] == "alice";
            self.asked.lock().expect("unpoisoned").clone_from(form);
            return if known {
                answer(StatusCode::OK, &json!({"auth_req_id": "request-1", "expires_in": 120, "interval": 0}))
            } else {
                answer(StatusCode::BAD_REQUEST, &json!({"error": "unknown_user_id"}))
            };
        };
        assert_eq!(id, "request-1");
        if self.exchanges.fetch_add(1, Ordering::SeqCst) == 0 {
            return answer(StatusCode::BAD_REQUEST, &json!({"error": "authorization_pending"}));
        }
        let (now, fault) = (now(), *self.fault.lock().expect("unpoisoned"));
        let aud = if fault == Fault::WrongNonce { "demo" } else { "call-centre" };
        let id = self.sign(
            "JWT",
            &json!({"iss": self.issuer, "sub": "248289761001", "aud": aud, "iat": now, "exp": now + 300}),
        );
        answer(StatusCode::OK, &json!({"access_token": "access", "token_type": "Bearer", "id_token": id}))
    }

    fn sign(&self, typ: &str, claims: &Value) -> String {
        let (kid, key) = &*self.key.lock().expect("unpoisoned");
        let header = json!({"alg": "RS256", "typ": typ, "kid": kid}).to_string();
        let input = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header),
            BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signer = Signer::new(MessageDigest::sha256(), key).expect("a signer");
        let signature = signer.sign_oneshot_to_vec(input.as_bytes()).expect("a signature");
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "device_authorization_endpoint": format!("{issuer}/device_authorization"),
            "backchannel_authentication_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "introspection_endpoint": format!("{issuer}/introspect"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "end_session_endpoint": format!("{issuer}/logout"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn introspection(&self) -> Value {
        let strong = *self.fault.lock().expect("unpoisoned") == Fault::Strong;
        let acr = if strong { "urn:placet:acr:mfa" } else { "urn:example:pwd" };
        json!({
            "active": true, "client_id": "demo", "scope": "openid", "authorization_id": "az-1", "acr": acr,
            "auth_time": now(), "sub": "248289761001",
        })
    }

    fn jwks(&self) -> Value {
        let (kid, key) = &*self.key.lock().expect("unpoisoned");
        let rsa = key.rsa().expect("an RSA key");
        let encode = |number: Vec<u8>| BASE64_URL_SAFE_NO_PAD.encode(number);
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encode(rsa.n().to_vec()),
            "e": encode(rsa.e().to_vec()),
        }]})
    }
}

fn routes(
    op: &Arc<Op>,
) -> impl Filter<Extract = (Response<Bytes>,), Error = warp::Rejection> + Clone + use<> {
    let op = Arc::clone(op);
    let op = warp::any().map(move || Arc::clone(&op));
    let user =
        json!({"sub": "248289761001", "name": "Alice Wonder", "email": "alice@example.com", "team": "tea"});
    let metadata = path!(".well-known" / "openid-configuration").and(op.clone());
    let form = warp::header::optional("authorization").and(warp::body::bytes());
    metadata
        .map(|op: Arc<Op>| answer(StatusCode::OK, &op.metadata()))
        .or(path!("jwks").and(op.clone()).map(|op: Arc<Op>| answer(StatusCode::OK, &op.jwks())))
        .unify()
        .or(path!("authorize")
            .and(warp::query::raw())
            .and(op.clone())
            .map(|query: String, op: Arc<Op>| op.authorize(&query)))
        .unify()
        .or(path!("token").and(form).and(op.clone()).map(
            |authorization: Option<String>, form: Bytes, op: Arc<Op>| {
                op.token(authorization.as_deref(), &form)
            },
        ))
        .unify()
        .or(path!("device_authorization")
            .and(warp::body::bytes())
            .and(op.clone())
            .map(|form: Bytes, op: Arc<Op>| op.device_authorization(&form)))
        .unify()
        .or(path!("userinfo").map(move || answer(StatusCode::OK, &user)))
        .unify()
        .or(path!("introspect").and(op).map(|op: Arc<Op>| answer(StatusCode::OK, &op.introspection())))
        .unify()
        .or(path!("revoke").map(|| answer(StatusCode::OK, &json!({}))))
        .unify()
}

fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", "application/json".parse().expect("ASCII"));
    answer
}

fn key(kid: &str) -> (String, PKey<Private>) {
    let rsa = Rsa::generate(2048).expect("a key");
    (kid.to_owned(), PKey::from_rsa(rsa).expect("a key"))
}

#[allow(
    clippy::disallowed_methods,
    reason = "the provider of the tests stamps its tokens with the time of day"
)]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
