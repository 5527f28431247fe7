//! What is measured. Each worker has its connections, and what it needs of the server, before the time begins.

mod browser;
mod kind;
mod proof;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::StatusCode;
use tokio::time::Instant;

use crate::{
    place::Place,
    target::Target,
    wire::{Broken, Wire},
};

use self::{browser::Browser, proof::Prover};

pub(crate) use kind::Kind;

/// The secret of every client of `bench/placet.toml`: for measurements only.
const SECRET: &str = "bench-secret-for-measurements-only-0123456789";
const TOKEN: &str = "grant_type=client_credentials&scope=reports.read";
const DEVICE: &str = "client_id=bench-device&scope=openid";
const FORM: &str = "application/x-www-form-urlencoded";

/// What is made before the time begins, for whoever comes first.
#[derive(Clone)]
pub(crate) struct Stock {
    made: Arc<Mutex<Vec<String>>>,
    /// No more than that is used.
    most: u64,
    until: Instant,
}

impl Stock {
    /// One that is made for so long, unless there is enough before.
    pub(crate) fn new(making: Duration, most: Option<u64>) -> Self {
        Self { made: Arc::default(), most: most.unwrap_or(u64::MAX), until: Instant::now() + making }
    }

    fn is_made(&self) -> bool {
        let made = u64::try_from(self.made.lock().unwrap_or_else(PoisonError::into_inner).len());
        made.is_ok_and(|made| made >= self.most) || Instant::now() >= self.until
    }

    fn put(&self, what: String) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn take(&self) -> Option<String> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// What came of doing it once.
pub(crate) enum Once {
    /// It was answered as it should be.
    Done,
    /// There is nothing left to do it with.
    Dry,
}

/// A connection at work.
pub(crate) struct Worker {
    wire: Wire,
    task: Task,
}

enum Task {
    /// The same request again and again.
    Same {
        method: &'static str,
        path: String,
        headers: Vec<(&'static str, String)>,
        body: String,
        expects: StatusCode,
        /// Over a new connection each time.
        anew: bool,
    },
    Prove(Prover),
    Refresh {
        path: String,
        authorization: String,
        token: String,
    },
    Redeem(Browser, Stock),
    Sign(Browser),
}

impl Worker {
    /// Makes a worker ready.
    pub(crate) async fn prepare(
        kind: Kind,
        place: &Place,
        number: usize,
        stock: Stock,
    ) -> Result<Self, Broken> {
        if let Some(target) = place.target.as_ref().filter(|_| !kind.is_bare()) {
            return Self::of(target, kind, number).await;
        }
        let mut wire = if kind.is_bare() {
            Wire::new(place.bare, place.host())
        } else if kind.is_certified() {
            place.mutual.as_ref().ok_or_else(|| missing(kind))?.wire()
        } else {
            place.public(number)
        };
        let task = match kind {
            Kind::BarePlain => Task::get("/plain"),
            Kind::Keys => Task::get("/jwks"),
            Kind::BareSigned | Kind::CredentialsJwt => Task::form("/token", basic("bench-jwt"), TOKEN),
            Kind::CredentialsCostly => Task::form("/token", basic("bench-costly"), TOKEN),
            Kind::CredentialsOpaque => Task::form("/token", basic("bench-opaque"), TOKEN),
            Kind::CredentialsSidecar => Task::form("/token", basic("bench-sidecar"), TOKEN),
            Kind::Dpop => Task::Prove(Prover::new(place, basic("bench-jwt"))?),
            Kind::Mtls | Kind::MtlsConnect => {
                let body = format!("{TOKEN}&client_id=bench-mtls");
                Task::form("/token", String::new(), body).anew(kind == Kind::MtlsConnect)
            }
            Kind::IntrospectJwt => introspect(&mut wire, basic("bench-jwt")).await?,
            Kind::IntrospectOpaque => introspect(&mut wire, basic("bench-opaque")).await?,
            Kind::Refresh => {
                let tokens = Browser::new(place, number).sign_in(&mut wire).await?;
                let token = tokens.string("/refresh_token")?;
                Task::Refresh { path: "/token".to_owned(), authorization: basic("bench-web"), token }
            }
            Kind::Redeem => {
                let mut browser = Browser::new(place, number);
                while !stock.is_made() {
                    stock.put(browser.code(&mut wire).await?);
                }
                Task::Redeem(browser, stock)
            }
            Kind::Userinfo => {
                let tokens = Browser::new(place, number).sign_in(&mut wire).await?;
                Task::get("/userinfo").bearing(&tokens.string("/access_token")?)
            }
            Kind::UserinfoCostly => {
                let tokens = Browser::of(place, number, "bench-web-costly").sign_in(&mut wire).await?;
                Task::get("/userinfo").bearing(&tokens.string("/access_token")?)
            }
            Kind::Par => {
                let pushed = Browser::new(place, number).request().to_owned();
                Task::form("/par", basic("bench-web"), pushed).expecting(StatusCode::CREATED)
            }
            Kind::Authorize => {
                let asked = format!("/authorize?{}", Browser::new(place, number).request());
                Task::get(&asked).expecting(StatusCode::SEE_OTHER)
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
                let codes = wire.form("/device_authorization", &[], DEVICE).await?.having(StatusCode::OK)?;
                let body = format!(
                    "client_id=bench-device&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={}",
                    codes.string("/device_code")?
                );
                Task::form("/token", String::new(), body).expecting(StatusCode::BAD_REQUEST)
            }
        };
        Ok(Self { wire, task })
    }

    /// Makes a worker ready that loads a server of somebody else.
    async fn of(target: &Target, kind: Kind, number: usize) -> Result<Self, Broken> {
        let mut wire = Wire::new(target.token.address, &target.token.host);
        let form = match kind {
            Kind::CredentialsJwt | Kind::IntrospectJwt => target.jwt.clone(),
            _ => target.opaque.clone(),
        };
        let form = form.ok_or_else(|| missing(kind));
        let task = match kind {
            Kind::CredentialsJwt | Kind::CredentialsOpaque => {
                let form = form?;
                Task::form(&target.token.path, form.authorization, form.body)
            }
            Kind::IntrospectJwt | Kind::IntrospectOpaque => {
                let form = form?;
                let token = token(&mut wire, &target.token.path, &form.authorization, form.body).await?;
                wire = Wire::new(target.introspection.address, &target.introspection.host);
                let authorization = form.introspects.unwrap_or_default();
                introspection(&mut wire, &target.introspection.path, authorization, &token).await?
            }
            Kind::Refresh => {
                let refresh = target.refresh.as_ref().ok_or_else(|| missing(kind))?;
                let token = refresh.tokens.get(number).ok_or_else(|| missing(kind))?.clone();
                let path = target.token.path.clone();
                Task::Refresh { path, authorization: refresh.authorization.clone(), token }
            }
            _ => return Err(missing(kind)),
        };
        Ok(Self { wire, task })
    }

    /// One that does the same over a connection of its own, if what it does can be done by many.
    pub(crate) fn twin(&self, wire: Wire) -> Option<Self> {
        let Task::Same { method, path, headers, body, expects, anew } = &self.task else { return None };
        let (method, expects, anew) = (*method, *expects, *anew);
        let (path, headers, body) = (path.clone(), headers.clone(), body.clone());
        Some(Self { wire, task: Task::Same { method, path, headers, body, expects, anew } })
    }

    /// Closes its connection, whatever was asked over it; the next request opens another one.
    pub(crate) fn hang_up(&mut self) {
        self.wire.close();
    }

    /// Does it once.
    pub(crate) async fn once(&mut self) -> Result<Once, Broken> {
        let wire = &mut self.wire;
        match &mut self.task {
            Task::Same { method, path, headers, body, expects, anew } => {
                if *anew {
                    wire.close();
                }
                let headers: Vec<(&str, &str)> =
                    headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                wire.send(method, path, &headers, body.clone()).await?.having(*expects)?;
            }
            Task::Prove(prover) => prover.once(wire).await?,
            Task::Refresh { path, authorization, token } => {
                let body = format!("grant_type=refresh_token&refresh_token={token}");
                let answer = wire.form(path, &[("authorization", authorization)], body).await?;
                *token = answer.having(StatusCode::OK)?.string("/refresh_token")?;
            }
            Task::Redeem(browser, stock) => {
                let Some(code) = stock.take() else { return Ok(Once::Dry) };
                browser.redeem(wire, &code).await?;
            }
            Task::Sign(browser) => {
                browser.sign_in(wire).await?;
            }
        }
        Ok(Once::Done)
    }
}

impl Task {
    fn get(path: &str) -> Self {
        Self::Same {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: String::new(),
            expects: StatusCode::OK,
            anew: false,
        }
    }

    fn form(path: &str, authorization: String, body: impl Into<String>) -> Self {
        let mut headers = vec![("content-type", FORM.to_owned())];
        if !authorization.is_empty() {
            headers.push(("authorization", authorization));
        }
        Self::Same {
            method: "POST",
            path: path.to_owned(),
            headers,
            body: body.into(),
            expects: StatusCode::OK,
            anew: false,
        }
    }

    fn bearing(mut self, token: &str) -> Self {
        if let Self::Same { headers, .. } = &mut self {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        self
    }

    fn expecting(mut self, status: StatusCode) -> Self {
        if let Self::Same { expects, .. } = &mut self {
            *expects = status;
        }
        self
    }

    fn anew(mut self, yes: bool) -> Self {
        if let Self::Same { anew, .. } = &mut self {
            *anew = yes;
        }
        self
    }
}

fn missing(kind: Kind) -> Broken {
    Broken::Answer(format!("what is loaded has nothing for `{kind}`"))
}

/// The credentials of a client.
fn basic(client_id: &str) -> String {
    format!("Basic {}", openssl::base64::encode_block(format!("{client_id}:{SECRET}").as_bytes()))
}

async fn token(
    wire: &mut Wire,
    path: &str,
    authorization: &str,
    body: impl Into<String>,
) -> Result<String, Broken> {
    let headers = if authorization.is_empty() { vec![] } else { vec![("authorization", authorization)] };
    wire.form(path, &headers, body.into()).await?.having(StatusCode::OK)?.string("/access_token")
}

async fn introspect(wire: &mut Wire, authorization: String) -> Result<Task, Broken> {
    let token = token(wire, "/token", &authorization, TOKEN).await?;
    introspection(wire, "/introspect", authorization, &token).await
}

/// Introspects a token again and again. It is active: less would be said of one that is not.
async fn introspection(
    wire: &mut Wire,
    path: &str,
    authorization: String,
    token: &str,
) -> Result<Task, Broken> {
    let body = format!("token={token}");
    let headers =
        if authorization.is_empty() { vec![] } else { vec![("authorization", authorization.as_str())] };
    let answer = wire.form(path, &headers, body.clone()).await?.having(StatusCode::OK)?;
    if answer.json()?.get("active") != Some(&true.into()) {
        return Err(Broken::Answer("the token to be introspected is not active".to_owned()));
    }
    Ok(Task::form(path, authorization, body))
}
