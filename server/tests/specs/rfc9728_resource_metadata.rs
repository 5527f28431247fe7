//! RFC 9728: what is published about resources.

use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    folder::Folder,
    harness::{Reply, Stand},
    helpers::verified,
};

const ORDERS: &str = "https://orders.example/v1";

fn resources(config: &mut Config) {
    let own = format!("{}/own", config.issuer);
    config.authorization_details_type = serde_json::from_value(json!([{ "type": "payment" }])).unwrap();
    config.resource = serde_json::from_value(json!([
        {
            "uri": ORDERS, "name": { "": "Orders", "de": "Bestellungen" }, "scopes": ["reports.read"],
            "documentation": "https://orders.example/docs", "authorization_details_types": ["payment"],
            "dpop_bound_access_tokens_required": true, "bearer_methods": ["header", "body"],
        },
        { "uri": own, "tls_client_certificate_bound_access_tokens": true },
        { "uri": "https://secret.example", "hidden": true },
        { "uri": "urn:example:thing" },
    ]))
    .unwrap();
}

async fn get(stand: &Stand, path: &str, host: Option<&str>) -> Reply {
    let mut request = stand.http.get(format!("{}{path}", stand.issuer));
    if let Some(host) = host {
        request = request.header("host", host);
    }
    Reply::read(request.send().await.unwrap()).await
}

/// The document, less the signature over it.
#[track_caller]
fn document(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    let mut document = reply.json.clone();
    assert!(document.as_object_mut().unwrap().remove("signed_metadata").is_some());
    document
}

fn orders(issuer: &str) -> Value {
    json!({
        "resource": ORDERS, "authorization_servers": [issuer], "scopes_supported": ["reports.read"],
        "bearer_methods_supported": ["header", "body"], "resource_name": "Orders",
        "resource_name#de": "Bestellungen", "resource_documentation": "https://orders.example/docs",
        "authorization_details_types_supported": ["payment"], "dpop_bound_access_tokens_required": true,
    })
}

#[tokio::test]
async fn a_resource_on_the_host_of_the_server_has_its_metadata_at_the_well_known_place() {
    let stand = Stand::with(resources).await;
    let reply = get(&stand, "/.well-known/oauth-protected-resource/own", None).await;
    let expected = json!({
        "resource": format!("{}/own", stand.issuer), "authorization_servers": [stand.issuer],
        "bearer_methods_supported": ["header"], "tls_client_certificate_bound_access_tokens": true,
    });
    assert_eq!(document(&reply), expected);
    // A script in a browser may read them.
    let request = stand.http.get(format!("{}/.well-known/oauth-protected-resource/own", stand.issuer));
    let other = Reply::read(request.header("origin", "https://app.example").send().await.unwrap()).await;
    assert_eq!(other.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn the_host_of_a_resource_can_pass_requests_on_to_the_server() {
    let stand = Stand::with(resources).await;
    let path = "/.well-known/oauth-protected-resource/v1";
    assert_eq!(document(&get(&stand, path, Some("orders.example")).await), orders(&stand.issuer));
    assert_eq!(document(&get(&stand, path, Some("ORDERS.example")).await), orders(&stand.issuer));
    for (path, host) in [
        (path, None),
        (path, Some("other.example")),
        ("/.well-known/oauth-protected-resource", Some("orders.example")),
        ("/.well-known/oauth-protected-resource/v1/", Some("orders.example")),
        ("/.well-known/oauth-protected-resource/v1?x=1", Some("orders.example")),
        ("/.well-known/oauth-protected-resource", Some("secret.example")),
    ] {
        assert_eq!(get(&stand, path, host).await.status, 404, "{path} {host:?}");
    }
}

#[tokio::test]
async fn whoever_copies_metadata_asks_for_them_by_name() {
    let stand = Stand::with(resources).await;
    let by_name = async |resource: &str| {
        get(&stand, &format!("/.well-known/placet-resource-metadata?resource={resource}"), None).await
    };
    assert_eq!(document(&by_name(ORDERS).await), orders(&stand.issuer));
    // One that is only named in `resources` takes any token.
    let plain = document(&by_name("https://api.example").await);
    assert!(plain.get("scopes_supported").is_none());
    for resource in ["https://secret.example", "urn:example:thing", "https://unknown.example"] {
        let reply = by_name(resource).await;
        assert_eq!((reply.status, reply.error()), (404, "invalid_target"), "{resource}");
    }
    assert_eq!(get(&stand, "/.well-known/placet-resource-metadata", None).await.status, 400);
}

#[tokio::test]
async fn metadata_are_signed_and_the_signature_is_good_for_nothing_else() {
    let stand = Stand::with(resources).await;
    let reply = get(&stand, "/.well-known/oauth-protected-resource/v1", Some("orders.example")).await;
    let signed = reply.json["signed_metadata"].as_str().unwrap();
    let (header, mut claims) = verified(&stand, signed).await;
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("oauth-protected-resource+jwt")));
    assert_eq!((&claims["iss"], &claims["iat"]), (&json!(stand.issuer), &json!(stand.now())));
    let members = claims.as_object_mut().unwrap();
    members.remove("iss");
    members.remove("iat");
    assert_eq!(claims, orders(&stand.issuer));
    assert!(!stand.is_active("web", signed).await, "it is no access token");
    assert_eq!(stand.userinfo(signed).await.status, 401);
}

#[tokio::test]
async fn discovery_names_the_resources_that_are_no_secret() {
    let stand = Stand::with(resources).await;
    let document = get(&stand, "/.well-known/oauth-authorization-server", None).await.json;
    let expected = json!([ORDERS, format!("{}/own", stand.issuer), "https://api.example"]);
    assert_eq!(document["protected_resources"], expected);
}

#[test]
fn the_command_line_prints_metadata_without_a_server() {
    let folder = Folder::new("resource");
    let file = folder.join("placet.toml");
    let text = r#"
        issuer = "https://as.example"
        master_key_file = "master.key"
        [[resource]]
        uri = "https://orders.example/v1"
        scopes = ["orders.read"]
        [[resource]]
        uri = "https://secret.example"
        hidden = true
    "#;
    std::fs::write(&file, text).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_placet"));
        command.args(["--config", file.to_str().unwrap(), "resource"]).args(arguments).output().unwrap()
    };
    let printed = run(&["metadata", ORDERS]);
    assert!(printed.status.success(), "{printed:?}");
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let expected = json!({
        "resource": ORDERS, "authorization_servers": ["https://as.example"],
        "bearer_methods_supported": ["header"], "scopes_supported": ["orders.read"],
    });
    assert_eq!(document, expected);
    let list = String::from_utf8(run(&["list"]).stdout).unwrap();
    assert_eq!(list, format!("{ORDERS} https://orders.example/.well-known/oauth-protected-resource/v1\n"));
    assert!(!run(&["metadata", "https://secret.example"]).status.success());
}
