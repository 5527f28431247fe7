//! Who calls the admin API.

use http::header;
use placet_oauth::id::Secret;

use crate::{
    config::{AdminConfig, AdminRole},
    http::{credential, request::Request},
    problem::{ApiResult, problem},
    server::Server,
    token::{self, is_for},
};

/// An admin who has proved it.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Admin<'a> {
    /// Its name.
    pub(in crate::http) name: &'a str,
}

impl Admin<'_> {
    /// Its name as the records of changes have it.
    pub(super) fn recorded(self) -> String {
        format!("admin:{}", self.name)
    }
}

/// The admin behind a request, if it has this role.
pub(super) async fn with<'a>(server: &'a Server, request: &Request, role: AdminRole) -> ApiResult<Admin<'a>> {
    check_host(server, request)?;
    server.limits().may_try(request.peer, "admin")?;
    let bearer = request.bearer().ok().flatten();
    let found = match &bearer {
        None => credential::certificate(server, request)?.and_then(|digest| {
            credential::holder(&server.config().admin, |admin| &admin.certificate_sha256, &digest)
        }),
        Some(bearer) => {
            match credential::holder(&server.config().admin, |admin| &admin.token_sha256, &bearer.sha256()) {
                Some(admin) => Some(admin),
                None => by_token(server, bearer).await?,
            }
        }
    };
    let Some(admin) = found else {
        if bearer.is_some() {
            server.limits().failure(request.peer, "admin");
        }
        return Err(problem(401, "unauthorized", "the bearer of a registered admin is expected").into());
    };
    if !admin.roles.contains(&role) {
        let name = serde_json::to_value(role).unwrap_or_default();
        let detail = format!("this needs the role {name}");
        return Err(problem(403, "role_missing", &detail).into());
    }
    Ok(Admin { name: &admin.name })
}

/// A page of another origin that gets its name to resolve to this listener is not let in.
pub(in crate::http) fn check_host(server: &Server, request: &Request) -> ApiResult<()> {
    let host = request.header(header::HOST).unwrap_or_default();
    if server.config().is_admin_host(host) {
        return Ok(());
    }
    Err(problem(421, "misdirected_request", "there is no such host name here; see `admin_hosts`").into())
}

/// A client's own token for the admin API; one that stands for a user, or a scope alone, opens nothing.
async fn by_token<'a>(server: &'a Server, bearer: &Secret) -> ApiResult<Option<&'a AdminConfig>> {
    let Some(active) = token::active(server, bearer).await? else { return Ok(None) };
    // One that is bound is no bearer, and nothing is proved here.
    if active.claims.contains_key("cnf") {
        return Ok(None);
    }
    let audience = format!("{}/admin", server.issuer());
    if !is_for(&active.claims, &audience) || active.authorization.is_some() || active.single_use.is_some() {
        return Ok(None);
    }
    Ok(server.config().admin.iter().find(|admin| admin.client_ids.contains(&active.client_id)))
}
