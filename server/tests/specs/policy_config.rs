//! What `placet check-config` refuses of policies.

use placet_oauth::{client::ClientMetadata, grant_type::GrantType};
use placet_server::config::{
    BackendKind, ClientConfig, Config, ConfigError, DEVELOPMENT_SAML_ISSUER, OnFailure, PolicyCache,
    PolicyConfig, PolicyMode, RulesConfig, SamlIssuer, SecretText, SubjectView,
};
use serde_json::json;

use super::{
    folder::Folder,
    rfc7522_saml2_bearer,
    sidecar::{SIGNING_SECRET, policy},
};

/// What is wrong with a configuration in production that has these policies, and nothing else that is wrong.
fn refused(change: impl FnOnce(&mut Config)) -> Vec<String> {
    let mut config = Config {
        issuer: "https://as.example".to_owned(),
        master_key_file: Some("master.key".into()),
        ..Config::default()
    };
    change(&mut config);
    match config.check() {
        Ok(()) => Vec::new(),
        Err(ConfigError::Refused(wrong)) => wrong,
        Err(other) => panic!("{other}"),
    }
}

/// A registration that nothing is wrong with.
fn sound(types: &[&str]) -> PolicyConfig {
    let mut sound = policy("sound", types, "https://policy.example/placet");
    sound.auth.sign.secret = None;
    sound.auth.sign.secret_file = Some("policy.secret".into());
    sound
}

fn with(policy: PolicyConfig) -> Vec<String> {
    refused(|config| config.policy.push(policy))
}

#[test]
fn a_sound_registration_is_accepted() {
    assert_eq!(with(sound(&["grant.refresh_token"])), Vec::<String>::new());
    assert_eq!(
        with(PolicyConfig { url: Some("unix:///run/policy.sock".to_owned()), ..sound(&["claims.source"]) }),
        Vec::<String>::new()
    );
    assert_eq!(
        with(PolicyConfig { on_failure: Some(OnFailure::Proceed), ..sound(&["logout.evaluate"]) }),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_unsafe_or_makes_no_sense_is_refused_by_name() {
    const HOOK: &str = "grant.refresh_token";
    let base = || sound(&[HOOK]);
    let at = |url: &str| PolicyConfig { url: Some(url.to_owned()), ..base() };
    let auth = |change: fn(&mut PolicyConfig)| {
        let mut policy = base();
        change(&mut policy);
        policy
    };
    let cases: Vec<(PolicyConfig, &str)> = vec![
        (at("http://policy.example/placet"), "must be https"),
        (at("http://127.0.0.1:8092/"), "allow_plaintext_loopback"),
        (at("ftp://policy.example/"), "must be https"),
        (at("https://user:secret@policy.example/"), "no user"),
        (at("https://policy.example/?x=1"), "no query"),
        (at("https://as.example/policy"), "this very server"),
        (at("unix://relative.sock"), "unix:///run/policy.sock"),
        (PolicyConfig { url: None, ..base() }, "needs a url"),
        (PolicyConfig { name: "with space".to_owned(), ..base() }, "letters, digits"),
        (PolicyConfig { types: Vec::new(), ..base() }, "needs types"),
        (PolicyConfig { timeout_ms: Some(49), ..base() }, "50 to 10000"),
        (PolicyConfig { timeout_ms: Some(10_001), ..base() }, "50 to 10000"),
        (PolicyConfig { sample: 1.5, ..base() }, "sample"),
        (PolicyConfig { on_failure: Some(OnFailure::Proceed), ..base() }, "acknowledge_fail_open"),
        (
            PolicyConfig {
                on_failure: Some(OnFailure::Proceed),
                acknowledge_fail_open: true,
                ..sound(&["grant.password"])
            },
            "needs an answer",
        ),
        (PolicyConfig { on_failure: Some(OnFailure::Stale), ..base() }, "cache.max_age"),
        (
            PolicyConfig {
                on_failure: Some(OnFailure::Stale),
                cache: PolicyCache { max_age: 5, stale_for: 5, denies: false },
                ..sound(&["grant.refresh_token", "interaction.approve"])
            },
            "never kept",
        ),
        (
            PolicyConfig { cache: PolicyCache { max_age: 100_000, ..PolicyCache::default() }, ..base() },
            "at most 86400",
        ),
        (PolicyConfig { needs: Some(vec!["client".to_owned()]), ..base() }, "JSON Pointer"),
        (PolicyConfig { may_widen: vec!["grant".to_owned()], ..base() }, "JSON Pointer"),
        (PolicyConfig { headers: vec!["Authorization".to_owned()], ..base() }, "shown to no policy"),
        (PolicyConfig { headers: vec!["Cookie".to_owned()], ..base() }, "shown to no policy"),
        (PolicyConfig { extra_error_codes: vec!["a\"b".to_owned()], ..base() }, "no error code"),
        (PolicyConfig { owns: vec!["email".to_owned()], ..base() }, "claims.source"),
        (
            PolicyConfig { subject_view: SubjectView::Pairwise, allow_impersonation: true, ..base() },
            "exclude each other",
        ),
        (PolicyConfig { subject_view: SubjectView::Pairwise, ..sound(&["grant.password"]) }, "cannot hide"),
        (
            PolicyConfig {
                backend: BackendKind::Rules,
                rules: RulesConfig { deny: Some("no_such".to_owned()), ..RulesConfig::default() },
                ..base()
            },
            "no error code of these types",
        ),
        (auth(|p| p.auth.sign.secret_file = None), "needs auth.sign"),
        (
            auth(|p| {
                p.auth.sign.secret_file = None;
                p.auth.sign.secret = Some(SecretText(SIGNING_SECRET.to_owned()));
            }),
            "for development",
        ),
        (auth(|p| p.auth.require_signed_response = true), "auth.response"),
        (auth(|p| p.auth.mtls.cert_file = Some("cert.pem".into())), "both cert_file and key_file"),
    ];
    for (policy, expected) in cases {
        let wrong = with(policy.clone());
        assert_eq!(wrong.len(), 1, "{expected}: {wrong:?}");
        assert!(wrong[0].contains(expected), "{expected}: {wrong:?}");
        assert!(wrong[0].contains(&policy.name));
    }
}

#[test]
fn a_policy_is_another_program_than_this_server_by_whatever_address() {
    for (listen, url, own) in [
        ("127.0.0.1:8081", "http://127.0.0.1:8081/", true),
        ("127.0.0.1:8081", "http://localhost:8081/", true),
        ("127.0.0.1:8081", "http://127.0.0.2:8081/", false),
        ("127.0.0.1:8081", "http://[::1]:8081/", false),
        ("127.0.0.1:8081", "http://127.0.0.1:8082/", false),
        ("0.0.0.0:8081", "http://127.0.0.2:8081/", true),
        ("[::]:8081", "http://[::1]:8081/", true),
    ] {
        let mut policy = PolicyConfig { url: Some(url.to_owned()), ..sound(&["grant.refresh_token"]) };
        policy.auth.allow_plaintext_loopback = Some(true);
        let wrong = refused(|config| {
            config.private_listen = listen.parse().unwrap();
            config.policy.push(policy);
        });
        assert_eq!(
            wrong.iter().any(|what| what.contains("this very server")),
            own,
            "{listen} {url}: {wrong:?}"
        );
    }
}

#[test]
fn secrets_of_examples_and_tokens_of_this_server_are_refused() {
    let folder = Folder::new("policy-config");
    let (secret, bearer) = (folder.join("secret"), folder.join("bearer"));
    std::fs::write(&secret, format!("{SIGNING_SECRET}\n")).unwrap();
    let mut published = sound(&["grant.refresh_token"]);
    published.auth.sign.secret_file = Some(secret);
    assert!(with(published)[0].contains("everybody knows"));
    // The payload is {"iss":"https://as.example"}.
    std::fs::write(&bearer, "e30.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUifQ.c2ln").unwrap();
    let mut own = sound(&["grant.refresh_token"]);
    own.auth.bearer_file = Some(bearer);
    assert!(with(own)[0].contains("this very server"));
}

#[test]
fn a_claim_has_one_owner() {
    let source = |name: &str, owns: &[&str]| PolicyConfig {
        name: name.to_owned(),
        owns: owns.iter().map(|n| (*n).to_owned()).collect(),
        ..sound(&["claims.source"])
    };
    let both = |one, other| refused(|config| config.policy.extend([one, other]));
    assert!(both(source("a", &["email", "plan"]), source("b", &["plan"]))[0].contains("`plan`"));
    assert!(both(source("a", &[]), source("b", &[]))[0].contains("all other claims"));
    assert!(both(source("a", &["plan"]), source("b", &[])).is_empty());
    let shadow = PolicyConfig { mode: PolicyMode::Shadow, ..source("b", &["plan"]) };
    assert!(both(source("a", &["plan"]), shadow).is_empty(), "a new one can be tried beside the old one");
    assert!(both(source("a", &["plan"]), source("a", &["email"]))[0].contains("this name"));
}

fn registered(grant: &str, response_types: &serde_json::Value) -> ClientConfig {
    let metadata = json!({
        "grant_types": [grant, "authorization_code", "implicit"], "response_types": response_types,
        "redirect_uris": ["https://client.example/callback"], "token_endpoint_auth_method": "client_secret_basic",
    });
    let metadata: ClientMetadata = serde_json::from_value(metadata).unwrap();
    ClientConfig {
        client_id: "client".to_owned(),
        secret_file: Some("client.secret".into()),
        metadata,
        ..ClientConfig::default()
    }
}

#[test]
fn grants_that_need_a_policy_and_have_none_are_refused() {
    for (grant, hooks) in [
        (GrantType::Password, vec!["grant.password"]),
        (GrantType::Saml2Bearer, vec!["assertion.saml2", "grant.saml2_bearer"]),
        (GrantType::TokenExchange, vec!["grant.token_exchange"]),
    ] {
        let client = || {
            let mut client = registered(grant.as_str(), &json!(["code"]));
            client.settings.first_party = true;
            client
        };
        let without = refused(|config| config.clients.push(client()));
        assert_eq!(without.len(), hooks.len(), "{without:?}");
        assert!(without[0].contains(hooks[0]), "{without:?}");
        let decided = refused(|config| {
            config.clients.push(client());
            config.policy.push(sound(&hooks));
            config.saml.issuers.push(rfc7522_saml2_bearer::listed());
        });
        assert_eq!(decided, Vec::<String>::new());
        let shadowed = refused(|config| {
            config.clients.push(client());
            config.policy.push(PolicyConfig { mode: PolicyMode::Shadow, ..sound(&hooks) });
        });
        assert_eq!(shadowed.len(), hooks.len(), "a policy in shadow decides nothing");
    }
}

#[test]
fn saml_assertions_count_of_nobody_unless_the_operator_says_whose() {
    use placet_sdk::decision::Trust;
    let both = ["assertion.saml2", "grant.saml2_bearer"];
    let empty = refused(|config| config.policy.push(sound(&both)));
    assert!(empty[0].contains("[[saml.issuers]]") && empty.len() == 1, "{empty:?}");
    assert!(refused(|config| config.policy.push(sound(&both[1..]))).is_empty(), "the grant is off");
    let shadow = PolicyConfig { mode: PolicyMode::Shadow, ..sound(&both) };
    assert!(refused(|config| config.policy.push(shadow)).is_empty(), "the grant is off");

    let sound = rfc7522_saml2_bearer::listed;
    assert!(refused(|config| config.saml.issuers.push(sound())).is_empty());
    let cases = [
        (SamlIssuer { entity_id: String::new(), ..sound() }, "entity_id"),
        (SamlIssuer { entity_id: DEVELOPMENT_SAML_ISSUER.to_owned(), ..sound() }, "for development"),
        (SamlIssuer { trust: Trust::Own, ..sound() }, "client_ids"),
        (SamlIssuer { algorithms: vec!["rsa-sha1".to_owned()], ..sound() }, "not supported"),
        (SamlIssuer { algorithms: Vec::new(), ..sound() }, "must not be empty"),
        (SamlIssuer { max_lifetime: 0, ..sound() }, "max_lifetime"),
        (SamlIssuer { max_lifetime: 3_601, ..sound() }, "max_lifetime"),
    ];
    for (issuer, why) in cases {
        let wrong = refused(|config| config.saml.issuers.push(issuer));
        assert!(wrong.len() == 1 && wrong[0].contains(why), "{why}: {wrong:?}");
    }
    let twice = refused(|config| config.saml.issuers.extend([sound(), sound()]));
    assert!(twice[0].contains("twice"), "{twice:?}");
}

#[test]
fn tokens_in_the_browser_do_not_go_past_the_policies_of_codes() {
    let client = || registered("refresh_token", &json!(["code", "code id_token token"]));
    let with = |policy: PolicyConfig| {
        refused(|config| {
            config.clients.push(client());
            config.policy.push(policy);
        })
    };
    let past = with(sound(&["grant.authorization_code"]));
    assert!(past[0].contains("past the policies"), "{past:?}");
    let when = serde_json::from_value(json!({ "/client/client_id": { "in": ["other"] } })).unwrap();
    assert!(with(PolicyConfig { when: vec![when], ..sound(&["grant.authorization_code"]) }).is_empty());
    assert!(with(sound(&["grant.refresh_token"])).is_empty());
}

#[test]
fn a_required_log_needs_a_file_and_budgets_make_sense() {
    assert!(refused(|config| config.decision_log.required = true)[0].contains("decision_log.file"));
    assert!(refused(|config| config.decision_log.mask = vec!["sub".to_owned()])[0].contains("JSON Pointer"));
    assert!(
        refused(|config| config.policy_defaults.chain_budget_ms = 9_000)[0].contains("request_budget_ms")
    );
}

#[test]
fn secrets_are_never_printed() {
    let mut policy = sound(&["grant.refresh_token"]);
    policy.auth.sign.secret = Some(SecretText(SIGNING_SECRET.to_owned()));
    policy.auth.response.secret = Some(SecretText(SIGNING_SECRET.to_owned()));
    assert!(!format!("{policy:?}").contains("AAECAw"));
}

#[test]
fn what_a_condition_looks_at_is_something_that_a_question_can_have() {
    let conditioned = |pointer: &str, change: fn(&mut PolicyConfig)| {
        let when = serde_json::from_value(json!({ pointer: { "exists": true } })).unwrap();
        let mut policy = PolicyConfig { when: vec![when], ..sound(&["grant.refresh_token"]) };
        change(&mut policy);
        with(policy)
    };
    let nothing = |_: &mut PolicyConfig| ();
    for (pointer, change, why) in [
        ("/clinet/client_id", nothing as fn(&mut PolicyConfig), "in no question"),
        ("/client/client_id/x", nothing, "in no question"),
        ("/password/username", nothing, "in no question of these types"),
        ("/request/headers", nothing, "needs `headers`"),
        ("/request/headers/x-partner", nothing, "that `headers` lists"),
        (
            "/request/headers/X-Partner",
            |policy: &mut PolicyConfig| policy.headers = vec!["X-Partner".to_owned()],
            "in lower case",
        ),
        ("/client/metadata/software_id", nothing, "`client_metadata`"),
        ("/client/metadata", nothing, "needs `client_metadata`"),
    ] {
        let found = conditioned(pointer, change);
        assert!(found.iter().any(|what| what.contains(why)), "{pointer}: {found:?}");
    }
    for (pointer, change) in [
        ("/refresh_token/count", nothing as fn(&mut PolicyConfig)),
        ("/client/data/tier", nothing),
        ("/proposal/grant/scope/0", nothing),
        ("/request/headers/x-partner", |policy: &mut PolicyConfig| {
            policy.headers = vec!["X-Partner".to_owned()];
        }),
        ("/client/metadata/software_id", |policy: &mut PolicyConfig| {
            policy.client_metadata = vec!["software_id".to_owned()];
        }),
    ] {
        assert_eq!(conditioned(pointer, change), Vec::<String>::new(), "{pointer}");
    }
}
