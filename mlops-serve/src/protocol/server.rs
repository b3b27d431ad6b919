//! [`serve`]: a router on a listener, within limits.

use std::{
    collections::HashMap,
    convert::Infallible,
    io::{self, ErrorKind},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::Request, http::Version};
use hyper::{
    body::{Body as _, Incoming},
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use mlops_core::{Error, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{self, JoinSet},
    time::{Instant, sleep, timeout},
};

use super::{
    connection::{Streams, Usage, timely},
    socket::{Socket, gone},
};

/// How long a connection without requests is kept after it was told to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Bytes of an answer that a socket takes at once: with HTTP/1.1 it counts as sent when it is there.
const AT_ONCE: u64 = 16 << 10;

/// How long nothing is accepted after the system refused to.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How long a connection that shall make room is kept, and how long one waits for a place until more
/// are asked.
const ROOM_PAUSE: Duration = Duration::from_millis(100);

/// Limits of [`serve`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long a client may take to send the head of a request, and how long a connection may stay
    /// idle between two requests.
    pub header_timeout: Duration,
    /// How long a client may take no byte of an answer that is there for it and, with HTTP/1.1, send
    /// no byte of a request's body.
    pub stall_timeout: Duration,
    /// Connections at once. One more takes the place of the one that has been idle for longest; if
    /// all are in use, it waits. The process must be allowed as many open files (`ulimit -n`).
    pub max_connections: usize,
    /// Requests at once on one connection, with HTTP/2; more are refused.
    pub max_concurrent_streams: u32,
    /// After shutdown begins, how long requests under way may take; then their connections are
    /// closed, also those of streams that would never end.
    pub drain_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            max_concurrent_streams: 256,
            drain_timeout: Duration::from_secs(25),
        }
    }
}

impl ServeOptions {
    /// Sets how long the head of a request may take, and how long a connection may stay idle.
    #[must_use]
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Sets how long a client may keep a request's body or an answer from going on.
    #[must_use]
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Sets how many connections there may be at once.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets how many requests there may be at once on one connection, with HTTP/2.
    #[must_use]
    pub fn with_max_concurrent_streams(mut self, streams: u32) -> Self {
        self.max_concurrent_streams = streams;
        self
    }

    /// Sets how long requests under way may take after shutdown begins.
    #[must_use]
    pub fn with_drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }
}

/// Serves `router` on `listener`, over HTTP/1.1 and over HTTP/2 without TLS (with prior knowledge,
/// as gRPC clients have it), until `shutdown` completes, then lets requests under way finish.
///
/// Every connection is a task that this future owns: dropping it closes them all.
///
/// # Errors
/// [`Error::DeadlineExceeded`] if requests were still under way after
/// [`ServeOptions::drain_timeout`] and were cut off.
///
/// # Cancel safety
/// Dropping the future stops the server at once, requests under way included.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    let (stop, stopped) = watch::channel(false);
    let mut connections = Connections::default();
    let mut waiting = None;
    let mut shutdown = pin!(shutdown);
    loop {
        let is_full = connections.tasks.len() >= options.max_connections;
        if let Some(stream) = waiting.take_if(|_| !is_full) {
            let (options, router) = (options.clone(), router.clone());
            connections.start(|usage| connection(stream, router, options, stopped.clone(), usage));
        }
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = connections.ended() => {}
            // Those asked before may have been in the middle of something.
            () = sleep(ROOM_PAUSE), if waiting.is_some() => connections.make_room(),
            accepted = accept(&listener), if waiting.is_none() => match accepted {
                Ok(stream) => {
                    waiting = Some(stream);
                    if is_full {
                        connections.make_room();
                    }
                }
                Err(error) => {
                    // The process is out of file descriptors or memory. The listener lives, and
                    // trying at once would spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    connections.make_room();
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    // Connections hold receivers; without any, there is nobody to tell.
    stop.send(true).ok();
    let mut tasks = connections.tasks;
    let drained = async { while tasks.join_next().await.is_some() {} };
    if timeout(options.drain_timeout, drained).await.is_err() {
        tasks.shutdown().await;
        return Err(Error::DeadlineExceeded { elapsed: options.drain_timeout });
    }
    Ok(())
}

/// The connections there are.
#[derive(Debug)]
struct Connections {
    tasks: JoinSet<()>,
    /// Of those that were not yet asked to end.
    usage: HashMap<task::Id, Arc<Usage>>,
    epoch: Instant,
}

impl Default for Connections {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), usage: HashMap::new(), epoch: Instant::now() }
    }
}

impl Connections {
    fn start<F>(&mut self, connection: impl FnOnce(Arc<Usage>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let usage = Usage::new(self.epoch);
        let task = self.tasks.spawn(connection(Arc::clone(&usage)));
        self.usage.insert(task.id(), usage);
    }

    /// Completes when a connection has ended; without connections, never.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.usage.remove(&id);
    }

    /// Asks the connections that have been idle for longest to end: a few at a time, as looking for
    /// them means looking at all.
    fn make_room(&mut self) {
        let few = self.usage.len() / 256 + 1;
        let idle = self.usage.iter().filter_map(|(id, usage)| Some((usage.idle_since()?, *id)));
        let mut idle: Vec<_> = idle.collect();
        if idle.len() > few {
            idle.select_nth_unstable_by_key(few, |(since, _)| *since);
            idle.truncate(few);
        }
        for (_, id) in idle {
            if let Some(usage) = self.usage.remove(&id) {
                usage.ask_to_end();
            }
        }
    }
}

/// The next connection that was not given up before it was accepted.
///
/// # Cancel safety
/// Dropping the future loses no connection.
async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    loop {
        match listener.accept().await {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            accepted => return accepted.map(|(stream, _)| stream),
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    options: ServeOptions,
    mut stopped: watch::Receiver<bool>,
    usage: Arc<Usage>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let stream = Arc::new(stream);
    let socket = Socket::new(Arc::clone(&stream), options.stall_timeout);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let counted = usage.begin();
        // A stream of HTTP/2 may be silent for as long as its two ends like.
        let is_http1 = request.version() < Version::HTTP_2;
        let stall_timeout = is_http1.then_some(options.stall_timeout);
        let response = router.call(request.map(|body| timely(body, stall_timeout)));
        async move {
            let response = response.await?;
            let size = response.body().size_hint().exact();
            Ok::<_, Infallible>(if is_http1 && size.is_some_and(|size| size <= AT_ONCE) {
                response
            } else {
                response.map(|body| counted.until_sent(body))
            })
        }
    });
    let streams = Streams::default();
    let mut builder = auto::Builder::new(streams.executor());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_timeout);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(options.max_concurrent_streams);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let ending = async {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => FAREWELL,
            () = usage.idle_for(options.header_timeout) => FAREWELL,
            () = usage.asked_to_end() => ROOM_PAUSE,
        }
    };
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = gone(&stream, &usage) => Ok(()),
        farewell = ending => {
            connection.as_mut().graceful_shutdown();
            // A client that does not answer the farewell is not waited for.
            let forsaken = async { sleep(farewell).await; usage.idle_for(farewell).await };
            tokio::select! {
                result = connection => result,
                () = forsaken => Ok(()),
            }
        }
    };
    if let Err(error) = result {
        // The client broke off or was too slow: its own affair.
        tracing::debug!(%error, "a connection ended early");
    }
}
