//! Who is in the console, and what a request of that browser may do.

use http::header;
use placet_oauth::{
    error::OAuthError,
    id::Secret,
    params::{Params, encode_form},
};
use subtle::ConstantTimeEq as _;

use crate::{
    config::{AdminConfig, AdminRole},
    console,
    http::{
        admin::caller::{self, Admin},
        cookie,
        request::Request,
        ui::query,
    },
    outcome::Fault,
    problem::{ApiFailure, ApiResult, problem},
    seal::hex,
    server::Server,
    store::StoreError,
};

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Nobody is signed in.
    Out,
    /// A form that no page of this console sent, in this session: why it is taken for one.
    Foreign(&'static str),
    /// What was asked is refused, or broken.
    Failed(ApiFailure),
}

/// A page, or why there is none.
pub(super) type Page<T> = Result<T, Stopped>;

impl From<ApiFailure> for Stopped {
    fn from(failure: ApiFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// A request of a browser that is signed in.
pub(super) struct Visit<'a> {
    pub(super) server: &'a Server,
    pub(super) request: &'a Request,
    pub(super) admin: &'a AdminConfig,
    /// What forms have to carry.
    pub(super) token: String,
}

impl<'a> Visit<'a> {
    /// The visit behind a request that wants this role.
    pub(super) fn of(server: &'a Server, request: &'a Request, role: AdminRole) -> Page<Self> {
        let visit = Self::any(server, request)?;
        visit.demand(role)?;
        Ok(visit)
    }

    /// The visit behind a request that wants no role.
    pub(super) fn any(server: &'a Server, request: &'a Request) -> Page<Self> {
        caller::check_host(server, request)?;
        let secret = session(server, request).ok_or(Stopped::Out)?;
        let name = console::admin_of(server, &secret).ok_or(Stopped::Out)?;
        let admin = server.config().admin.iter().find(|admin| admin.name == name).ok_or(Stopped::Out)?;
        let token = hex(&console::form_token(server, &secret).0);
        Ok(Self { server, request, admin, token })
    }

    /// Refuses who has not this role.
    pub(super) fn demand(&self, role: AdminRole) -> ApiResult<()> {
        if self.may(role) {
            return Ok(());
        }
        let name = serde_json::to_value(role).unwrap_or_default();
        Err(problem(403, "role_missing", &format!("this needs the role {name}")).into())
    }

    /// Whether this admin has a role.
    pub(super) fn may(&self, role: AdminRole) -> bool {
        self.admin.roles.contains(&role)
    }

    /// In whose name something is changed.
    pub(super) fn by(&self) -> Admin<'a> {
        Admin { name: &self.admin.name }
    }

    /// The form of a change: sent by a page of this console, in this session.
    pub(super) fn form(&self) -> Page<Params> {
        let form = form(self.server, self.request)?;
        let given = form.get("token").unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(self.token.as_bytes())) {
            return Ok(form);
        }
        Err(Stopped::Foreign(
            "the form is not of this session: go back, load the page again, and send it once more",
        ))
    }

    /// The parameters of the page.
    pub(super) fn query(&self) -> ApiResult<Params> {
        query(self.request)
    }
}

/// The secret of a session in the browser's cookie.
pub(super) fn session(server: &Server, request: &Request) -> Option<Secret> {
    cookie::read(&request.headers, name(server)).map(Secret::new)
}

/// A form that a page of this origin sent: browsers say where forms come from.
pub(super) fn form(server: &Server, request: &Request) -> Page<Params> {
    let same_site = request.header("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let origin = format!("{}://{}", scheme(server), request.header(header::HOST).unwrap_or_default());
    let same_origin = match request.headers.get(header::ORIGIN) {
        None => true,
        Some(_) => request.header(header::ORIGIN).is_some_and(|own| own.eq_ignore_ascii_case(&origin)),
    };
    if !same_site || !same_origin {
        return Err(Stopped::Foreign("forms of other sites are not taken"));
    }
    let wrong = |error: OAuthError| ApiFailure::from(problem(400, "invalid_request", &error.description));
    Ok(request.form().map_err(wrong)?)
}

fn scheme(server: &Server) -> &'static str {
    if is_secure(server) { "https" } else { "http" }
}

fn is_secure(server: &Server) -> bool {
    server.config().tls.private.certificate_file.is_some()
}

/// The name of the cookie. Ports do not separate cookies, so it is one that nobody else has.
fn name(server: &Server) -> &'static str {
    if is_secure(server) { "__Host-placet-console" } else { "placet-console" }
}

/// The line that sets the cookie, or removes it.
pub(super) fn cookie_line(server: &Server, secret: Option<&Secret>) -> String {
    // The prefix wants the whole host; without it the apps beside this one shall not be sent the cookie.
    let place = if is_secure(server) { "Path=/; Secure" } else { "Path=/console" };
    let (value, age) = match secret {
        Some(secret) => (secret.expose(), console::LONGEST),
        None => ("", 0),
    };
    format!("{}={value}; {place}; HttpOnly; SameSite=Strict; Max-Age={age}", name(server))
}

/// A link within the console.
pub(super) fn link<'p>(path: &str, pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let query = encode_form(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    if query.is_empty() { format!("/console/{path}") } else { format!("/console/{path}?{query}") }
}
