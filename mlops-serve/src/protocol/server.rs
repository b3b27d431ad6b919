//! [`serve`]: a router on a listener, within limits.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
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
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use super::connection::{Activity, Streams, idle};

/// How long a connection without requests is kept after it was told to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Limits of [`serve`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long a client may take to send the head of a request, and how long a connection may stay
    /// idle between two requests.
    pub header_timeout: Duration,
    /// Connections at once; more wait to be accepted.
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
    let permits = Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS)));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, permit) = accept(&listener, &permits) => {
                connections.spawn(connection(
                    stream,
                    router.clone(),
                    options.clone(),
                    stopped.clone(),
                    permit,
                ));
            }
        }
    }
    drop(listener);
    // Connections hold receivers; without any, there is nobody to tell.
    stop.send(true).ok();
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(options.drain_timeout, drained).await.is_err() {
        connections.shutdown().await;
        return Err(Error::DeadlineExceeded { elapsed: options.drain_timeout });
    }
    Ok(())
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                // Of the connection (reset before it was accepted) or of the process (out of file
                // descriptors): either way the listener lives, and trying at once would spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    options: ServeOptions,
    mut stopped: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) -> Result<(), Infallible> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let (activity, watched) = Activity::new();
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let stream = activity.begin(request.version());
        let response = router.call(request);
        async {
            let response = response.await?;
            Ok::<_, Infallible>(match stream {
                None => response,
                Some(stream) => response.map(|body| stream.until_sent(body)),
            })
        }
    });
    let streams = Streams::default();
    let mut builder = auto::Builder::new(streams.executor());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_timeout);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(options.max_concurrent_streams);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ending = async {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = idle(watched.clone(), options.header_timeout) => {}
        }
    };
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = ending => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                result = connection => result,
                // A client that does not answer the farewell is not waited for.
                () = idle(watched.clone(), FAREWELL) => Ok(()),
            }
        }
    };
    if let Err(error) = result {
        // The client broke off or was too slow: its own affair.
        tracing::debug!(%error, "a connection ended early");
    }
    Ok(())
}
