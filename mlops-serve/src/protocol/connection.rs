//! What a connection is doing: its requests, and since when there are none.

use std::{
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use hyper::{
    body::{Frame, SizeHint},
    rt::Executor,
};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, Sleep, sleep},
};

/// How a connection is used: what is under way, and since when nothing is.
///
/// Plain numbers that whoever wants to know looks up, so that a request wakes nobody.
#[derive(Debug)]
pub(super) struct Usage {
    /// What `idle_since` counts from, the same for all connections of a server.
    epoch: Instant,
    /// Milliseconds from the epoch to the end of the last request, or to the beginning.
    idle_since: AtomicU64,
    /// Requests under way, until their answers are sent.
    requests: AtomicUsize,
    /// Asks the connection to end.
    end: Notify,
}

impl Usage {
    pub(super) fn new(epoch: Instant) -> Arc<Self> {
        let usage = Self {
            epoch,
            idle_since: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            end: Notify::new(),
        };
        usage.rest();
        Arc::new(usage)
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> Counted {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(self))
    }

    fn rest(&self) {
        let millis = self.epoch.elapsed().as_millis();
        self.idle_since.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When the last request ended, if none is under way.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let is_idle = self.requests.load(Ordering::Acquire) == 0;
        is_idle.then(|| self.epoch + Duration::from_millis(self.idle_since.load(Ordering::Relaxed)))
    }

    /// Asks the connection to end once its requests are answered.
    pub(super) fn ask_to_end(&self) {
        self.end.notify_one();
    }

    /// Completes when the connection [is asked to end](Self::ask_to_end).
    pub(super) async fn asked_to_end(&self) {
        self.end.notified().await;
    }

    /// Completes when there has been no request for `limit`.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let rest = match self.idle_since() {
                Some(since) => limit.saturating_sub(since.elapsed()),
                // The earliest at which it can have been idle for so long.
                None => limit.max(Duration::from_millis(1)),
            };
            if rest.is_zero() {
                return;
            }
            sleep(rest).await;
        }
    }
}

/// One request; dropped when its answer is sent, or when it is cancelled.
#[derive(Debug)]
pub(super) struct Counted(Arc<Usage>);

impl Drop for Counted {
    fn drop(&mut self) {
        // Before the count, so that whoever sees no request sees since when.
        self.0.rest();
        self.0.requests.fetch_sub(1, Ordering::Release);
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

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body, which fails when the client sends nothing of it for so long.
pub(super) fn timely<B>(body: B, timeout: Option<Duration>) -> Body
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static,
{
    match timeout {
        Some(timeout) if !body.is_end_stream() => {
            Body::new(TimelyBody { body, timeout, stalled: None })
        }
        _ => Body::new(body),
    }
}

struct TimelyBody<B> {
    body: B,
    timeout: Duration,
    /// While the client sends nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<B> HttpBody for TimelyBody<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.stalled = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let timeout = self.timeout;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(context));
        Poll::Ready(Some(Err(format!("nothing came for {timeout:?}").into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    /// Three bytes, each so much later than the one before.
    fn every(pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            sleep(pause).await;
            (sent < 3).then_some((Ok::<_, BoxError>(Bytes::from_static(b"x")), sent + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_long_as_long_as_something_comes() {
        let timeout = Some(Duration::from_secs(50));
        let steady = timely(every(Duration::from_secs(49)), timeout);
        assert_eq!(steady.collect().await.unwrap().to_bytes(), "xxx");
        let stalled = timely(every(Duration::from_secs(51)), timeout);
        let error = stalled.collect().await.unwrap_err();
        assert!(error.to_string().contains("nothing came for 50s"), "{error}");
    }
}
