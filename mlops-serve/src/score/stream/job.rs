//! [`StreamScoring`].

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, Predict},
    random::{RandomKey, RandomStream},
};
use tokio::{sync::watch, time::Instant};

use super::{
    options::StreamOptions,
    sink::{Answer, ResponseSink},
    source::{Delivery, Receipt, RequestSource},
};
use crate::score::{RetryOptions, retry::attempt};

/// Answers what a source delivers, until it ends or is stopped.
#[derive(Debug)]
pub struct StreamScoring<S> {
    source: S,
    scorer: Scorer,
}

/// What became of the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StreamReport {
    /// Answers kept.
    pub answered: u64,
    /// Requests that became dead letters.
    pub rejected: u64,
    /// Requests given back, because the work ended before they were answered.
    pub released: u64,
    /// Deliveries of requests that had been delivered before.
    pub redelivered: u64,
    /// Answered or rejected requests whose source could not be told: they may come again.
    pub unacknowledged: u64,
}

impl<S: RequestSource> StreamScoring<S> {
    /// The answers of this model to what `source` delivers, into `sink`.
    pub fn new(model: Arc<dyn Predict>, source: S, sink: impl ResponseSink) -> Self {
        let options = StreamOptions::default();
        Self { source, scorer: Scorer { model, sink: Box::new(sink), options } }
    }

    /// Sets how much is under way at once, and what is tried again.
    #[must_use]
    pub fn with_options(mut self, options: StreamOptions) -> Self {
        self.scorer.options = options;
        self
    }

    /// Works until the source ends or `stop` is ready; then what is under way is finished, without
    /// waiting for a service that is out, and what is left is given back.
    ///
    /// # Errors
    /// Invalid options. The error of a model, sink or source that is gone or was out for longer than
    /// [`RetryOptions::max_outage`], once what was under way has been finished or given back: nothing is
    /// lost, and it can be run again.
    ///
    /// # Cancel safety
    /// What is under way is neither acknowledged nor given back: a source that outlasts the process
    /// delivers it again when its patience is over.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) -> Result<StreamReport> {
        self.scorer.options.check()?;
        let options = &self.scorer.options;
        let (stopping, watched) = watch::channel(false);
        let jitter = RandomKey::from_seed(0).derive("score::stream");
        let mut stop = pin!(stop);
        let mut report = StreamReport::default();
        let mut outage = Outage::default();
        let mut under_way = FuturesUnordered::new();
        let (mut taken, mut bytes) = (0, 0);
        // Why no more is taken.
        let mut ended: Option<Result<()>> = None;
        let mut was_stopped = false;
        let mut given_up = Vec::new();
        while ended.is_none() || !under_way.is_empty() {
            let room =
                under_way.len() < options.max_in_flight && bytes < options.max_in_flight_bytes;
            tokio::select! {
                biased;
                () = &mut stop, if !was_stopped => {
                    was_stopped = true;
                    ended.get_or_insert(Ok(()));
                    stopping.send_replace(true);
                }
                Some((size, fate)) = under_way.next() => {
                    bytes -= size;
                    report.count(&fate);
                    if let Fate::GivenUp(receipt, error) = fate {
                        given_up.push(receipt);
                        // The first says why; those after it are its consequence.
                        if !was_stopped && !matches!(ended, Some(Err(_))) {
                            ended = Some(Err(error));
                        }
                        stopping.send_replace(true);
                    }
                }
                next = outage.next(&mut self.source), if ended.is_none() && room => match next {
                    Ok(Some(delivery)) => {
                        outage = Outage::default();
                        report.redelivered += u64::from(delivery.attempt > 1);
                        let size = delivery.request.as_ref().map_or(0, |it| it.inputs.size_bytes());
                        bytes += size;
                        taken += 1;
                        let (jitter, stopping) = (jitter.stream(taken), watched.clone());
                        let scorer = &self.scorer;
                        under_way.push(async move {
                            (size, scorer.handle(delivery, jitter, stopping).await)
                        });
                    }
                    // Nobody is in a hurry: what is under way may wait for a service that is out.
                    Ok(None) => ended = Some(Ok(())),
                    Err(error) => if let Err(error) = outage.begin(error, &options.retry) {
                        ended = Some(Err(error));
                        stopping.send_replace(true);
                    }
                },
            }
        }
        drop(under_way);
        // First of all, so that what is released does not come back here.
        self.source.close().await;
        for receipt in given_up {
            if let Err(error) = receipt.release().await {
                tracing::debug!(error = %error.report(), "a request could not be given back");
            }
        }
        ended.unwrap_or(Ok(())).map(|()| report)
    }
}

impl StreamReport {
    fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::Answered(told) => {
                self.answered += 1;
                if let Err(error) = told {
                    tracing::warn!(error = %error.report(), "an answer could not be acknowledged");
                    self.unacknowledged += 1;
                }
            }
            Fate::Rejected => self.rejected += 1,
            Fate::GivenUp(..) => self.released += 1,
        }
    }
}

/// A source that cannot be reached.
#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
    pause: Duration,
    until: Option<Instant>,
}

impl Outage {
    /// The next delivery, not before the pause is over. Cancel safe, as the source is.
    async fn next(&self, source: &mut impl RequestSource) -> Result<Option<Delivery>> {
        if let Some(until) = self.until {
            tokio::time::sleep_until(until).await;
        }
        source.next().await
    }

    /// Begins another pause, or gives the error back if it is none to wait for.
    fn begin(&mut self, error: Error, retry: &RetryOptions) -> Result<()> {
        let now = Instant::now();
        // It was there in between if it has not failed for longer than any pause.
        if self.until.is_some_and(|until| now > until + retry.max_delay) {
            *self = Self::default();
        }
        let since = *self.since.get_or_insert(now);
        if !error.is_retryable() || now - since >= retry.max_outage {
            return Err(error);
        }
        tracing::debug!(error = %error.report(), "the source cannot be reached");
        self.pause = (self.pause * 2).clamp(retry.initial_delay, retry.max_delay);
        self.until = Some(now + self.pause);
        Ok(())
    }
}

/// What became of a delivery.
enum Fate {
    /// The answer is kept; whether its source could be told.
    Answered(Result<()>),
    Rejected,
    /// To be given back because of this error, which ends the work.
    GivenUp(Box<dyn Receipt>, Error),
}

/// Answers single deliveries.
#[derive(Debug)]
struct Scorer {
    model: Arc<dyn Predict>,
    sink: Box<dyn ResponseSink>,
    options: StreamOptions,
}

impl Scorer {
    async fn handle(
        &self,
        delivery: Delivery,
        mut jitter: RandomStream,
        mut stopping: watch::Receiver<bool>,
    ) -> Fate {
        let Delivery { id, request, attempt: number, receipt } = delivery;
        let retry = &self.options.retry;
        let settled = while_extended(&*receipt, async {
            let error = match request {
                Ok(_) if number > self.options.max_deliveries => {
                    let reason = format!("delivered {number} times and never answered");
                    Error::invalid("request", reason)
                }
                Ok(request) => {
                    match self.answer(&id, &request, &mut jitter, &mut stopping).await? {
                        Ok(()) => return Ok(Fate::Answered(receipt.acknowledge().await)),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            tracing::debug!(%id, error = %error.report(), "a request becomes a dead letter");
            attempt(retry, &mut jitter, &mut stopping, || receipt.reject(&error)).await??;
            Ok(Fate::Rejected)
        });
        match settled.await {
            Ok(fate) => fate,
            Err(error) => Fate::GivenUp(receipt, error),
        }
    }

    /// Has the request answered and the answer kept, or says why that is the request's fault.
    async fn answer(
        &self,
        id: &str,
        request: &InferenceRequest,
        jitter: &mut RandomStream,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<Result<()>> {
        let retry = &self.options.retry;
        let predict = || self.model.predict(request.clone());
        let response = match attempt(retry, jitter, stopping, predict).await? {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let answer = Answer { id, request, response: &response };
        attempt(retry, jitter, stopping, || self.sink.write(answer)).await
    }
}

/// Does the work, and asks the source for more time before its patience is over.
async fn while_extended<T>(receipt: &dyn Receipt, work: impl Future<Output = T> + Send) -> T {
    let Some(patience) = receipt.patience() else { return work.await };
    tokio::select! {
        biased;
        done = work => done,
        never = extend(receipt, patience / 2) => match never {},
    }
}

/// The first time soon: its patience began when it was delivered, and it may have waited since.
async fn extend(receipt: &dyn Receipt, interval: Duration) -> Infallible {
    let interval = interval.max(Duration::from_millis(1));
    let mut pause = interval.min(Duration::from_secs(1));
    loop {
        tokio::time::sleep(pause).await;
        pause = interval;
        if let Err(error) = receipt.extend().await {
            let error = error.report();
            tracing::warn!(error, "no more time for a request: it may come again");
        }
    }
}
