//! What is measured. Each worker has its connections, and what it needs of the server, before the time begins.

mod browser;
mod proof;

use std::{fmt, net::SocketAddr};

use http::StatusCode;

use crate::wire::{Broken, Wire};

use self::{browser::Browser, proof::Prover};

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The bare handler answers.
    BarePlain,
    /// The bare handler signs a token.
    BareSigned,
    /// The key set: what is cheap and never refused.
    Keys,
    /// Client credentials, a JWT.
    CredentialsJwt,
    /// Client credentials, an opaque token.
    CredentialsOpaque,
    /// Client credentials, a JWT, decided by a sidecar.
    CredentialsSidecar,
    /// Client credentials with a new `DPoP` proof each.
    Dpop,
    /// Introspection of a JWT.
    IntrospectJwt,
    /// Introspection of an opaque token.
    IntrospectOpaque,
    /// Refresh with rotation; each connection has a family of its own.
    Refresh,
    /// `UserInfo` with a JWT.
    Userinfo,
    /// A sign-in: authorization request, two answers of the login app, the way back, redemption. Five requests.
    CodeFlow,
    /// Token exchange of a user's token, decided by a sidecar.
    Exchange,
    /// A device that asks whether its user has answered.
    DevicePoll,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 14] = [
        Self::BarePlain,
        Self::BareSigned,
        Self::Keys,
        Self::CredentialsJwt,
        Self::CredentialsOpaque,
        Self::CredentialsSidecar,
        Self::Dpop,
        Self::IntrospectJwt,
        Self::IntrospectOpaque,
        Self::Refresh,
        Self::Userinfo,
        Self::CodeFlow,
        Self::Exchange,
        Self::DevicePoll,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = clap::ValueEnum::to_possible_value(self);
        f.write_str(name.as_ref().map_or("", clap::builder::PossibleValue::get_name))
    }
}

/// Where everything is.
pub(crate) struct Place {
    pub issuer: String,
    pub public: SocketAddr,
    pub private: SocketAddr,
    pub bare: SocketAddr,
}

impl Place {
    /// What stands in `Host`.
    pub(crate) fn host(&self) -> &str {
        self.issuer.split_once("://").map_or(&self.issuer, |(_, host)| host)
    }
}

/// The secret of every client of `bench/placet.toml`: for measurements only.
const SECRET: &str = "bench-secret-for-measurements-only-0123456789";
const TOKEN: &str = "grant_type=client_credentials&scope=reports.read";

/// A connection at work.
pub(crate) struct Worker {
    wire: Wire,
    task: Task,
}

enum Task {
    /// The same request again and again.
    Same {
        method: &'static str,
        path: &'static str,
        headers: Vec<(&'static str, String)>,
        body: String,
        expects: StatusCode,
    },
    Prove(Prover),
    Refresh {
        authorization: String,
        token: String,
    },
    Sign(Browser),
}

impl Worker {
    /// Makes a worker ready.
    pub(crate) async fn prepare(kind: Kind, place: &Place, number: usize) -> Result<Self, Broken> {
        let address =
            if matches!(kind, Kind::BarePlain | Kind::BareSigned) { place.bare } else { place.public };
        let mut wire = Wire::new(address, place.host());
        let task = match kind {
            Kind::BarePlain => Task::get("/plain"),
            Kind::Keys => Task::get("/jwks"),
            Kind::BareSigned | Kind::CredentialsJwt => {
                Task::form("/token", basic("bench-jwt"), TOKEN.to_owned())
            }
            Kind::CredentialsOpaque => Task::form("/token", basic("bench-opaque"), TOKEN.to_owned()),
            Kind::CredentialsSidecar => Task::form("/token", basic("bench-sidecar"), TOKEN.to_owned()),
            Kind::Dpop => Task::Prove(Prover::new(place, basic("bench-jwt"))?),
            Kind::IntrospectJwt => introspect(&mut wire, "bench-jwt").await?,
            Kind::IntrospectOpaque => introspect(&mut wire, "bench-opaque").await?,
            Kind::Refresh => {
                let tokens = Browser::new(place, number).sign_in(&mut wire).await?;
                Task::Refresh { authorization: basic("bench-web"), token: tokens.string("/refresh_token")? }
            }
            Kind::Userinfo => {
                let tokens = Browser::new(place, number).sign_in(&mut wire).await?;
                let bearer = format!("Bearer {}", tokens.string("/access_token")?);
                Task::Same {
                    method: "GET",
                    path: "/userinfo",
                    headers: vec![("authorization", bearer)],
                    body: String::new(),
                    expects: StatusCode::OK,
                }
            }
            Kind::CodeFlow => Task::Sign(Browser::new(place, number)),
            Kind::Exchange => {
                let tokens = Browser::new(place, number).sign_in(&mut wire).await?;
                let body = format!(
                    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:\
                     token-type:access_token&subject_token={}",
                    tokens.string("/access_token")?
                );
                Task::form("/token", basic("bench-web"), body)
            }
            Kind::DevicePoll => {
                let codes =
                    wire.form("/device_authorization", &[], "client_id=bench-device&scope=openid").await?;
                let code = codes.having(StatusCode::OK)?.string("/device_code")?;
                let body = format!(
                    "client_id=bench-device&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={code}"
                );
                let Task::Same { method, path, headers, body, .. } =
                    Task::form("/token", String::new(), body)
                else {
                    return Err(Broken::Answer("a form is sent again and again".to_owned()));
                };
                Task::Same { method, path, headers, body, expects: StatusCode::BAD_REQUEST }
            }
        };
        Ok(Self { wire, task })
    }

    /// Does it once.
    pub(crate) async fn once(&mut self) -> Result<(), Broken> {
        let wire = &mut self.wire;
        match &mut self.task {
            Task::Same { method, path, headers, body, expects } => {
                let headers: Vec<(&str, &str)> =
                    headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                wire.send(method, path, &headers, body.clone()).await?.having(*expects)?;
            }
            Task::Prove(prover) => prover.once(wire).await?,
            Task::Refresh { authorization, token } => {
                let body = format!("grant_type=refresh_token&refresh_token={token}");
                let answer = wire.form("/token", &[("authorization", authorization)], body).await?;
                *token = answer.having(StatusCode::OK)?.string("/refresh_token")?;
            }
            Task::Sign(browser) => {
                browser.sign_in(wire).await?;
            }
        }
        Ok(())
    }
}

impl Task {
    fn get(path: &'static str) -> Self {
        Self::Same { method: "GET", path, headers: Vec::new(), body: String::new(), expects: StatusCode::OK }
    }

    fn form(path: &'static str, authorization: String, body: String) -> Self {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        if !authorization.is_empty() {
            headers.push(("authorization", authorization));
        }
        Self::Same { method: "POST", path, headers, body, expects: StatusCode::OK }
    }
}

/// The credentials of a client.
fn basic(client_id: &str) -> String {
    format!("Basic {}", openssl::base64::encode_block(format!("{client_id}:{SECRET}").as_bytes()))
}

async fn introspect(wire: &mut Wire, client_id: &str) -> Result<Task, Broken> {
    let authorization = basic(client_id);
    let answer = wire.form("/token", &[("authorization", &authorization)], TOKEN).await?;
    let token = answer.having(StatusCode::OK)?.string("/access_token")?;
    Ok(Task::form("/introspect", authorization, format!("token={token}")))
}
