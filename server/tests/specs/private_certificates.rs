//! Login apps and admins that are known by their certificates at the private listener.

use placet_server::{
    config::{AdminConfig, AdminRole, Config},
    seal::hex,
};
use reqwest::{Client, StatusCode};
use sha2::{Digest as _, Sha256};

use super::{
    administering::TOKEN,
    certificates::{Identity, Wanted, believing},
    harness::{START, UI},
    securing::Secured,
};

fn digest(identity: &Identity) -> String {
    hex(&Sha256::digest(identity.certificate.to_der().unwrap()))
}

/// A server whose private listener speaks TLS, and the certificate of its login app and that of its admin.
async fn stand(change: impl FnOnce(&mut Config)) -> (Secured, Identity, Identity) {
    let [app, admin] = ["login", "operator"].map(|name| Wanted::client(name).self_signed());
    let pinned = [digest(&app), digest(&admin).to_uppercase()];
    let secured = Secured::with(|config| {
        let [app, admin] = pinned;
        (config.tls.private.certificate_file, config.tls.private.key_file) =
            (config.tls.certificate_file.clone(), config.tls.key_file.clone());
        config.ui[0].certificate_sha256 = vec![app];
        config.admin = vec![AdminConfig {
            name: "operator".to_owned(),
            token_sha256: vec![hex(&Sha256::digest(TOKEN))],
            certificate_sha256: vec![admin],
            roles: vec![AdminRole::Read],
            ..AdminConfig::default()
        }];
        change(config);
    })
    .await;
    (secured, app, admin)
}

fn url(stand: &Secured, path: &str) -> String {
    format!("https://{}{path}", stand.stand.server.config().private_listen)
}

async fn ask(http: &Client, url: String) -> StatusCode {
    http.get(url).send().await.unwrap().status()
}

const INTERACTIONS: &str = "/ui/v1/interactions?kind=ciba&sub=alice";
const KEYS: &str = "/admin/v1/keys";

#[tokio::test]
async fn a_login_app_and_an_admin_are_known_by_their_certificates() {
    let (stand, app, admin) = stand(|_| {}).await;
    assert_eq!(ask(&stand.http(&app), url(&stand, INTERACTIONS)).await, 200);
    assert_eq!(ask(&stand.http(&admin), url(&stand, KEYS)).await, 200);
    let rotate = stand.http(&admin).post(url(&stand, "/admin/v1/keys:rotate")).send().await.unwrap();
    assert_eq!(rotate.status(), 403, "the roles are those of the registration");
}

#[tokio::test]
async fn nobody_is_known_by_the_certificate_of_somebody_else_or_by_none() {
    let (stand, app, admin) = stand(|_| {}).await;
    let stranger = Wanted::client("login").self_signed();
    let none = believing(&stand.server).build().unwrap();
    for http in [stand.http(&admin), stand.http(&stranger), none.clone()] {
        assert_eq!(ask(&http, url(&stand, INTERACTIONS)).await, 401);
    }
    for http in [stand.http(&app), stand.http(&stranger), none] {
        assert_eq!(ask(&http, url(&stand, KEYS)).await, 401);
    }
}

#[tokio::test]
async fn a_certificate_counts_within_its_time() {
    let (stand, app, admin) = stand(|_| {}).await;
    for (now, status) in [(START + 86_399, 200), (START + 86_400, 401)] {
        stand.stand.clock.advance(now - stand.stand.now());
        assert_eq!(ask(&stand.http(&app), url(&stand, INTERACTIONS)).await, status, "{now}");
        assert_eq!(ask(&stand.http(&admin), url(&stand, KEYS)).await, status, "{now}");
    }
}

#[tokio::test]
async fn who_sends_a_bearer_is_judged_by_it_alone() {
    let (stand, app, admin) = stand(|_| {}).await;
    let with = |http: Client, path, bearer: &'static str| {
        let request = http.get(url(&stand, path)).header("authorization", bearer);
        async { request.send().await.unwrap().status() }
    };
    assert_eq!(with(stand.http(&app), INTERACTIONS, "Bearer wrong").await, 401);
    assert_eq!(with(stand.http(&app), INTERACTIONS, "Basic dTpw").await, 401);
    assert_eq!(with(stand.http(&admin), KEYS, "Bearer wrong").await, 401);
    let none = believing(&stand.server).build().unwrap();
    let ui: &'static str = Box::leak(format!("Bearer {UI}").into_boxed_str());
    let root: &'static str = Box::leak(format!("Bearer {TOKEN}").into_boxed_str());
    assert_eq!(with(none.clone(), INTERACTIONS, ui).await, 200, "a token is as good as before");
    assert_eq!(with(none, KEYS, root).await, 200);
}

#[tokio::test]
async fn no_proxy_speaks_for_a_certificate_at_the_private_listener() {
    let (stand, app, _) = stand(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.mtls.proxy.header = Some("Client-Cert".to_owned());
    })
    .await;
    let none = believing(&stand.server).build().unwrap();
    let forged = none.get(url(&stand, INTERACTIONS)).header("client-cert", format!(":{}:", app.base64()));
    assert_eq!(forged.send().await.unwrap().status(), 401);
    assert_eq!(ask(&stand.http(&app), url(&stand, INTERACTIONS)).await, 200, "its own connection does");
}
