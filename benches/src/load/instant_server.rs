//! [`InstantServer`]: the server that costs nothing.

use std::{net::SocketAddr, thread};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::Result;

/// Answers every HTTP request at once with the same few bytes, so that what a load generator reaches
/// against it is what the generator itself can do. Ends when it is dropped.
#[derive(Debug)]
pub struct InstantServer {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

impl InstantServer {
    /// Starts it on a thread of its own and a free port.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        };
        thread::Builder::new().name("instant-server".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept => {}
                    // The other end is dropped with the server.
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let mut buffer = Vec::with_capacity(16 << 10);
    // A client that goes away ends it.
    while stream.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
        while let Some(length) = request_length(&buffer).filter(|length| *length <= buffer.len()) {
            buffer.drain(..length);
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}

/// The length of the request that the buffer begins with, once its head is there.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + body.unwrap_or(0))
}
