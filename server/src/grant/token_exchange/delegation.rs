//! Who acts: the chain that an exchange proposes, and who was said to be allowed to (RFC 8693 sections 4.1 and 4.4).

use placet_oauth::error::OAuthError;
use placet_sdk::grant::{Actor, Object};
use serde_json::Value;

use super::presented::{Presented, Who};
use crate::{actors, client::Client, server::Server};

/// The actors of the result: whoever the actor token is about, before those of the subject token.
pub(super) fn proposed(subject: &Presented, actor: Option<&Presented>) -> Result<Option<Actor>, OAuthError> {
    let Some(actor) = actor else { return Ok(subject.act.clone()) };
    let mut newest = match &actor.who {
        Who::User(sub) => Actor { sub: sub.clone(), iss: None, client_id: None, act: None },
        Who::Client(id) => actors::client(id),
        Who::External { sub, issuer } => {
            Actor { sub: sub.clone(), iss: Some(issuer.clone()), client_id: None, act: None }
        }
    };
    let acts_already = |current: &Actor| Actor { act: None, ..current.clone() } == newest;
    if subject.act.as_ref().is_some_and(acts_already) {
        return Ok(subject.act.clone());
    }
    newest.act = subject.act.clone().map(Box::new);
    if !actors::is_sound(&newest) {
        let text = format!("the chain of actors would be longer than {}", actors::MAX_ACTORS);
        return Err(OAuthError::invalid_request(text));
    }
    Ok(Some(newest))
}

/// Refuses an actor whom the subject token does not name, if it names any. Without an actor token, the client is who
/// acts.
pub(super) fn check_may_act(
    server: &Server,
    client: &Client,
    subject: &Presented,
    actor: Option<&Presented>,
) -> Result<(), OAuthError> {
    let Some(may_act) = &subject.may_act else { return Ok(()) };
    let issuer_of = |presented: &Presented| match &presented.who {
        Who::External { issuer, .. } => issuer.clone(),
        Who::User(_) | Who::Client(_) => server.issuer().to_owned(),
    };
    let mut identity = match actor {
        Some(actor) => actor.claims.clone(),
        None => Object::from_iter([("sub".to_owned(), client.id.clone().into())]),
    };
    match actor.map(|actor| &actor.who) {
        Some(Who::Client(id)) => {
            identity.insert("client_id".to_owned(), id.clone().into());
        }
        None => {
            identity.insert("client_id".to_owned(), client.id.clone().into());
        }
        Some(Who::User(_) | Who::External { .. }) => {}
    }
    let issuer = actor.map_or_else(|| server.issuer().to_owned(), issuer_of);
    identity.insert("iss".to_owned(), issuer.into());
    if names(may_act, &issuer_of(subject), &identity) {
        return Ok(());
    }
    tracing::warn!(client = %client.id, "the subject token allows somebody else to act");
    Err(OAuthError::invalid_request("the `subject_token` allows somebody else to act (`may_act`)"))
}

/// Every member has to be equal. A subject without an issuer is one of the issuer of the token.
fn names(may_act: &Object, issuer: &str, identity: &Object) -> bool {
    let implied = Value::from(issuer);
    let somebody = ["sub", "client_id"].iter().any(|name| may_act.contains_key(*name));
    let issuer_fits = may_act.get("iss").unwrap_or(&implied) == &identity["iss"];
    somebody && issuer_fits && may_act.iter().all(|(name, value)| identity.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        let Value::Object(members) = value else { panic!("an object") };
        members
    }

    #[test]
    fn every_member_of_may_act_has_to_be_that_of_the_actor() {
        let bob = object(json!({ "iss": "https://as.example", "sub": "bob", "email": "bob@example.com" }));
        let named = |may_act| names(&object(may_act), "https://as.example", &bob);
        assert!(named(json!({ "sub": "bob" })));
        assert!(named(json!({ "sub": "bob", "iss": "https://as.example", "email": "bob@example.com" })));
        for may_act in [
            json!({}),
            json!({ "iss": "https://as.example" }),
            json!({ "email": "bob@example.com" }),
            json!({ "sub": "eve" }),
            json!({ "sub": ["bob"] }),
            json!({ "sub": "bob", "iss": "https://else.example" }),
            json!({ "sub": "bob", "email": "eve@example.com" }),
            json!({ "sub": "bob", "client_id": "desk" }),
        ] {
            assert!(!named(may_act.clone()), "{may_act}");
        }
    }

    #[test]
    fn a_subject_without_an_issuer_is_one_of_the_issuer_of_the_token() {
        let ours = object(json!({ "iss": "https://as.example", "sub": "bob" }));
        let theirs = object(json!({ "iss": "https://else.example", "sub": "bob" }));
        let may_act = object(json!({ "sub": "bob" }));
        assert!(!names(&may_act, "https://as.example", &theirs));
        assert!(!names(&may_act, "https://else.example", &ours));
        assert!(names(&may_act, "https://else.example", &theirs));
        let foreign = object(json!({ "sub": "bob", "iss": "https://else.example" }));
        assert!(names(&foreign, "https://as.example", &theirs));
    }
}
