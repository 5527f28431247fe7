//! The body of a request, before it is anything.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use warp::{Buf, reply::Response};

use super::Errors;
use crate::http::reply;

/// Reads the body up to the limit, however it is sent.
pub(super) async fn collect<B, D>(body: B, (errors, max): (Errors, usize)) -> Result<Bytes, Response>
where
    B: Stream<Item = Result<D, warp::Error>> + Send,
    D: Buf,
{
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|_| reply::refused(400, "the body broke off", errors))?;
        if bytes.len() + chunk.remaining() > max {
            return Err(reply::refused(413, "the body is too large", errors));
        }
        while chunk.has_remaining() {
            let part = chunk.chunk();
            let length = part.len();
            bytes.extend_from_slice(part);
            chunk.advance(length);
        }
    }
    Ok(bytes.freeze())
}
