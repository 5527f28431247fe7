//! Records to start from, and what tests do again and again.

use std::{future::Future, sync::Arc};

use placet_server::store::{
    AuthorizationRecord, Child, ClientRecord, CodeRecord, Completed, Completion, ConsentRecord, Digest,
    Event, FamilyRecord, Granted, InteractionRecord, Issued, JwtHome, NewGrant, OfClient, Paging, Parties,
    PolledRecord, Rotate, SessionChange, SessionRecord, Store, TokenRecord,
};
use sha2::{Digest as _, Sha256};

/// When every test begins.
pub(crate) const NOW: i64 = 1_900_000_000;

/// Everything.
pub(crate) const ALL: Paging<'static> = Paging { after: "", limit: 1000 };

pub(crate) fn digest(secret: &str) -> Digest {
    Digest(Sha256::digest(secret).into())
}

pub(crate) fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

pub(crate) fn event(id: &str, event_type: &'static str) -> Event {
    Event { id: id.into(), event_type, subject: "something".into(), at: NOW, data: "{}".into() }
}

pub(crate) fn client(id: &str) -> ClientRecord {
    ClientRecord {
        client_id: id.into(),
        doc: "{}".into(),
        secret_digest: Some(digest(id)),
        registration_digest: None,
        created_at: NOW,
        generation: 1,
    }
}

/// A request of a device.
pub(crate) fn polled(secret: &str) -> PolledRecord {
    PolledRecord {
        digest: digest(secret),
        kind: "device".into(),
        user_code: Some(digest(&format!("user code of {secret}"))),
        client_id: "app".into(),
        sealed: b"a request".to_vec(),
        poll_interval: 5,
        poll_after: NOW,
        claimed_by: None,
        decided_at: None,
        authorization_id: None,
        refusal: None,
        created_at: NOW,
        expires_at: NOW + 600,
        redeemed_at: None,
    }
}

/// That of a token which its client got for itself before there was any revocation.
pub(crate) fn alone() -> JwtHome {
    JwtHome::Client(OfClient { client_id: "service".into(), number: 0 })
}

pub(crate) fn interaction(id: &str) -> InteractionRecord {
    InteractionRecord {
        id: id.into(),
        kind: "authorization".into(),
        ui: "login".into(),
        sub: None,
        sealed: vec![0, 1, 255],
        revision: 1,
        created_at: NOW,
        expires_at: NOW + 900,
    }
}

pub(crate) fn session(id: &str, sub: &str) -> SessionRecord {
    SessionRecord {
        id: id.into(),
        handle: digest(id),
        sub: sub.into(),
        doc: "{}".into(),
        created_at: NOW,
        authenticated_at: NOW,
        last_used_at: NOW,
        idle_seconds: 3600,
        expires_at: NOW + 86_400,
        ended_at: None,
    }
}

pub(crate) fn consent(id: &str, sub: &str) -> ConsentRecord {
    ConsentRecord {
        id: id.into(),
        sub: sub.into(),
        client_id: "app".into(),
        resource: String::new(),
        scope: strings(&["openid"]),
        claims: strings(&["email"]),
        details: strings(&[r#"{"type":"account"}"#]),
        granted_at: NOW,
        expires_at: None,
    }
}

pub(crate) fn authorization(id: &str, sub: &str) -> AuthorizationRecord {
    AuthorizationRecord {
        id: id.into(),
        client_id: "app".into(),
        sub: sub.into(),
        session_id: None,
        consent_id: None,
        offline: false,
        doc: "{\"scope\":[\"openid\"]}".into(),
        created_at: NOW,
        expires_at: NOW + 1_000_000,
        revoked_at: None,
        self_contained: false,
    }
}

pub(crate) fn code(secret: &str, authorization_id: &str) -> CodeRecord {
    CodeRecord {
        digest: digest(secret),
        authorization_id: authorization_id.into(),
        client_id: "app".into(),
        doc: "{}".into(),
        created_at: NOW,
        expires_at: NOW + 60,
        redeemed_at: None,
    }
}

pub(crate) fn token(secret: &str, authorization_id: Option<&str>) -> TokenRecord {
    TokenRecord {
        digest: digest(secret),
        authorization_id: authorization_id.map(Into::into),
        client_id: "app".into(),
        doc: "{}".into(),
        single_use: false,
        created_at: NOW,
        expires_at: NOW + 600,
        used_at: None,
        revoked_at: None,
    }
}

/// A family whose current token is `id` + `-1`.
pub(crate) fn family(id: &str, authorization_id: &str) -> FamilyRecord {
    FamilyRecord {
        id: id.into(),
        authorization_id: authorization_id.into(),
        client_id: "app".into(),
        generation: 1,
        current: digest(&format!("{id}-1")),
        parent: None,
        salt: vec![1; 16],
        key_id: "k1".into(),
        rotated_at: NOW,
        used: false,
        last_used_at: NOW,
        idle_seconds: Some(10_000),
        created_at: NOW,
        expires_at: NOW + 100_000,
        bound: Some("{}".into()),
    }
}

/// The use of a refresh token, to be succeeded by `child`.
pub(crate) fn rotate(family_id: &str, presented: &str, child: &str) -> Rotate {
    let child = Child { digest: digest(child), salt: child.into(), key_id: "k2".into() };
    Rotate {
        family_id: family_id.into(),
        presented: digest(presented),
        child: Some(child),
        grace: 60,
        expires_at: i64::MAX,
        idle_seconds: None,
        now: NOW + 10,
        begins: None,
    }
}

/// The opaque access token `secret` under `authorization_id`.
pub(crate) fn issued(secret: &str, authorization_id: &str) -> Issued {
    Issued { token: Some(token(secret, Some(authorization_id))), ..Issued::default() }
}

/// A completion that only advances its interaction.
pub(crate) fn completion(interaction: InteractionRecord) -> Completion {
    Completion {
        interaction,
        session: None,
        sessions_at_most: None,
        remember: None,
        authorization: None,
        parties: Parties::default(),
        code: None,
        token: None,
        pushed: None,
        decided: None,
        end: None,
        initiator: "rp".to_owned(),
        deliveries: Vec::new(),
        now: NOW,
        events: Vec::new(),
    }
}

pub(crate) async fn granted(store: &dyn Store, authorization: AuthorizationRecord, issued: Issued) {
    assert_eq!(store.grant(NewGrant::new(authorization, issued)).await.expect("it grants"), Granted::Stored);
}

/// Opens an interaction `id` and completes it with what `fill` adds.
pub(crate) async fn complete(store: &dyn Store, id: &str, fill: impl FnOnce(&mut Completion)) -> Completed {
    store.open_interaction(interaction(id)).await.expect("it opens");
    let mut completion = completion(interaction(id));
    fill(&mut completion);
    store.complete_interaction(completion).await.expect("it answers")
}

pub(crate) async fn created_session(store: &dyn Store, session: SessionRecord) {
    let id = format!("ia_for_{}", session.id);
    let done = complete(store, &id, |completion| completion.session = Some(SessionChange::Create(session)));
    assert_eq!(done.await, Completed::Done);
}

/// An authorization `az` of `sub` and the code `secret` for it.
pub(crate) async fn created_code(store: &dyn Store, secret: &str, az: &str, sub: &str) {
    let id = format!("ia_for_{az}");
    let done = complete(store, &id, |completion| {
        completion.authorization = Some(authorization(az, sub));
        completion.code = Some(code(secret, az));
    });
    assert_eq!(done.await, Completed::Done);
}

/// An authorization `az` of `sub` and the family `id` under it.
pub(crate) async fn created_family(store: &dyn Store, id: &str, az: &str, sub: &str) {
    let issued = Issued { family: Some(family(id, az)), ..Issued::default() };
    granted(store, authorization(az, sub), issued).await;
}

/// Whether an authorization is live.
pub(crate) async fn is_live(store: &dyn Store, id: &str, now: i64) -> bool {
    store.authorization(id).await.expect("it reads").expect("it is stored").is_live(now)
}

/// Runs a step many times at once.
pub(crate) async fn race<T, F>(
    store: &Arc<dyn Store>,
    times: usize,
    step: impl Fn(Arc<dyn Store>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..times).map(|i| tokio::spawn(step(Arc::clone(store), i))).collect();
    let mut outcomes = Vec::with_capacity(times);
    for task in tasks {
        outcomes.push(task.await.expect("no step panics"));
    }
    outcomes
}

/// How many are equal to `wanted`.
pub(crate) fn count<T: PartialEq>(outcomes: &[T], wanted: &T) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}
