//! A browser and the login app in one: the authorization code flow with every request that it takes.

use http::{StatusCode, header};
use openssl::sha::sha256;
use serde_json::json;
use url::form_urlencoded;

use super::{Place, basic};
use crate::wire::{Answer, Broken, Wire};

const CALLBACK: &str = "http://localhost:17093/callback";
const BEARER: &str = "Bearer bench-ui-token-for-measurements-only-0123456789";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A user's browser.
pub(crate) struct Browser {
    issuer: String,
    private: Wire,
    sub: String,
    request: String,
    client: String,
}

impl Browser {
    /// Of the user with this number.
    pub(crate) fn new(place: &Place, number: usize) -> Self {
        Self::of(place, number, "bench-web")
    }

    /// Of the user with this number, who uses this client.
    pub(crate) fn of(place: &Place, number: usize, client_id: &str) -> Self {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

        let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
        let request = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("scope", "openid profile offline_access")
            .append_pair("prompt", "consent")
            .append_pair("state", "bench")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        Self {
            issuer: place.issuer.clone(),
            private: place.private(number),
            sub: format!("user-{number}"),
            request,
            client: basic(client_id),
        }
    }

    /// The parameters of its authorization request.
    pub(crate) fn request(&self) -> &str {
        &self.request
    }

    /// Signs in as somebody who was never here, and gives what the token endpoint answered.
    pub(crate) async fn sign_in(&mut self, wire: &mut Wire) -> Result<Answer, Broken> {
        let code = self.code(wire).await?;
        self.redeem(wire, &code).await
    }

    /// Signs in, as far as to the code.
    pub(crate) async fn code(&mut self, wire: &mut Wire) -> Result<String, Broken> {
        let path = format!("/authorize?{}", self.request);
        let opened = wire.send("GET", &path, &[], "").await?.having(StatusCode::SEE_OTHER)?;
        let cookie = cookies(&opened);
        let interaction = parameter(opened.location()?, "interaction")?;
        let claims = json!({"name": "A User", "preferred_username": self.sub});
        let auth = json!({
            "type": "auth", "sub": self.sub, "acr": "urn:placet:acr:pwd", "amr": ["pwd"], "session": {"claims": claims}
        });
        self.answer(&interaction, 1, &auth).await?;
        let consent = json!({"type": "consent", "accept_all": true, "remember": {"mode": "never"}});
        let done = self.answer(&interaction, 2, &consent).await?;
        let resume = done.string("/response/delivery/uri")?;
        let resume = resume.strip_prefix(&self.issuer).unwrap_or(&resume);
        let back =
            wire.send("GET", resume, &[("cookie", &cookie)], "").await?.having(StatusCode::SEE_OTHER)?;
        parameter(back.location()?, "code")
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, wire: &mut Wire, code: &str) -> Result<Answer, Broken> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        wire.form("/token", &[("authorization", &self.client)], body).await?.having(StatusCode::OK)
    }

    async fn answer(
        &mut self,
        interaction: &str,
        step: u32,
        answer: &serde_json::Value,
    ) -> Result<Answer, Broken> {
        let path = format!("/ui/v1/interactions/{interaction}/steps/{step}");
        let headers = [("authorization", BEARER), ("content-type", "application/json")];
        self.private.send("PUT", &path, &headers, answer.to_string()).await?.having(StatusCode::OK)
    }
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(answer: &Answer) -> String {
    let set = answer.headers.get_all(header::SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|value| value.to_str().ok()?.split(';').next()).collect();
    pairs.join("; ")
}

/// A parameter of a URL.
fn parameter(url: &str, name: &str) -> Result<String, Broken> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned()).ok_or_else(|| Broken::Answer(format!("no `{name}` in {url}")))
}
