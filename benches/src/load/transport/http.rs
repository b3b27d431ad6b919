//! [`HttpTransport`].

use std::{
    future::poll_fn,
    net::{SocketAddr, ToSocketAddrs},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, Uri, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Connection, HttpRequest, Transport};
use crate::{
    Result,
    load::{Corpus, Outcome, Sizes, Ticket},
};

/// Sends requests to a server over HTTP/1.1, each client on a connection that it keeps.
#[derive(Debug)]
pub struct HttpTransport {
    address: SocketAddr,
    requests: Arc<[Request<Full<Bytes>>]>,
    sizes: Sizes,
}

impl HttpTransport {
    /// Sends the corpus, each request in the form that `encode` gives it, to `server`, such as
    /// `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// If the URL is not one, or a request cannot be encoded.
    pub fn new(
        server: &str,
        corpus: &Corpus,
        encode: impl Fn(&mlops_core::tensor::NamedTensors) -> Result<HttpRequest>,
    ) -> Result<Self> {
        let (address, host) = resolve(server)?;
        let requests: Result<_> =
            corpus.all().map(|inputs| encode(inputs)?.into_hyper(&host)).collect();
        Ok(Self { address, requests: requests?, sizes: corpus.into() })
    }
}

impl Transport for HttpTransport {
    type Connection = HttpConnection;

    fn sizes(&self) -> Sizes {
        self.sizes
    }

    async fn connect(&self) -> Result<HttpConnection> {
        let mut connection = HttpConnection {
            address: self.address,
            requests: Arc::clone(&self.requests),
            open: None,
        };
        connection.open().await?;
        Ok(connection)
    }
}

/// A client's connection.
#[derive(Debug)]
pub struct HttpConnection {
    address: SocketAddr,
    requests: Arc<[Request<Full<Bytes>>]>,
    open: Option<Open>,
}

/// Both ends of hyper's client. The client's own task drives the connection: a task for it would
/// cost two wake-ups a request.
#[derive(Debug)]
struct Open {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

impl HttpConnection {
    async fn open(&mut self) -> Result<&mut Open> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(self.open.insert(Open { sender, driver: Box::pin(driver) }))
    }
}

impl Connection for HttpConnection {
    async fn send(&mut self, ticket: Ticket) -> Outcome {
        let request = self.requests[ticket.request].clone();
        if self.open.as_ref().is_none_or(|open| open.sender.is_closed())
            && self.open().await.is_err()
        {
            return Outcome::Broken;
        }
        let Some(open) = &mut self.open else {
            return Outcome::Broken;
        };
        if ticket.leaves {
            open.leave(request).await;
            self.open = None;
            return Outcome::Left;
        }
        match open.exchange(request).await {
            Ok(answer) if answer.status() == StatusCode::OK => Outcome::Answered,
            Ok(answer) => Outcome::Refused(answer.status().as_u16()),
            Err(_) => {
                self.open = None;
                Outcome::Broken
            }
        }
    }
}

impl Open {
    /// Sends a request and waits for the whole answer.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Bytes>> {
        let Self { sender, driver } = self;
        let mut answer = pin!(async {
            sender.ready().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        });
        let mut ended = false;
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            if !ended && let Poll::Ready(end) = driver.as_mut().poll(context) {
                // What it had read before it ended is still to be had.
                (ended, _) = (true, end.ok());
            }
            answer.as_mut().poll(context)
        })
        .await
    }

    /// Writes a request and does not wait for the answer.
    async fn leave(&mut self, request: Request<Full<Bytes>>) {
        let Self { sender, driver } = self;
        let mut answer = pin!(async {
            sender.ready().await?;
            sender.send_request(request).await
        });
        // The first turn hands the request over, the second writes it.
        for _ in 0..2 {
            poll_fn(|context| {
                let answered = answer.as_mut().poll(context).is_ready();
                Poll::Ready(answered || driver.as_mut().poll(context).is_ready())
            })
            .await;
        }
    }
}

fn resolve(server: &str) -> Result<(SocketAddr, String)> {
    let uri: Uri = server.parse().map_err(|error| format!("`{server}` is not a URL: {error}"))?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
    let host = authority.ok_or(format!("`{server}` is not like http://HOST:PORT"))?.to_string();
    let with_port = if uri.port().is_some() { host.clone() } else { format!("{host}:80") };
    let mut addresses =
        with_port.to_socket_addrs().map_err(|error| format!("{server}: {error}"))?;
    Ok((addresses.next().ok_or(format!("`{server}` has no address"))?, host))
}

/// The answer to a GET. Blocks.
///
/// # Errors
/// If the server cannot be reached, does not answer within five seconds, or not with status 200.
pub fn get(url: &str) -> Result<Bytes> {
    let (address, host) = resolve(url)?;
    let uri: Uri = url.parse()?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header("host", host).body(Full::default())?;
    Ok(fetch(address, request)?.into_body())
}

/// The answer to a request. Blocks.
///
/// # Errors
/// As [`get`].
pub fn post(server: &str, request: HttpRequest) -> Result<Response<Bytes>> {
    let (address, host) = resolve(server)?;
    fetch(address, request.into_hyper(&host)?)
}

fn fetch(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Response<Bytes>> {
    let asked = request.uri().clone();
    let exchange = async {
        let mut connection = HttpConnection { address, requests: Arc::default(), open: None };
        let answer = connection.open().await?.exchange(request).await?;
        if answer.status() == StatusCode::OK {
            Ok(answer)
        } else {
            let text = String::from_utf8_lossy(answer.body());
            Err(format!("{asked}: {}: {text}", answer.status()).into())
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), exchange).await })?
}
