//! [`Socket`]: the stream of bytes below a connection.

use std::{
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    net::Shutdown,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::connection::Usage;

/// How often [`gone`] looks: a timer for each connection, however many requests it has.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A client's socket, which gives up when the client takes no byte of an answer for too long.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    timeout: Duration,
    /// While the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: Arc<TcpStream>, timeout: Duration) -> Self {
        Self { stream, timeout, stalled: None }
    }

    /// Writes as soon as there is room.
    fn poll_write_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        while let Poll::Ready(room) = self.stream.poll_write_ready(context) {
            room?;
            match write(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => {
                    self.stalled = None;
                    return Poll::Ready(written);
                }
            }
        }
        let timeout = self.timeout;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client takes no bytes")))
    }
}

/// Completes some time after the client has closed its end while it waits for an answer.
///
/// A connection sees that by itself while it reads. With HTTP/1.1 it does not read on when a client has
/// sent more than one request, until it has answered the first.
pub(super) async fn gone(stream: &TcpStream, usage: &Usage) {
    loop {
        sleep(LOOK_EVERY).await;
        if usage.idle_since().is_some() {
            continue;
        }
        let mut look = pin!(stream.ready(Interest::READABLE));
        let ready = poll_fn(|context| Poll::Ready(look.as_mut().poll(context))).await;
        if matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed()) {
            return;
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream| stream.try_write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.stream).shutdown(Shutdown::Write))
    }
}
