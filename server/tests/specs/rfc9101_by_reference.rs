//! Request objects (RFC 9101) that a client serves: `request_uri`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    harness::{Browser, CALLBACK, Reply},
    requesting::{Scene, assert_page},
    signer::Signer,
};

/// A server on this machine that answers every request with `answer`; gives its address, and how often it was asked.
async fn serve(answer: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&answer()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, hits)
}

fn response(status: &str, media_type: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// A scene whose client may refer to objects below this address.
async fn referring(uris: &[String]) -> Scene {
    Scene::with(|config, metadata| {
        config.request_objects.by_reference = true;
        metadata["request_uris"] = json!(uris);
    })
    .await
}

async fn refer(scene: &Scene, uri: &str) -> Reply {
    scene.visit(&mut Browser::new(), &[("client_id", "jar"), ("request_uri", uri)]).await
}

#[tokio::test]
async fn an_object_can_be_fetched_from_where_the_client_registered() {
    let served = Arc::new(std::sync::Mutex::new(Vec::new()));
    let body = served.clone();
    let (address, hits) = serve(move || body.lock().unwrap().clone()).await;
    let uri = format!("{address}/r");
    let scene = referring(std::slice::from_ref(&uri)).await;
    let object = scene.object();
    for media_type in
        ["application/oauth-authz-req+jwt", "application/jwt", "application/jose; charset=utf-8"]
    {
        *served.lock().unwrap() = response("200 OK", media_type, &object);
        let shown = scene.shown(&refer(&scene, &uri).await).await;
        assert_eq!(shown["request"]["signed"], true);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 3, "nothing is kept");
    // A fragment tells versions apart for those who keep what they fetched (OpenID Connect Core section 6.2).
    for version in ["v2", &URL_SAFE_NO_PAD.encode(Sha256::digest("an earlier one"))] {
        refer(&scene, &format!("{uri}#{version}")).await.interaction();
    }
    assert_eq!(hits.load(Ordering::SeqCst), 5, "fetched anew each time");
    *served.lock().unwrap() =
        response("200 OK", "application/jwt", &Signer::new("key-1").sign(&scene.claims()));
    assert_page(&refer(&scene, &uri).await, "invalid_request_object");
}

#[tokio::test]
async fn only_registered_places_are_asked_and_only_if_the_operator_wants_it() {
    let (address, hits) = serve(|| response("200 OK", "application/jwt", "x")).await;
    let registered = format!("{address}/r");
    let scene = referring(std::slice::from_ref(&registered)).await;
    for uri in [
        format!("{address}/other"),
        format!("{address}/r/../other"),
        format!("{registered}?x=1"),
        format!("{registered}/"),
        "https://evil.example/".to_owned(),
        "urn:x".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_page(&refer(&scene, &uri).await, "invalid_request_uri");
    }
    let off = Scene::with(|_, metadata| metadata["request_uris"] = json!([registered])).await;
    assert_page(&refer(&off, &registered).await, "request_uri_not_supported");
    let named = [("client_id", "jar"), ("request_uri", registered.as_str()), ("redirect_uri", CALLBACK)];
    let told = off.visit(&mut Browser::new(), &named).await.params();
    assert_eq!(told["error"], "request_uri_not_supported");
    let pushed = scene.push(&[("request_uri", &registered)]).await;
    assert_eq!((pushed.status, pushed.error()), (400, "invalid_request"), "{}", pushed.text);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_reference_leads_nowhere_inside_and_takes_little_from_where_it_leads() {
    let (inside, hits) = serve(|| response("200 OK", "application/jwt", "x")).await;
    let elsewhere = inside.clone();
    let (redirects, _) = serve(move || {
        format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n").into_bytes()
    })
    .await;
    let (endless, _) = serve(|| response("200 OK", "application/jwt", &"x".repeat(1024 * 1024))).await;
    let (page, _) = serve(|| response("200 OK", "text/html", "<html>")).await;
    let (missing, _) = serve(|| response("404 Not Found", "application/jwt", "x")).await;
    let (binary, _) = serve(|| {
        let mut answer = response("200 OK", "application/jwt", "");
        answer.extend([0xff, 0xfe]);
        answer
    })
    .await;
    let uris: Vec<String> = [
        "https://10.0.0.1/r",
        "https://192.168.1.1/r",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/r",
        "https://[fe80::1]/r",
        "https://0.0.0.0/r",
        "https://127.0.0.1:1/r",
        redirects.as_str(),
        endless.as_str(),
        page.as_str(),
        missing.as_str(),
        binary.as_str(),
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    let scene = referring(&uris).await;
    for uri in &uris {
        assert_page(&refer(&scene, uri).await, "invalid_request_uri");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0, "a redirect was followed");
}
