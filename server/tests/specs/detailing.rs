//! A server that knows types of authorization details (RFC 9396), and clients that ask for some.

use placet_oauth::grant_type::GrantType;
use placet_server::config::Config;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, Reply, Stand, VERIFIER, auth},
    helpers::client,
    policy_stage::{prompt, reply},
};

/// Pays.
pub const PAY: &str = "https://pay.example";
/// Keeps accounts.
pub const BANK: &str = "https://bank.example";

/// A payment of this many euros.
pub fn payment(amount: &str) -> Value {
    json!({ "type": "payment", "amount": { "currency": "EUR", "value": amount }, "creditor": "Acme Books" })
}

/// Access to an account.
pub fn account(actions: &[&str]) -> Value {
    json!({ "type": "account", "actions": actions })
}

/// Two types: payments, which are asked about each time, and access to accounts, which the user chooses.
pub fn types(config: &mut Config) {
    config.resource = serde_json::from_value(json!([
        { "uri": PAY, "authorization_details_types": ["payment"] }, { "uri": BANK },
    ]))
    .unwrap();
    config.authorization_details_type = serde_json::from_value(json!([
        {
            "type": "payment",
            "schema": {
                "type": "object", "required": ["amount", "creditor"], "additionalProperties": false,
                "properties": {
                    "type": true, "locations": true, "creditor": { "type": "string", "maxLength": 70 },
                    "amount": {
                        "type": "object", "required": ["currency", "value"], "additionalProperties": false,
                        "properties": {
                            "currency": { "type": "string", "pattern": "^[A-Z]{3}$" },
                            "value": { "type": "string", "pattern": "^[0-9]+([.][0-9]{1,2})?$" },
                        },
                    },
                    "debtor": { "type": "object", "required": ["iban"], "additionalProperties": false,
                        "properties": { "iban": { "type": "string" } } },
                },
            },
            "title": { "": "Make a payment", "de": "Zahlung" }, "description": { "": "Money leaves your account" },
            "labels": { "/creditor": { "": "To", "de": "An" } },
            "enrichable": ["/debtor"], "resources": [PAY, BANK], "one_time": true,
        },
        { "type": "account", "enrichable": ["/accounts"], "narrowable": ["/actions"] },
        { "type": "other" },
    ]))
    .unwrap();
    let known = Some(vec!["payment".to_owned(), "account".to_owned()]);
    for id in ["web", "service", "opaque"] {
        client(config, id).metadata.authorization_details_types.clone_from(&known);
    }
}

/// Such a server.
pub async fn stand() -> Stand {
    Stand::with(types).await
}

/// Such a server with other settings.
pub async fn stand_with(change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        types(config);
        change(config);
    })
    .await
}

/// Lets a client use a grant.
pub fn admit(config: &mut Config, id: &str, grant: GrantType) {
    client(config, id).metadata.grant_types.get_or_insert_default().push(grant);
}

/// Sends an authorization request for these details.
pub async fn ask(stand: &Stand, browser: &mut Browser, details: &Value, extra: &[(&str, &str)]) -> Reply {
    let details = details.to_string();
    let mut all = vec![("authorization_details", details.as_str())];
    all.extend(extra);
    browser.authorize(stand, "web", &all).await
}

/// The prompt for consent of `alice` to these details, and the interaction it belongs to.
pub async fn consent(
    stand: &Stand,
    browser: &mut Browser,
    details: &Value,
    extra: &[(&str, &str)],
) -> (String, Value) {
    let id = ask(stand, browser, details, extra).await.interaction();
    if prompt(stand, &id).await["type"] == "auth" {
        reply(stand, &id, &auth("alice")).await;
    }
    let asked = prompt(stand, &id).await;
    assert_eq!(asked["type"], "consent", "{asked}");
    (id, asked["consent"].clone())
}

/// A consent to a scope and to these details.
pub fn granting(details: &Value) -> Value {
    json!({
        "type": "consent",
        "grant": {
            "scope": ["openid", "email"], "claims": { "userinfo": ["email", "email_verified"] },
            "authorization_details": details,
        },
        "remember": { "mode": "always" },
    })
}

/// Answers the consent with this, and goes on to the code.
pub async fn code(stand: &Stand, browser: &mut Browser, id: &str, answer: &Value) -> String {
    let done = reply(stand, id, answer).await;
    assert_eq!(done.json["type"], "response", "{}", done.text);
    let uri = done.json["response"]["delivery"]["uri"].as_str().unwrap().to_owned();
    browser.get(&uri).await.params()["code"].clone()
}

/// A code for a grant of all these details.
pub async fn code_for(stand: &Stand, details: &Value, extra: &[(&str, &str)]) -> String {
    let mut browser = Browser::new();
    let (id, _) = consent(stand, &mut browser, details, extra).await;
    code(stand, &mut browser, &id, &json!({ "type": "consent", "accept_all": true })).await
}

/// Redeems a code, and asks for less.
pub async fn redeem(stand: &Stand, code: &str, extra: &[(&str, &str)]) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    stand.post("/token", "web", &[&form[..], extra].concat()).await
}

/// Uses a refresh token, and asks for less.
pub async fn refresh(stand: &Stand, token: &str, extra: &[(&str, &str)]) -> Reply {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    stand.post("/token", "web", &[&form[..], extra].concat()).await
}

/// A refusal of details that says this.
#[track_caller]
pub fn refused(reply: &Reply, why: &str) {
    assert_eq!((reply.status, reply.error()), (400, "invalid_authorization_details"), "{}", reply.text);
    let description = reply.json["error_description"].as_str().unwrap();
    assert!(description.contains(why), "`{description}` does not say `{why}`");
}

/// The same parameters as `Browser::authorize` sends, with this for details.
pub fn request(stand: &Stand, details: &str) -> String {
    let pairs = [
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("authorization_details", details),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{}/authorize?{query}", stand.issuer)
}
