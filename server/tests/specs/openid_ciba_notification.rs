//! OpenID Connect CIBA Core: pings (section 10.2), and tokens that are sent (sections 10.3 and 12).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use placet_oauth::jwt::half_hash;
use placet_server::{config::Config, delivery::round, store::DeliveryFilter};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    administering,
    calling::{Desk, NOTIFICATION},
    harness::{HEADLESS, auth, claims},
    helpers::{client, refresh, text, verified},
    policy_stage::{deny, rows},
    receiving::ALL,
    sidecar::Sidecar,
};

/// What a client got: the value of `Authorization`, and the body.
type Got = Arc<Mutex<Vec<(String, Value)>>>;

/// A client that is called back. It answers with these status lines, one after the other; then with 204.
struct Ear {
    uri: String,
    got: Got,
}

impl Ear {
    async fn start(statuses: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/notify", listener.local_addr().unwrap());
        let got = Got::default();
        let statuses = Arc::new(Mutex::new(statuses.iter().copied().collect::<VecDeque<_>>()));
        let kept = got.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (got, statuses) = (kept.clone(), statuses.clone());
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    loop {
                        let mut part = [0; 16 * 1024];
                        let n = stream.read(&mut part).await.unwrap_or(0);
                        if n == 0 {
                            return;
                        }
                        read.extend_from_slice(&part[..n]);
                        let message = String::from_utf8_lossy(&read).into_owned();
                        let Some((head, body)) = message.split_once("\r\n\r\n") else { continue };
                        let field = |name: &str| {
                            head.lines().filter_map(|line| line.split_once(": ")).find_map(
                                |(known, value)| known.eq_ignore_ascii_case(name).then(|| value.to_owned()),
                            )
                        };
                        if body.len() < field("content-length").unwrap().parse::<usize>().unwrap() {
                            continue;
                        }
                        assert!(head.starts_with("POST /notify HTTP/1.1"), "{head}");
                        assert_eq!(field("content-type").as_deref(), Some("application/json"));
                        let bearer = field("authorization").unwrap();
                        got.lock().unwrap().push((bearer, serde_json::from_str(body).unwrap()));
                        break;
                    }
                    let status = statuses.lock().unwrap().pop_front().unwrap_or("204 No Content");
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { uri, got }
    }

    fn got(&self) -> Vec<(String, Value)> {
        self.got.lock().unwrap().clone()
    }

    /// The bodies that came, each with the right bearer token.
    fn bodies(&self) -> Vec<Value> {
        let all = self.got();
        assert!(all.iter().all(|(bearer, _)| *bearer == format!("Bearer {NOTIFICATION}")), "{all:?}");
        all.into_iter().map(|(_, body)| body).collect()
    }
}

/// A desk whose clients with a bell and with a letter box are called back there.
async fn desk(ear: &Ear, change: impl FnOnce(&mut Config)) -> Desk {
    Desk::with(|config| {
        for id in ["bell", "letter"] {
            client(config, id).metadata.backchannel_client_notification_endpoint = Some(ear.uri.clone());
        }
        change(config);
    })
    .await
}

async fn deny_it(desk: &Desk) {
    let id = text(&desk.prompt("alice").await["id"]);
    assert_eq!(desk.stand.answer(&id, 1, &json!({ "type": "deny" })).await.status, 200);
}

#[tokio::test]
async fn a_ping_says_that_it_is_worth_asking() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    let id = desk.asked("bell", &[]).await;
    round(&desk.stand.server).await.unwrap();
    assert!(ear.got().is_empty(), "nobody answered yet");
    desk.approve("alice").await;
    round(&desk.stand.server).await.unwrap();
    assert_eq!(ear.bodies(), [json!({ "auth_req_id": id })]);
    assert_eq!(desk.poll("bell", &id).await.status, 200);
    round(&desk.stand.server).await.unwrap();
    assert_eq!(ear.bodies().len(), 1, "once");
}

#[tokio::test]
async fn a_denial_is_pinged_too_and_a_client_in_ping_mode_may_ask_by_itself() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    let id = desk.asked("bell", &[]).await;
    assert_eq!(desk.poll("bell", &id).await.error(), "authorization_pending");
    deny_it(&desk).await;
    round(&desk.stand.server).await.unwrap();
    assert_eq!(ear.bodies().len(), 1);
    assert_eq!(desk.poll("bell", &id).await.error(), "access_denied");
}

#[tokio::test]
async fn clients_that_are_called_back_say_with_what() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    for id in ["bell", "letter"] {
        let reply = desk.ask(id, &[("client_notification_token", "")]).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{}", reply.text);
    }
    let polled = desk.asked("desk", &[("client_notification_token", NOTIFICATION)]).await;
    desk.approve("alice").await;
    round(&desk.stand.server).await.unwrap();
    assert!(ear.got().is_empty(), "{polled} is asked for");
}

#[tokio::test]
async fn a_ping_that_fails_is_repeated_until_the_request_is_over() {
    let ear = Ear::start(&["503 Busy", "500 Broken"]).await;
    let desk = desk(&ear, |_| {}).await;
    desk.asked("bell", &[]).await;
    desk.approve("alice").await;
    for (later, expected) in [(0, 1), (0, 1), (60, 2), (60, 3), (60, 3)] {
        desk.stand.clock.advance(later);
        round(&desk.stand.server).await.unwrap();
        assert_eq!(ear.got().len(), expected, "{later}");
    }

    let never = Ear::start(&["503 Busy"; 20]).await;
    let desk = super::openid_ciba_notification::desk(&never, |_| {}).await;
    desk.asked("bell", &[]).await;
    desk.approve("alice").await;
    for _ in 0..10 {
        round(&desk.stand.server).await.unwrap();
        desk.stand.clock.advance(60);
    }
    assert!((2..=6).contains(&never.got().len()), "{}", never.got().len());
    assert_eq!(desk.stand.rows("SELECT kind FROM deliveries WHERE dead_at IS NOT NULL"), ["ciba"]);
}

#[tokio::test]
async fn a_client_that_refuses_the_bearer_is_called_once_and_may_still_ask() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let ear = Ear::start(&[status]).await;
        let desk = desk(&ear, |_| {}).await;
        let id = desk.asked("bell", &[]).await;
        desk.approve("alice").await;
        for _ in 0..3 {
            round(&desk.stand.server).await.unwrap();
            desk.stand.clock.advance(60);
        }
        assert_eq!(ear.got().len(), 1, "{status}");
        assert_eq!(desk.poll("bell", &id).await.status, 200, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_ends_it() {
    let ear = Ear::start(&["307 Elsewhere"]).await;
    let desk = desk(&ear, |_| {}).await;
    desk.asked("bell", &[]).await;
    desk.approve("alice").await;
    for _ in 0..3 {
        round(&desk.stand.server).await.unwrap();
        desk.stand.clock.advance(60);
    }
    assert_eq!(ear.got().len(), 1);
}

#[tokio::test]
async fn nobody_is_called_at_an_address_inside() {
    let ear = Ear::start(&[]).await;
    let desk = Desk::with(|config| {
        client(config, "bell").metadata.backchannel_client_notification_endpoint =
            Some("https://10.0.0.1/notify".to_owned());
    })
    .await;
    let id = desk.asked("bell", &[]).await;
    desk.approve("alice").await;
    round(&desk.stand.server).await.unwrap();
    assert!(ear.got().is_empty());
    let reasons = desk.stand.rows("SELECT reason FROM deliveries");
    assert!(reasons[0].contains("public address"), "{reasons:?}");
    assert_eq!(desk.poll("bell", &id).await.status, 200, "it can still ask");
}

#[tokio::test]
async fn what_is_called_back_lies_nowhere_in_clear() {
    let ear = Ear::start(&["503 Busy"]).await;
    let desk = desk(&ear, |_| {}).await;
    let id = desk.asked("bell", &[]).await;
    desk.approve("alice").await;
    round(&desk.stand.server).await.unwrap();
    desk.stand.server.store().ping().await.unwrap();
    for (table, column) in
        [("deliveries", "payload"), ("polled_requests", "sealed"), ("interactions", "sealed")]
    {
        for row in desk.stand.rows(&format!("SELECT hex({column}) FROM {table}")) {
            let bytes: Vec<u8> =
                (0..row.len()).step_by(2).map(|i| u8::from_str_radix(&row[i..i + 2], 16).unwrap()).collect();
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!shown.contains(NOTIFICATION) && !shown.contains(&id), "{table}");
        }
    }
}

#[tokio::test]
async fn tokens_are_sent_with_an_id_token_that_holds_it_all_together() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    let reply = desk.ask("letter", &[("scope", "openid email offline_access")]).await;
    assert_eq!(reply.json.get("interval"), None, "there is nothing to ask");
    let id = text(&reply.json["auth_req_id"]);
    let refused = desk.poll("letter", &id).await;
    assert_eq!((refused.status, refused.error()), (400, "unauthorized_client"));
    desk.approve("alice").await;
    round(&desk.stand.server).await.unwrap();
    let sent = ear.bodies().remove(0);
    assert_eq!((&sent["auth_req_id"], &sent["token_type"]), (&json!(id), &json!("Bearer")));
    let (access, again) = (text(&sent["access_token"]), text(&sent["refresh_token"]));
    let (header, id_token) = verified(&desk.stand, &text(&sent["id_token"])).await;
    let alg = text(&header["alg"]);
    assert_eq!(id_token["urn:openid:params:jwt:claim:auth_req_id"], id);
    assert_eq!(id_token["at_hash"], half_hash(&alg, &access));
    assert_eq!(id_token["urn:openid:params:jwt:claim:rt_hash"], half_hash(&alg, &again));
    assert!(desk.stand.is_active("letter", &access).await);
    assert_eq!(refresh(&desk.stand, "letter", &again).await.status, 200);
    desk.stand.clock.advance(60);
    round(&desk.stand.server).await.unwrap();
    assert_eq!(ear.got().len(), 1, "once it arrived, that is it");
}

#[tokio::test]
async fn only_the_tokens_that_arrived_live() {
    let ear = Ear::start(&["503 Busy", "500 Broken"]).await;
    let desk = desk(&ear, |config| {
        client(config, "letter").settings.access_token.encoding = Some(placet_sdk::grant::Encoding::Opaque);
    })
    .await;
    desk.asked("letter", &[("scope", "openid email offline_access")]).await;
    desk.approve("alice").await;
    for _ in 0..3 {
        round(&desk.stand.server).await.unwrap();
        desk.stand.clock.advance(60);
    }
    let sent = ear.bodies();
    assert_eq!(sent.len(), 3);
    for (at, body) in sent.iter().enumerate() {
        let alive = at == 2;
        assert_eq!(desk.stand.is_active("letter", &text(&body["access_token"])).await, alive, "{at}");
        let renewed = refresh(&desk.stand, "letter", &text(&body["refresh_token"])).await;
        assert_eq!(renewed.status == 200, alive, "{at}: {}", renewed.text);
    }
    assert_ne!(
        claims(&text(&sent[0]["id_token"]))["at_hash"],
        claims(&text(&sent[2]["id_token"]))["at_hash"]
    );
}

/// The client that answered 503 may have them all the same, and so may others.
#[tokio::test]
async fn tokens_of_an_attempt_that_failed_die_at_once() {
    for encoding in [placet_sdk::grant::Encoding::Opaque, placet_sdk::grant::Encoding::Jwt] {
        let ear = Ear::start(&["503 Busy"]).await;
        let desk = desk(&ear, |config| {
            client(config, "letter").settings.access_token.encoding = Some(encoding);
        })
        .await;
        desk.asked("letter", &[("scope", "openid email offline_access")]).await;
        desk.approve("alice").await;
        round(&desk.stand.server).await.unwrap();
        let sent = ear.bodies().remove(0);
        let (access, again) = (text(&sent["access_token"]), text(&sent["refresh_token"]));
        assert!(!desk.stand.is_active("letter", &access).await, "{encoding:?}");
        assert_eq!(desk.stand.userinfo(&access).await.status, 401, "{encoding:?}");
        assert_eq!(refresh(&desk.stand, "letter", &again).await.error(), "invalid_grant", "{encoding:?}");
        desk.stand.clock.advance(60);
        round(&desk.stand.server).await.unwrap();
        let arrived = text(&ear.bodies()[1]["access_token"]);
        assert!(desk.stand.is_active("letter", &arrived).await, "{encoding:?}");
    }
}

/// Whoever has them may not know that others take their place.
#[tokio::test]
async fn who_revokes_what_an_attempt_that_failed_brought_gets_nothing_later_on() {
    for by_admin in [false, true] {
        let ear = Ear::start(&["503 Busy"]).await;
        let desk = desk(&ear, administering::admit).await;
        desk.asked("letter", &[("scope", "openid email offline_access")]).await;
        desk.approve("alice").await;
        let listed = administering::call(
            &desk.stand,
            administering::TOKEN,
            Method::GET,
            "/authorizations?sub=alice",
            None,
        );
        let before = text(&listed.await.json["items"][0]["id"]);
        round(&desk.stand.server).await.unwrap();
        if by_admin {
            let path = format!("/authorizations/{before}");
            for expected in [204, 404] {
                let ended =
                    administering::call(&desk.stand, administering::TOKEN, Method::DELETE, &path, None).await;
                assert_eq!(ended.status, expected, "{}", ended.text);
            }
        } else {
            let again = text(&ear.bodies()[0]["refresh_token"]);
            assert_eq!(desk.stand.post("/revoke", "letter", &[("token", &again)]).await.status, 200);
        }
        desk.stand.clock.advance(60);
        round(&desk.stand.server).await.unwrap();
        assert!(
            ear.bodies().iter().skip(1).all(|body| body.get("access_token").is_none()),
            "{:?}",
            ear.bodies()
        );
        assert_eq!(rows(&desk.stand, "alice").await.2, 0, "nothing lives");
        assert_eq!(desk.stand.events("authorization.revoked").len(), 1);
    }
}

#[tokio::test]
async fn a_denial_is_sent_as_an_error() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    let id = desk.asked("letter", &[]).await;
    deny_it(&desk).await;
    round(&desk.stand.server).await.unwrap();
    let sent = ear.bodies().remove(0);
    assert_eq!((&sent["auth_req_id"], &sent["error"]), (&json!(id), &json!("access_denied")));
    assert_eq!(sent.get("access_token"), None);
}

#[tokio::test]
async fn policies_and_the_account_count_at_the_moment_of_sending() {
    let ear = Ear::start(&[]).await;
    let strict = Sidecar::start(|_| deny("access_denied")).await;
    let denied = desk(&ear, |config| config.policy.push(strict.policy("strict", &["grant.ciba"]))).await;
    denied.asked("letter", &[]).await;
    denied.approve("alice").await;
    round(&denied.stand.server).await.unwrap();
    assert_eq!(strict.requests()[0]["grant"]["type"], super::calling::CIBA);
    assert_eq!(strict.requests()[0]["authorization"]["kind"], "ciba");
    assert_eq!(ear.bodies().remove(0)["error"], "access_denied");

    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    desk.asked("letter", &[]).await;
    desk.approve("alice").await;
    let report = json!({ "type": "account.disabled", "sub": "alice" });
    assert_eq!(desk.stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
    round(&desk.stand.server).await.unwrap();
    assert_eq!(ear.bodies().remove(0)["error"], "access_denied");
}

#[tokio::test]
async fn tokens_that_have_to_be_bound_are_not_sent() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |config| {
        client(config, "letter").metadata.dpop_bound_access_tokens = Some(true);
    })
    .await;
    let reply = desk.ask("letter", &[]).await;
    assert_eq!(reply.error(), "unauthorized_client", "{}", reply.text);
}

#[tokio::test]
async fn an_answer_and_its_ping_are_one() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    desk.asked("bell", &[]).await;
    let id = text(&desk.prompt("alice").await["id"]);
    desk.stand.answer(&id, 1, &auth("alice")).await;
    let yes = json!({ "type": "consent", "accept_all": true });
    let races: Vec<_> = (0..10)
        .map(|_| {
            let (stand, id, yes) = (desk.stand.clone(), id.clone(), yes.clone());
            tokio::spawn(async move { stand.answer(&id, 2, &yes).await.status })
        })
        .collect();
    for race in races {
        assert_eq!(race.await.unwrap(), 200, "the same answer gets the same prompt");
    }
    round(&desk.stand.server).await.unwrap();
    assert_eq!(ear.bodies().len(), 1);
}

#[tokio::test]
async fn tokens_that_arrived_are_not_sent_again_though_nobody_noted_it() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |config| {
        client(config, "letter").settings.access_token.encoding = Some(placet_sdk::grant::Encoding::Opaque);
    })
    .await;
    desk.asked("letter", &[]).await;
    desk.approve("alice").await;
    let store = desk.stand.server.store();
    let waiting = store.deliveries(&DeliveryFilter::default(), ALL).await.unwrap();
    round(&desk.stand.server).await.unwrap();
    let token = text(&ear.bodies()[0]["access_token"]);
    // A process that was killed before it could settle the delivery leaves it as it was.
    store.enqueue(waiting, Vec::new()).await.unwrap();
    assert_eq!(round(&desk.stand.server).await.unwrap(), 1);
    assert_eq!(ear.got().len(), 1);
    assert!(desk.stand.is_active("letter", &token).await, "and those that are there stay good");
}

#[tokio::test]
async fn nothing_is_sent_of_a_request_that_is_over() {
    let ear = Ear::start(&[]).await;
    let desk = desk(&ear, |_| {}).await;
    let life = desk.ask("letter", &[]).await.json["expires_in"].as_i64().unwrap();
    desk.approve("alice").await;
    desk.stand.clock.advance(life);
    assert_eq!(round(&desk.stand.server).await.unwrap(), 1);
    assert_eq!(ear.got().len(), 0);
    let dead = DeliveryFilter { dead: true, ..DeliveryFilter::default() };
    let given_up = desk.stand.server.store().deliveries(&dead, ALL).await.unwrap();
    assert_eq!(given_up[0].reason.as_deref(), Some("the request has expired"));
}

#[tokio::test]
async fn tokens_that_a_client_refuses_and_those_that_a_policy_denies_leave_nothing_behind() {
    let ear = Ear::start(&["400 No"]).await;
    let refused = desk(&ear, |config| {
        client(config, "letter").settings.access_token.encoding = Some(placet_sdk::grant::Encoding::Opaque);
    })
    .await;
    refused.asked("letter", &[]).await;
    refused.approve("alice").await;
    round(&refused.stand.server).await.unwrap();
    let token = text(&ear.bodies()[0]["access_token"]);
    assert!(!refused.stand.is_active("letter", &token).await);
    assert_eq!(rows(&refused.stand, "alice").await.2, 0);

    let strict = Sidecar::start(|_| deny("access_denied")).await;
    let denied = desk(&ear, |config| config.policy.push(strict.policy("strict", &["grant.ciba"]))).await;
    denied.asked("letter", &[]).await;
    denied.approve("alice").await;
    assert_eq!(rows(&denied.stand, "alice").await.2, 1);
    round(&denied.stand.server).await.unwrap();
    assert_eq!(rows(&denied.stand, "alice").await.2, 0);
}
