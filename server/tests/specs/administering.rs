//! Servers with admins, and the admin API over real sockets.

use placet_server::config::{AdminConfig, AdminRole, Config};
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::harness::{Reply, Stand};

/// The bearer of an admin with every role.
pub const TOKEN: &str = "admin-token-of-the-whole-power-0123456789";

/// Every role.
pub const ROLES: [&str; 6] = ["read", "clients", "revoke", "policies", "keys", "events"];

/// A server with an admin for everything, and one for each role.
pub async fn stand() -> Stand {
    stand_with(|_| {}).await
}

/// The same, with settings that `change` has altered.
pub async fn stand_with(change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        admit(config);
        change(config);
    })
    .await
}

/// Registers an admin for everything, and one for each role.
pub fn admit(config: &mut Config) {
    let all = [
        AdminRole::Read,
        AdminRole::Clients,
        AdminRole::Revoke,
        AdminRole::Policies,
        AdminRole::Keys,
        AdminRole::Events,
    ];
    let mut admit = |name: &str, token: &str, roles: Vec<AdminRole>| {
        config.admin.push(AdminConfig {
            name: name.to_owned(),
            token_sha256: vec![placet_server::seal::hex(&Sha256::digest(token))],
            roles,
            ..AdminConfig::default()
        });
    };
    admit("root", TOKEN, all.to_vec());
    for role in all {
        let name = serde_json::to_value(role).unwrap().as_str().unwrap().to_owned();
        admit(&name, &one_role(&name), vec![role]);
    }
}

/// The bearer of the admin with this role alone.
pub fn one_role(name: &str) -> String {
    format!("admin-token-with-the-one-role-{name}-0123456789")
}

/// The URL of a path of the admin API.
pub fn url(stand: &Stand, path: &str) -> String {
    format!("{}/admin/v1{path}", stand.api.trim_end_matches("/ui/v1"))
}

/// Calls the admin API.
pub async fn call(stand: &Stand, token: &str, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let mut request = stand.http.request(method, url(stand, path)).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    Reply::read(request.send().await.unwrap()).await
}

/// Reads something as the admin with every role.
pub async fn get(stand: &Stand, path: &str) -> Reply {
    call(stand, TOKEN, Method::GET, path, None).await
}
