//! The lists of the admin API go page by page.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, stand},
    harness::{Browser, Stand},
    helpers::text,
};

const PAGE: usize = 50;

/// All pages of a list.
async fn pages(stand: &Stand, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let mark = if path.contains('?') { '&' } else { '?' };
        let page = get(stand, &format!("{path}{mark}cursor={cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        pages.push(page.json["items"].as_array().unwrap().clone());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = url::form_urlencoded::byte_serialize(next.as_bytes()).collect(),
            None => return pages,
        }
        assert!(pages.len() < 10, "{path} has no end");
    }
}

/// Each entry is on one page, and none is on two.
fn assert_whole(pages: &[Vec<Value>], id: &str, count: usize) {
    let mut ids: Vec<String> = pages.iter().flatten().map(|item| text(&item[id])).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((pages.iter().map(Vec::len).sum::<usize>(), ids.len()), (count, count));
}

#[tokio::test]
async fn clients_come_fifty_at_a_time_after_those_of_the_configuration() {
    let stand = stand().await;
    let configured = stand.server.config().clients.len();
    for n in 0..=PAGE {
        let body = json!({ "client_id": format!("c {n:02}"), "metadata": { "grant_types": ["client_credentials"] } });
        let made = call(&stand, TOKEN, Method::POST, "/clients", Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let pages = pages(&stand, "/clients").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [configured + PAGE, 1]);
    assert!(pages[0][..configured].iter().all(|client| client["configured"] == true));
    assert_whole(&pages, "client_id", configured + PAGE + 1);
}

#[tokio::test]
async fn sessions_and_authorizations_of_one_user_come_fifty_at_a_time() {
    let stand = stand().await;
    futures_util::future::join_all((0..=PAGE).map(async |_| {
        stand.sign_in(&mut Browser::new(), "web", &[]).await;
    }))
    .await;
    for path in ["/sessions?sub=alice", "/authorizations?sub=alice"] {
        let pages = pages(&stand, path).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [PAGE, 1], "{path}");
        assert_whole(&pages, "id", PAGE + 1);
    }
    let others = get(&stand, "/sessions?sub=bob").await;
    assert_eq!(others.json, json!({ "items": [] }));
}

#[tokio::test]
async fn a_list_that_is_asked_for_wrongly_is_refused() {
    let stand = stand().await;
    let long = "x".repeat(256);
    for path in [
        "/sessions".to_owned(),
        "/sessions?sub=".to_owned(),
        "/sessions?sub=a%0ab".to_owned(),
        format!("/sessions?sub={long}"),
        "/sessions?sub=alice&sub=bob".to_owned(),
        "/sessions?sub=alice&cursor=%00".to_owned(),
        "/sessions?sub=alice&cursor=a%20b".to_owned(),
        "/authorizations".to_owned(),
        "/authorizations?sub=alice&cursor=%ff".to_owned(),
        "/authorizations?sub=alice&cursor='".to_owned(),
        "/clients?cursor=%0a".to_owned(),
        format!("/clients?cursor={long}"),
        "/clients?cursor=a&cursor=b".to_owned(),
    ] {
        let reply = get(&stand, &path).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{path}: {}", reply.text);
    }
}
