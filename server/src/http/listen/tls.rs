//! A connection with TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use openssl::{
    error::ErrorStack,
    ssl::{Error, Ssl, SslContext, SslRef},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_openssl::SslStream;

use crate::client::ClientCertificate;

/// A connection with TLS whose state depends on nothing but itself.
///
/// OpenSSL keeps errors in a queue of the thread, and takes what it finds there for an error of the connection that it
/// works on. Whoever leaves an error behind, when it looked at the certificate of a stranger for example, would end the
/// connection of somebody else. So the queue is emptied each time before a connection gets its turn.
pub(super) struct Tls(SslStream<TcpStream>);

impl Tls {
    /// Shakes hands.
    pub(super) async fn accept(context: &SslContext, stream: TcpStream) -> Result<Self, Error> {
        let mut stream = SslStream::new(Ssl::new(context)?, stream)?;
        std::future::poll_fn(|cx| {
            forget_errors();
            Pin::new(&mut stream).poll_accept(cx)
        })
        .await?;
        Ok(Self(stream))
    }

    pub(super) fn ssl(&self) -> &SslRef {
        self.0.ssl()
    }

    /// The certificate that was shown, with what was sent along.
    pub(super) fn certificate(&self) -> Result<Option<ClientCertificate>, ErrorStack> {
        let Some(certificate) = self.ssl().peer_certificate() else { return Ok(None) };
        let chain = self.ssl().peer_cert_chain();
        let chain = chain.map(|chain| chain.iter().map(ToOwned::to_owned).collect()).unwrap_or_default();
        ClientCertificate::new(certificate, chain).map(Some)
    }

    fn turn(self: Pin<&mut Self>) -> Pin<&mut SslStream<TcpStream>> {
        forget_errors();
        Pin::new(&mut self.get_mut().0)
    }
}

fn forget_errors() {
    drop(ErrorStack::get());
}

impl AsyncRead for Tls {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.turn().poll_read(cx, into)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.turn().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn().poll_shutdown(cx)
    }
}
