//! What resources and types of authorization details must be.

use placet_jose::{Algorithm, Encryption, EncryptionKey, EncryptionKeySet};
use placet_oauth::{resource::metadata::BEARER_METHODS, scope::Scope, token_request::check_resource};
use placet_sdk::grant::Encoding;
use url::Url;

use crate::{
    config::{ClientSettings, Config, DetailsTypeConfig, ResourceConfig, ResourceEncryption},
    details::compile,
};

impl Config {
    pub(super) fn check_all_resources(&self, wrong: &mut Vec<String>) {
        for uri in &self.resources {
            if let Err(reason) = check_resource(uri) {
                wrong.push(format!("resources: `{uri}` {reason}"));
            }
        }
        for resource in &self.resource {
            let mut found = Vec::new();
            self.check_resource(resource, &mut found);
            wrong.extend(found.into_iter().map(|what| format!("[[resource]] `{}`: {what}", resource.uri)));
        }
        for kind in &self.authorization_details_type {
            let mut found = Vec::new();
            self.check_details_type(kind, &mut found);
            let named = |what| format!("[[authorization_details_type]] `{}`: {what}", kind.name);
            wrong.extend(found.into_iter().map(named));
        }
        for name in &self.registration.allowed_authorization_details_types {
            if !self.has_details_type(name) {
                wrong.push(format!(
                    "registration.allowed_authorization_details_types: there is no type `{name}`"
                ));
            }
        }
        for client in &self.clients {
            let found = self.refused_resources(&client.settings);
            wrong.extend(found.into_iter().map(|what| format!("client `{}`: {what}", client.client_id)));
        }
    }

    /// What is wrong with the resources that a client may ask for, one sentence each.
    pub fn refused_resources(&self, settings: &ClientSettings) -> Vec<String> {
        let unknown = settings.allowed_resources.iter().flatten().filter(|uri| !self.has_resource(uri));
        unknown
            .map(|uri| format!("allowed_resources: `{uri}` is not among the resources of this server"))
            .collect()
    }

    fn has_details_type(&self, name: &str) -> bool {
        self.authorization_details_type.iter().any(|kind| kind.name == name)
    }

    fn check_resource(&self, resource: &ResourceConfig, wrong: &mut Vec<String>) {
        let mut say = |what: String| wrong.push(what);
        if let Err(reason) = check_resource(&resource.uri) {
            say(format!("uri {reason}"));
        }
        let same = self.resource.iter().filter(|other| other.uri == resource.uri).count();
        if same > 1 || self.resources.contains(&resource.uri) {
            say("the resource is there twice".to_owned());
        }
        if resource.uri == self.issuer {
            say("the issuer is a resource by itself".to_owned());
        }
        for value in resource.scopes.iter().flatten() {
            if Scope::from_values([value]).is_empty() {
                say(format!("scopes: `{value}` is not a scope value"));
            }
        }
        for name in &resource.authorization_details_types {
            if !self.has_details_type(name) {
                say(format!("authorization_details_types: there is no type `{name}`"));
            }
        }
        if resource.lifetime == Some(0) {
            say("lifetime must be greater than 0".to_owned());
        }
        if let Some(alg) = &resource.signing_alg
            && !self.signs_with(alg)
        {
            say(format!("signing_alg `{alg}` is not supported"));
        }
        if resource.token_format == Some(Encoding::Opaque)
            && (resource.signing_alg.is_some() || resource.encryption.is_some())
        {
            say("opaque tokens are neither signed nor encrypted".to_owned());
        }
        if let Some(page) = &resource.documentation
            && !Url::parse(page).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            say("documentation must be an http or https URL".to_owned());
        }
        if let Some(method) = resource.bearer_methods.iter().find(|m| !BEARER_METHODS.contains(&m.as_str())) {
            say(format!("bearer_methods: `{method}` is none of {}", BEARER_METHODS.join(", ")));
        }
        if let Some(encryption) = &resource.encryption {
            check_encryption(encryption, self.development, wrong);
        }
    }

    fn check_details_type(&self, kind: &DetailsTypeConfig, wrong: &mut Vec<String>) {
        let mut say = |what: String| wrong.push(what);
        if kind.name.is_empty() || kind.name.len() > 255 {
            say("a type has a name of 1 to 255 bytes".to_owned());
        }
        if self.authorization_details_type.iter().filter(|other| other.name == kind.name).count() > 1 {
            say("two types have this name".to_owned());
        }
        if let Err(reason) = compile(kind) {
            say(reason);
        }
        for uri in kind.resources.iter().filter(|uri| !self.has_resource(uri)) {
            say(format!("resources: `{uri}` is not among the resources of this server"));
        }
        for (setting, pointers) in [("enrichable", &kind.enrichable), ("narrowable", &kind.narrowable)] {
            for pointer in pointers {
                if let Some(reason) = unusable(pointer) {
                    say(format!("{setting}: `{pointer}` {reason}"));
                }
                // Who may choose the location chooses who gets the token.
                if setting == "enrichable" && leads_to(pointer, "locations") {
                    say(format!("{setting}: `{pointer}` would let others say for whom tokens are"));
                }
            }
        }
        for pointer in kind.labels.keys() {
            if let Some(reason) = unusable(pointer) {
                say(format!("labels: `{pointer}` {reason}"));
            }
        }
    }
}

/// Why a pointer cannot name a member of a detail.
fn unusable(pointer: &str) -> Option<&'static str> {
    let sound = pointer.starts_with('/')
        && pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']))
        && pointer.len() > 1;
    if !sound {
        return Some("is not the JSON pointer of a member, like `/account`");
    }
    leads_to(pointer, "type").then_some("is the type itself")
}

fn leads_to(pointer: &str, member: &str) -> bool {
    pointer.split('/').nth(1) == Some(member)
}

fn check_encryption(encryption: &ResourceEncryption, development: bool, wrong: &mut Vec<String>) {
    let mut say = |what: String| wrong.push(format!("encryption: {what}"));
    let given = [encryption.jwk.is_some(), encryption.jwks.is_some(), encryption.jwks_uri.is_some()];
    if given.into_iter().filter(|given| *given).count() != 1 {
        say("one of jwk, jwks and jwks_uri is needed".to_owned());
    }
    if let Some(uri) = &encryption.jwks_uri
        && !Url::parse(uri)
            .is_ok_and(|url| url.scheme() == "https" || (development && url.host_str() == Some("127.0.0.1")))
    {
        say("jwks_uri must be an https URL".to_owned());
    }
    let (Ok(alg), Ok(enc)) = (encryption.alg.parse::<Algorithm>(), encryption.enc.parse::<Encryption>())
    else {
        return say("alg and enc must be algorithms of RFC 7518 that this server supports".to_owned());
    };
    if alg.is_symmetric() {
        return say(format!(
            "alg `{}` needs a shared key, which is no matter of a file like this",
            alg.name()
        ));
    }
    let one = encryption.jwk.as_ref().map(|jwk| {
        let set = serde_json::json!({ "keys": [jwk] });
        // As a set: a single key may be private, and then everybody who reads this file has it.
        let set = set.as_object().cloned().unwrap_or_default();
        EncryptionKeySet::parse(&set).and_then(|set| EncryptionKey::from_jwk(jwk).map(|_| set))
    });
    for keys in one.into_iter().chain(encryption.jwks.as_ref().map(EncryptionKeySet::parse)) {
        match keys {
            Ok(keys) if keys.select(alg, enc, None).is_some() => {}
            Ok(_) => say(format!("no key fits `{}`", alg.name())),
            Err(error) => say(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = r#"{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}"#;

    fn checked(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = Config { issuer: "https://as.example".to_owned(), ..Config::default() };
        config.resources = vec!["https://plain.example".to_owned()];
        change(&mut config);
        let mut wrong = Vec::new();
        config.check_all_resources(&mut wrong);
        wrong
    }

    #[track_caller]
    fn refuses(wrong: &[String], text: &str) {
        assert!(wrong.iter().any(|line| line.contains(text)), "{text}: {wrong:#?}");
    }

    fn resource(members: &Value) -> ResourceConfig {
        let mut all = json!({ "uri": "https://a.example" });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn kind(members: &Value) -> DetailsTypeConfig {
        let mut all = json!({ "type": "pay" });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn sound_settings_are_sound() {
        let key: Value = serde_json::from_str(KEY).unwrap();
        let wrong = checked(|config| {
            config.resource = vec![resource(&json!({
                "scopes": ["a"], "authorization_details_types": ["pay"], "lifetime": 60, "signing_alg": "ES256",
                "documentation": "https://a.example/docs", "bearer_methods": ["header", "body"],
                "encryption": { "jwk": key, "alg": "ECDH-ES+A128KW", "enc": "A128GCM" },
            }))];
            config.authorization_details_type = vec![kind(&json!({
                "schema": { "type": "object", "required": ["amount"] }, "enrichable": ["/account", "/a~1b/c"],
                "narrowable": ["/actions", "/locations"], "resources": ["https://a.example"],
                "labels": { "/amount": { "": "Amount" } },
            }))];
            config.registration.allowed_authorization_details_types = vec!["pay".to_owned()];
        });
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn what_a_resource_cannot_be_is_refused() {
        for (members, text) in [
            (json!({ "uri": "a" }), "uri is not an absolute URI"),
            (json!({ "uri": "https://a.example/#x" }), "uri has a fragment"),
            (json!({ "uri": "https://plain.example" }), "there twice"),
            (json!({ "uri": "https://as.example" }), "by itself"),
            (json!({ "scopes": ["a b"] }), "`a b` is not a scope value"),
            (json!({ "authorization_details_types": ["own"] }), "there is no type `own`"),
            (json!({ "lifetime": 0 }), "lifetime"),
            (json!({ "signing_alg": "none" }), "signing_alg `none`"),
            (json!({ "signing_alg": "ES256", "token_format": "opaque" }), "neither signed nor encrypted"),
            (json!({ "documentation": "javascript:alert(1)" }), "documentation"),
            (json!({ "bearer_methods": ["cookie"] }), "`cookie`"),
        ] {
            refuses(&checked(|config| config.resource = vec![resource(&members)]), text);
        }
        refuses(&checked(|config| config.resources.push("urn:".to_owned())), "`urn:`");
    }

    #[test]
    fn tokens_are_encrypted_with_a_public_key_that_fits() {
        let key: Value = serde_json::from_str(KEY).unwrap();
        let mut private = key.clone();
        private["d"] = "secret".into();
        for (encryption, text) in [
            (json!({ "alg": "ECDH-ES", "enc": "A128GCM" }), "one of jwk, jwks and jwks_uri"),
            (json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwk": key, "jwks": {} }), "one of jwk, jwks"),
            (json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": "http://a.example" }), "https"),
            (json!({ "alg": "RSA1_5", "enc": "A128GCM", "jwk": key }), "alg and enc"),
            (json!({ "alg": "ECDH-ES", "enc": "none", "jwk": key }), "alg and enc"),
            (json!({ "alg": "dir", "enc": "A128GCM", "jwk": key }), "shared key"),
            (json!({ "alg": "RSA-OAEP-256", "enc": "A128GCM", "jwk": key }), "no key fits"),
            (json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks": { "keys": [] } }), "no key fits"),
            (json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwk": private }), "private"),
        ] {
            let members = json!({ "encryption": encryption });
            refuses(&checked(|config| config.resource = vec![resource(&members)]), text);
        }
    }

    #[test]
    fn what_a_type_cannot_be_is_refused() {
        for (members, text) in [
            (json!({ "type": "" }), "a name of 1 to 255 bytes"),
            (json!({ "schema": { "type": "nonsense" } }), "schema"),
            (json!({ "schema": { "$ref": "https://elsewhere.example/schema" } }), "schema"),
            (json!({ "schema": { "properties": { "status": {} } } }), "`status`"),
            (json!({ "schema": {}, "schema_file": "x.json" }), "schema"),
            (json!({ "schema_file": "there-is-no-such-file.json" }), "schema_file"),
            (json!({ "resources": ["https://unknown.example"] }), "not among the resources"),
            (json!({ "enrichable": ["account"] }), "`account`"),
            (json!({ "enrichable": [""] }), "enrichable"),
            (json!({ "enrichable": ["/a~2"] }), "`/a~2`"),
            (json!({ "enrichable": ["/type"] }), "the type itself"),
            (json!({ "enrichable": ["/locations"] }), "for whom tokens are"),
            (json!({ "narrowable": ["actions"] }), "`actions`"),
            (json!({ "labels": { "amount": {} } }), "`amount`"),
        ] {
            refuses(&checked(|config| config.authorization_details_type = vec![kind(&members)]), text);
        }
        let twice =
            checked(|config| config.authorization_details_type = vec![kind(&json!({})), kind(&json!({}))]);
        refuses(&twice, "two types have this name");
        let unknown = |config: &mut Config| {
            config.registration.allowed_authorization_details_types.push("own".to_owned());
        };
        refuses(&checked(unknown), "there is no type `own`");
    }

    #[test]
    fn a_client_may_only_ask_for_resources_that_there_are() {
        let client = |config: &mut Config| {
            config.clients = vec![crate::config::ClientConfig {
                settings: ClientSettings {
                    allowed_resources: Some(vec!["https://unknown.example".to_owned()]),
                    ..ClientSettings::default()
                },
                ..crate::config::ClientConfig::default()
            }];
        };
        refuses(&checked(client), "allowed_resources: `https://unknown.example`");
    }
}
