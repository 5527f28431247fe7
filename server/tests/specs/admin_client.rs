//! The admin API through the client of the Rust SDK.

use placet_sdk::{
    admin::{
        ClientWrite, DecisionOutcome, DecisionQuery, GlobalRevocation, PolicyChange, PolicyMode, Revocation,
        SimulationRequest, SubjectId, SubjectWrite,
    },
    client::AdminClient,
};
use serde_json::json;

use super::{
    administering::{TOKEN, one_role, stand, stand_with, url},
    harness::Browser,
    sidecar::Sidecar,
};

#[tokio::test]
async fn clients_are_registered_changed_and_deleted() {
    let stand = stand().await;
    let admin = AdminClient::new(&url(&stand, ""), TOKEN).unwrap();
    let object = |value: serde_json::Value| value.as_object().unwrap().clone();
    let mut write = ClientWrite {
        client_id: Some("a client/of mine".to_owned()),
        metadata: object(json!({ "grant_types": ["client_credentials"], "scope": "reports.read" })),
        ..ClientWrite::default()
    };
    let made = admin.create_client(&write).await.unwrap();
    let id = made.client_id.as_str();
    assert!(made.client_secret.is_some());
    assert_eq!(admin.create_client(&write).await.unwrap_err().code(), Some("client_exists"));
    write.metadata.insert("client_name".to_owned(), json!("Mine"));
    assert_eq!(admin.update_client(id, &write).await.unwrap().metadata["client_name"], "Mine");
    assert_ne!(admin.renew_client_secret(id).await.unwrap().client_secret, made.client_secret);
    assert_eq!(admin.client(id).await.unwrap().client_secret, None);
    assert!(admin.clients(None).await.unwrap().items.iter().any(|client| client.client_id == id));
    admin.delete_client(id).await.unwrap();
    assert_eq!(admin.client(id).await.unwrap_err().code(), Some("not_found"));
}

#[tokio::test]
async fn what_a_user_has_is_seen_and_ended() {
    let stand = stand().await;
    let admin = AdminClient::new(&url(&stand, ""), TOKEN).unwrap();
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let session = admin.sessions("alice", None).await.unwrap().items.remove(0);
    assert_eq!(admin.session(&session.id).await.unwrap().sub, "alice");
    let authorization = admin.authorizations("alice", None).await.unwrap().items.remove(0);
    assert_eq!(admin.authorization(&authorization.id).await.unwrap(), authorization);
    admin.revoke_authorization(&authorization.id).await.unwrap();
    assert!(admin.authorizations("alice", None).await.unwrap().items.is_empty());
    let whose = Revocation { actor: Some("alice".to_owned()), ..Revocation::default() };
    admin.revoke(&whose).await.unwrap();
    assert_eq!(admin.revoke(&Revocation::default()).await.unwrap_err().code(), Some("invalid_answer"));
    admin.end_session(&session.id).await.unwrap();
    assert!(admin.sessions("alice", None).await.unwrap().items.is_empty());
    assert!(admin.change_subject("alice", SubjectWrite { disabled: true }).await.unwrap().disabled);
    assert!(admin.subject("alice").await.unwrap().disabled_at.is_some());
    let sub_id = SubjectId::Opaque { id: "alice".to_owned() };
    admin.revoke_globally(&GlobalRevocation { sub_id }).await.unwrap();
    let keys = admin.keys().await.unwrap().items;
    assert!(admin.rotate_keys().await.unwrap().items.len() > keys.len());
    admin.revoke_key(&keys[0].kid).await.unwrap();
}

#[tokio::test]
async fn policies_are_seen_switched_and_tried_and_their_decisions_read() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow", "reason": { "code": "because" } })).await;
    let policy = sidecar.policy("tiers", &["grant.client_credentials"]);
    let stand = stand_with(|config| {
        config.policy.push(policy);
        config.decision_log.questions = true;
    })
    .await;
    let admin = AdminClient::new(&url(&stand, ""), TOKEN).unwrap();
    stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    let wanted = DecisionQuery {
        outcome: Some(DecisionOutcome::Allow),
        policy: Some("tiers".to_owned()),
        limit: Some(1),
        ..DecisionQuery::default()
    };
    let decision = admin.decisions(&wanted).await.unwrap().items.remove(0);
    assert_eq!(decision.policies[0].reason.as_deref(), Some("because"));
    assert_eq!(admin.decision(&decision.id).await.unwrap().record, decision);
    assert!(!admin.replay(&decision.id).await.unwrap().differs);
    let question = SimulationRequest { decision_id: Some(decision.id), request: None };
    assert_eq!(admin.simulate(&question).await.unwrap().outcome, DecisionOutcome::Allow);
    admin.purge_policy("tiers").await.unwrap();
    let off = PolicyChange { mode: Some(PolicyMode::Off), order: None };
    assert_eq!(admin.change_policy("tiers", off).await.unwrap().mode, PolicyMode::Off);
    assert_eq!(admin.policy("tiers").await.unwrap(), admin.policies().await.unwrap().items.remove(0));
}

#[tokio::test]
async fn a_refusal_has_its_code_and_the_bearer_is_never_printed() {
    let stand = stand().await;
    let reader = AdminClient::new(&url(&stand, ""), &one_role("read")).unwrap();
    assert!(reader.rotate_keys().await.unwrap_err().code().is_some());
    assert!(!format!("{reader:?}").contains("admin-token"));
}
