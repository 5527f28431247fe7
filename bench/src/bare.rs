//! The ceiling: what the web server and the signature alone cost.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use warp::Filter as _;

use crate::wire::Broken;

/// The allocator of the server, so that it is the same for both.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serves until the process ends.
pub(crate) async fn serve(listen: SocketAddr) -> Result<(), Broken> {
    // Nobody relies on it, and every key signs as fast.
    let key = Arc::new(SigningKey::from_bytes(&[7; 32]));
    let counter = Arc::new(AtomicU64::new(0));
    let plain = warp::path("plain").and(warp::get()).map(|| "here");
    let token = warp::path("token").and(warp::post()).and(warp::body::bytes()).map(move |_| {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let token = token(&key, number);
        warp::http::Response::builder()
            .header("content-type", "application/json")
            .header("cache-control", "no-store")
            .body(format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":600}}"#))
    });
    warp::serve(plain.or(token)).run(listen).await;
    Ok(())
}

/// A token of the length that the server's have.
fn token(key: &SigningKey, number: u64) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"0123456789abcdef"}"#);
    let claims = format!(
        r#"{{"iss":"http://127.0.0.1:17080","sub":"bench-jwt","aud":"http://127.0.0.1:17080","client_id":"bench-jwt","scope":"reports.read","iat":1700000000,"exp":1700000600,"jti":"{number:032x}"}}"#
    );
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = key.sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
