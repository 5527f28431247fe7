//! What is kept in memory is fresh or not used: what this process revokes is over in the very next request, what another
//! one revokes within a bound, though nobody tells of it, or late, or twice.

use std::{sync::Arc, time::Duration};

use placet_oauth::id::Secret;
use placet_server::{
    config::Config,
    store::{
        ALIVE, Digest, Event, Fact, Mark, Store, Whose,
        postgres::{PoolSettings, Postgres},
    },
    token::ACCESS_TOKEN,
};

use super::{
    faults,
    harness::{Browser, Stand},
    helpers::{keep_client, refresh, text},
    tamper::{Fate, Tamper},
};

/// What a counter of the cache of tokens says.
fn counted(stand: &Stand, what: &str) -> u64 {
    let text = stand.server.metrics().text().unwrap();
    let line = format!("placet_cache_{what}_total{{cache=\"tokens\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

pub(crate) fn digest(stand: &Stand, token: &str) -> Digest {
    stand.server.root().digest(ACCESS_TOKEN, &Secret::new(token))
}

/// An opaque token with everything that it stands and falls with.
pub(crate) struct Held {
    pub(crate) access: String,
    refresh: String,
    code: String,
    authorization: String,
    session: String,
    consent: String,
}

pub(crate) async fn held(stand: &Stand) -> Held {
    let extra = [("scope", "openid offline_access"), ("prompt", "consent")];
    let params = stand.sign_in(&mut Browser::new(), "opaque", &extra).await;
    let tokens = stand.redeem("opaque", &params["code"]).await.json;
    let access = text(&tokens["access_token"]);
    let state = stand.server.store().token(&digest(stand, &access)).await.unwrap().unwrap();
    let authorization = state.authorization.unwrap();
    Held {
        refresh: text(&tokens["refresh_token"]),
        code: params["code"].clone(),
        authorization: authorization.id,
        session: authorization.session_id.unwrap(),
        consent: authorization.consent_id.unwrap(),
        access,
    }
}

/// What ends a token.
#[derive(Clone, Copy, Debug)]
enum End {
    Token,
    Refresh,
    Code,
    Authorization,
    Consent,
    Session,
    Sessions,
    Subject,
    Client,
    Disabled,
    Everybody,
}

const ENDS: [End; 11] = [
    End::Token,
    End::Refresh,
    End::Code,
    End::Authorization,
    End::Consent,
    End::Session,
    End::Sessions,
    End::Subject,
    End::Client,
    End::Everybody,
    End::Disabled,
];

/// Does it, and says whether it ends a token that outlives the session.
async fn end(stand: &Stand, end: End, held: &Held) -> bool {
    let (store, now) = (stand.server.store(), stand.now());
    match end {
        End::Token => {
            assert_eq!(stand.post("/revoke", "opaque", &[("token", &held.access)]).await.status, 200);
        }
        End::Refresh => {
            assert_eq!(stand.post("/revoke", "opaque", &[("token", &held.refresh)]).await.status, 200);
        }
        End::Code => assert_eq!(stand.redeem("opaque", &held.code).await.error(), "invalid_grant"),
        End::Authorization => {
            assert!(store.revoke_authorization(&held.authorization, now, Vec::new()).await.unwrap());
        }
        End::Consent => assert!(store.delete_consent(&held.consent, now, Vec::new()).await.unwrap()),
        End::Session => {
            store.end_session(&held.session, now, Vec::new()).await.unwrap();
            return false;
        }
        End::Sessions => {
            store.end_sessions_of("alice", "op", now, Vec::new()).await.unwrap();
            return false;
        }
        End::Subject => {
            store.revoke_all(Whose::Subject("alice".to_owned()), now, Vec::new()).await.unwrap();
        }
        End::Client => {
            store.revoke_all(Whose::Client("opaque".to_owned()), now, Vec::new()).await.unwrap();
        }
        End::Everybody => {
            // The era that begins with it is called by its event.
            let event = Event {
                id: placet_server::random::id(&placet_server::random::OsRandom, "evt_").unwrap(),
                event_type: "tokens.revoked",
                subject: stand.issuer.clone(),
                at: now,
                data: "{}".to_owned(),
            };
            store.revoke_all(Whose::Everybody, now, vec![event]).await.unwrap();
        }
        End::Disabled => store.set_subject_disabled("alice", true, now, Vec::new()).await.unwrap(),
    }
    true
}

#[tokio::test]
async fn a_token_that_was_asked_after_is_answered_from_memory_until_something_ends_it() {
    let stand = Stand::start().await;
    for what in ENDS {
        let held = held(&stand).await;
        assert!(stand.is_active("opaque", &held.access).await);
        let before = counted(&stand, "hits");
        assert!(stand.is_active("opaque", &held.access).await);
        assert_eq!(counted(&stand, "hits"), before + 1, "{what:?}");
        let ends = end(&stand, what, &held).await;
        assert_eq!(stand.is_active("opaque", &held.access).await, !ends, "{what:?}");
    }
}

#[tokio::test]
async fn what_changes_of_a_token_without_its_end_is_seen_as_well() {
    let stand = Stand::start().await;
    let held = held(&stand).await;
    assert!(stand.is_active("opaque", &held.access).await);
    assert_eq!(refresh(&stand, "opaque", &held.refresh).await.status, 200);
    assert!(stand.is_active("opaque", &held.access).await);
    stand.clock.advance(600);
    assert!(!stand.is_active("opaque", &held.access).await, "it is over by itself");
}

#[tokio::test]
async fn what_is_good_once_and_what_is_not_there_is_not_kept() {
    let stand = Stand::start().await;
    let before = counted(&stand, "hits");
    let single = text(&stand.tokens("single", "openid").await["access_token"]);
    for _ in 0..3 {
        assert!(stand.is_active("single", &single).await, "a look by its client uses nothing up");
        assert!(!stand.is_active("single", "never-issued").await);
    }
    assert_eq!(counted(&stand, "hits"), before);
}

#[tokio::test]
async fn with_no_room_for_tokens_each_is_read_each_time() {
    let stand = Stand::with(|config| config.caches.tokens = 0).await;
    let held = held(&stand).await;
    for _ in 0..3 {
        assert!(stand.is_active("opaque", &held.access).await);
    }
    assert_eq!(counted(&stand, "hits"), 0);
}

#[tokio::test]
async fn a_client_that_was_changed_by_another_hand_is_seen_so_at_once() {
    let stand = Stand::start().await;
    keep_client(&stand, |_| {}).await;
    let kept = stand.server.client("kept").await.unwrap().unwrap();
    let mut changed = (*kept).clone();
    changed.metadata.client_name = Some("Another name".to_owned());
    let record = changed.to_record().unwrap();
    assert!(stand.server.store().update_client(record, Vec::new()).await.unwrap());
    let seen = stand.server.client("kept").await.unwrap().unwrap();
    assert_eq!(seen.metadata.client_name.as_deref(), Some("Another name"));
    assert!(stand.server.store().delete_client("kept", stand.now(), Vec::new()).await.unwrap());
    assert!(stand.server.client("kept").await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_kept_is_known_while_the_store_is_away_and_nothing_else() {
    let (stand, store, _folder) = faults::stand("kept").await;
    let (first, second) = (held(&stand).await, held(&stand).await);
    assert!(stand.is_active("opaque", &first.access).await);
    store.set_down(true);
    // Nobody else writes into a file: what is known of it is so.
    assert!(stand.is_active("opaque", &first.access).await);
    assert_eq!(stand.post("/introspect", "opaque", &[("token", &second.access)]).await.status, 503);
    assert_eq!(stand.userinfo(&first.access).await.status, 503, "claims are given by what is read");
}

/// Two servers of one issuer on one database; what the second one is told may be tampered with.
pub(crate) async fn two() -> Option<(Stand, Stand, Tamper)> {
    let Ok(url) = std::env::var("PLACET_TEST_POSTGRES") else {
        eprintln!("skipped: PLACET_TEST_POSTGRES names no database");
        return None;
    };
    let tamper = Tamper::before(&url).await;
    let name = placet_server::random::id(&placet_server::random::OsRandom, "freshness-").unwrap();
    let settings = PoolSettings { size: 4, wait: Duration::from_secs(20) };
    let open = async |url: &str| {
        let store: Arc<dyn Store> = Arc::new(Postgres::connect(url, &name, settings).await.unwrap());
        store
    };
    let one = Stand::on(open(&url).await, |_| {}).await;
    let issuer = one.issuer.clone();
    let two = Stand::on(open(&tamper.url).await, |config: &mut Config| config.issuer = issuer).await;
    Some((one, two, tamper))
}

/// What the second server knows of a fact.
pub(crate) fn unchanged(stand: &Stand, fact: Fact, mark: Mark) -> bool {
    stand.server.store().changes().unchanged(&[fact], mark)
}

/// Tries until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} never was");
}

/// Lets the second server hear, and waits until it does.
pub(crate) async fn hearing(one: &Stand, two: &Stand) {
    let server = two.server.clone();
    tokio::spawn(async move { server.store().hear().await });
    keep_client(one, |_| {}).await;
    let mark = two.server.store().changes().mark();
    for _ in 0..3_000 {
        let client = one.server.store().client("kept").await.unwrap().unwrap();
        assert!(one.server.store().update_client(client, Vec::new()).await.unwrap());
        if !unchanged(two, Fact::client("kept"), mark) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing is heard");
}

/// A token that the second server has kept.
pub(crate) async fn kept(one: &Stand, two: &Stand) -> (Held, Fact, Mark) {
    let held = held(one).await;
    let store = two.server.store();
    store.catch_up(two.now()).await.unwrap();
    let mark = store.changes().mark();
    assert!(two.is_active("opaque", &held.access).await);
    let fact = Fact::token(&digest(two, &held.access));
    (held, fact, mark)
}

pub(crate) async fn revoke(stand: &Stand, held: &Held) {
    assert_eq!(stand.post("/revoke", "opaque", &[("token", &held.access)]).await.status, 200);
}

#[tokio::test]
async fn another_server_hears_of_what_is_revoked_and_forgets_nothing_else() {
    let Some((one, two, tamper)) = two().await else { return };
    hearing(&one, &two).await;
    let (other, other_fact, other_mark) = kept(&one, &two).await;
    for fate in [Fate::Pass, Fate::Repeat] {
        tamper.set(fate);
        let (held, fact, mark) = kept(&one, &two).await;
        let missed = two.server.store().changes().missed();
        revoke(&one, &held).await;
        until("the revocation heard of", || !unchanged(&two, fact, mark)).await;
        assert!(!two.is_active("opaque", &held.access).await, "{fate:?}");
        assert_eq!(two.server.store().changes().missed(), missed, "{fate:?}");
    }
    assert!(unchanged(&two, other_fact, other_mark));
    assert!(two.is_active("opaque", &other.access).await);
}

#[tokio::test]
async fn everything_that_ends_a_token_at_one_server_ends_it_at_the_other() {
    let Some((one, two, _tamper)) = two().await else { return };
    for what in ENDS {
        let (held, _, _) = kept(&one, &two).await;
        let ends = end(&one, what, &held).await;
        two.server.store().catch_up(two.now()).await.unwrap();
        assert_eq!(two.is_active("opaque", &held.access).await, !ends, "{what:?}");
    }
}

#[tokio::test]
async fn a_revocation_that_nobody_tells_of_is_found_by_asking() {
    let Some((one, two, tamper)) = two().await else { return };
    hearing(&one, &two).await;
    let (held, fact, mark) = kept(&one, &two).await;
    tamper.set(Fate::Lose);
    let met = tamper.met();
    revoke(&one, &held).await;
    until("the revocation told", || tamper.met() > met).await;
    assert!(unchanged(&two, fact, mark), "the second server was told nothing");
    let missed = two.server.store().changes().missed();
    two.server.store().catch_up(two.now()).await.unwrap();
    assert!(!unchanged(&two, fact, mark));
    assert_eq!(two.server.store().changes().missed(), missed + 1);
    assert!(!two.is_active("opaque", &held.access).await);
}

#[tokio::test]
async fn a_revocation_of_which_only_the_next_one_is_heard_is_found_by_the_gap() {
    let Some((one, two, tamper)) = two().await else { return };
    hearing(&one, &two).await;
    let (held, fact, mark) = kept(&one, &two).await;
    let (another, another_fact, _) = kept(&one, &two).await;
    tamper.set(Fate::Lose);
    let met = tamper.met();
    revoke(&one, &held).await;
    until("the revocation told", || tamper.met() > met).await;
    tamper.set(Fate::Pass);
    revoke(&one, &another).await;
    until("the next one heard of", || !unchanged(&two, another_fact, mark)).await;
    assert!(!unchanged(&two, fact, mark));
    assert!(!two.is_active("opaque", &held.access).await);
}

#[tokio::test]
async fn a_revocation_that_is_told_late_is_found_before_and_does_no_harm_after() {
    let Some((one, two, tamper)) = two().await else { return };
    hearing(&one, &two).await;
    let (held, fact, mark) = kept(&one, &two).await;
    tamper.set(Fate::Hold);
    revoke(&one, &held).await;
    two.server.store().catch_up(two.now()).await.unwrap();
    assert!(!unchanged(&two, fact, mark));
    assert!(!two.is_active("opaque", &held.access).await);
    let later = two.server.store().changes().mark();
    let missed = two.server.store().changes().missed();
    tamper.set(Fate::Pass);
    until("the late word heard", || !unchanged(&two, fact, later)).await;
    assert_eq!(two.server.store().changes().missed(), missed, "nothing more is forgotten");
    assert!(!two.is_active("opaque", &held.access).await);
}

#[tokio::test]
async fn a_server_that_could_not_ask_for_a_while_reads_what_it_is_asked_for() {
    let Some((one, two, tamper)) = two().await else { return };
    tamper.set(Fate::Lose);
    let (held, fact, mark) = kept(&one, &two).await;
    revoke(&one, &held).await;
    assert!(unchanged(&two, fact, mark), "it knows of nothing");
    two.clock.advance(ALIVE);
    assert!(!two.server.store().changes().is_known(two.now()));
    assert!(!two.is_active("opaque", &held.access).await);
}
