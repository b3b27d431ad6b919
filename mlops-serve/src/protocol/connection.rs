//! What a connection is doing: its streams, and whether there are any.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::Version,
};
use hyper::{body::Frame, rt::Executor};
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinSet, time::timeout};

/// Counts the requests of a connection until their answers are sent.
#[derive(Debug)]
pub(super) struct Activity(watch::Sender<Use>);

/// How a connection is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// HTTP/1.1, whose heads hyper times by itself.
    is_http1: bool,
    /// Requests under way, with HTTP/2.
    streams: usize,
}

impl Activity {
    pub(super) fn new() -> (Self, watch::Receiver<Use>) {
        let (sender, receiver) = watch::channel(Use::default());
        (Self(sender), receiver)
    }

    /// A request has come; of HTTP/2, where there may be several, it is counted.
    pub(super) fn begin(&self, version: Version) -> Option<Counted> {
        if version == Version::HTTP_2 {
            self.0.send_modify(|now| now.streams += 1);
            return Some(Counted(self.0.clone()));
        }
        self.0.send_if_modified(|now| !std::mem::replace(&mut now.is_http1, true));
        None
    }
}

/// One request; dropped when its answer is sent, or when it is cancelled.
#[derive(Debug)]
pub(super) struct Counted(watch::Sender<Use>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|now| now.streams -= 1);
    }
}

impl Counted {
    /// Counts the request until this body is sent.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(CountedBody { body, _counted: self })
    }
}

struct CountedBody {
    body: Body,
    _counted: Counted,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// Completes when there has been no request for `limit`.
///
/// # Cancel safety
/// Dropping the future loses nothing.
pub(super) async fn idle(mut activity: watch::Receiver<Use>, limit: Duration) {
    loop {
        let now = *activity.borrow_and_update();
        let changed = activity.changed();
        let changed = if now.is_http1 || now.streams > 0 {
            changed.await
        } else if let Ok(changed) = timeout(limit, changed).await {
            changed
        } else {
            return;
        };
        if changed.is_err() {
            // The connection has ended by itself.
            return std::future::pending().await;
        }
    }
}

/// The tasks of a connection's HTTP/2 streams; dropping it ends them.
#[derive(Debug, Default)]
pub(super) struct Streams(Arc<Mutex<JoinSet<()>>>);

/// Starts tasks in [`Streams`]. It does not keep them: the tasks hold one themselves.
#[derive(Debug, Clone)]
pub(super) struct StreamExecutor(Weak<Mutex<JoinSet<()>>>);

impl Streams {
    pub(super) fn executor(&self) -> StreamExecutor {
        StreamExecutor(Arc::downgrade(&self.0))
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        // Without the connection there is nobody to answer to.
        if let Some(streams) = self.0.upgrade() {
            let mut streams = streams.lock();
            while streams.try_join_next().is_some() {}
            streams.spawn(stream);
        }
    }
}
