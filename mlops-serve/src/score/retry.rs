//! [`RetryOptions`]: what is tried again, how often and for how long.

use std::time::Duration;

use mlops_core::{Error, Result, random::RandomStream};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};

/// What is tried again, how often and for how long.
///
/// | error | whose fault | |
/// | --- | --- | --- |
/// | `InvalidTensor`, `InvalidArgument`, `TooLarge`, `Unsupported` | the request's | never tried again |
/// | `Overloaded`, `Unavailable`, `Conflict` | the service's | until it answers, for [`max_outage`](Self::max_outage) |
/// | `Closed`, `NotFound`, `Refused`, `Cancelled` | the service's | ends the work |
/// | all others | not known | [`max_attempts`](Self::max_attempts) times, then the request's |
///
/// Pauses double from [`initial_delay`](Self::initial_delay) to [`max_delay`](Self::max_delay), are at least as
/// long as the service asked for, and are shortened by up to half at random, so that many do not come back
/// at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryOptions {
    /// How often a request is tried that fails for unknown reasons. At least 1.
    pub max_attempts: u32,
    /// The first pause.
    pub initial_delay: Duration,
    /// The longest pause.
    pub max_delay: Duration,
    /// How long a service may be out before the work ends with its error.
    pub max_outage: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(5),
            max_outage: Duration::from_secs(300),
        }
    }
}

impl RetryOptions {
    /// Sets how often a request is tried that fails for unknown reasons.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the first and the longest pause.
    #[must_use]
    pub fn with_delays(mut self, initial: Duration, max: Duration) -> Self {
        (self.initial_delay, self.max_delay) = (initial, max);
        self
    }

    /// Sets how long a service may be out.
    #[must_use]
    pub fn with_max_outage(mut self, outage: Duration) -> Self {
        self.max_outage = outage;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.max_attempts == 0 {
            return Err(Error::invalid("max_attempts", "it must be at least 1"));
        }
        if self.initial_delay.is_zero() || self.initial_delay > self.max_delay {
            let reason = "it must be more than nothing and no more than `max_delay`";
            return Err(Error::invalid("initial_delay", reason));
        }
        Ok(())
    }
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Request,
    Service,
    End,
    Unknown,
}

fn fault(error: &Error) -> Fault {
    match error {
        _ if error.is_retryable() => Fault::Service,
        _ if error.is_invalid_request() => Fault::Request,
        Error::Unsupported { .. } => Fault::Request,
        Error::Closed { .. }
        | Error::NotFound { .. }
        | Error::Refused { .. }
        | Error::Cancelled => Fault::End,
        _ => Fault::Unknown,
    }
}

/// Tries until there is an answer, or it is the request's fault that there is none: `Ok(Err(_))`.
///
/// Once `stopping` is true a service that is out is not waited for.
///
/// # Errors
/// That of a service that is gone, or was out for too long: the work ends.
pub(super) async fn attempt<T, F: Future<Output = Result<T>> + Send>(
    options: &RetryOptions,
    jitter: &mut RandomStream,
    stopping: &mut watch::Receiver<bool>,
    mut try_once: impl FnMut() -> F + Send,
) -> Result<Result<T>> {
    let mut failures = 0;
    let mut out_since = None;
    let mut delay = options.initial_delay;
    loop {
        let error = match try_once().await {
            Ok(answer) => return Ok(Ok(answer)),
            Err(error) => error,
        };
        match fault(&error) {
            Fault::Request => return Ok(Err(error)),
            Fault::End => return Err(error),
            Fault::Unknown => {
                failures += 1;
                if failures >= options.max_attempts {
                    return Ok(Err(error));
                }
            }
            Fault::Service => {
                let since = *out_since.get_or_insert_with(Instant::now);
                if *stopping.borrow() || since.elapsed() >= options.max_outage {
                    return Err(error);
                }
            }
        }
        let asked_for = match &error {
            Error::Overloaded { retry_after: Some(after), .. } => *after,
            _ => Duration::ZERO,
        };
        let pause = delay.mul_f64(1.0 - jitter.next_unit() / 2.0).max(asked_for);
        delay = (delay * 2).min(options.max_delay);
        tracing::debug!(error = %error.report(), ?pause, "trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(_) = stopping.wait_for(|stopping| *stopping), if !*stopping.borrow() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use mlops_core::random::RandomKey;

    use super::*;

    fn unavailable() -> Error {
        Error::unavailable("model", "it restarts")
    }

    fn broken() -> Error {
        Error::backend("engine", "a kernel failed")
    }

    /// Attempts that fail with this error until the given number, and how many there were.
    async fn run(error: Error, succeeds_at: u32) -> (Result<Result<u32>>, u32) {
        let (_stop, mut stopping) = watch::channel(false);
        run_until(error, succeeds_at, &mut stopping).await
    }

    async fn run_until(
        error: Error,
        succeeds_at: u32,
        stopping: &mut watch::Receiver<bool>,
    ) -> (Result<Result<u32>>, u32) {
        let tries = AtomicU32::new(0);
        let mut jitter = RandomKey::from_seed(0).stream(0);
        let result = attempt(&RetryOptions::default(), &mut jitter, stopping, || {
            let number = tries.fetch_add(1, Ordering::Relaxed) + 1;
            let error = error.clone();
            async move { if number >= succeeds_at { Ok(number) } else { Err(error) } }
        })
        .await;
        (result, tries.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_at_fault_is_tried_once() {
        let (result, tries) = run(Error::invalid("request", "wrong"), 2).await;
        assert!(matches!(result, Ok(Err(Error::InvalidArgument { .. }))));
        assert_eq!(tries, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_failure_is_the_requests_after_some_attempts() {
        assert!(matches!(run(broken(), 3).await, (Ok(Ok(3)), 3)));
        assert!(matches!(run(broken(), 4).await, (Ok(Err(Error::Backend { .. })), 3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_out_is_waited_for_so_long() {
        assert!(matches!(run(unavailable(), 20).await, (Ok(Ok(20)), 20)));
        let started = Instant::now();
        let (result, tries) = run(unavailable(), u32::MAX).await;
        assert!(matches!(result, Err(Error::Unavailable { .. })));
        let options = RetryOptions::default();
        assert!(started.elapsed() >= options.max_outage);
        assert!(started.elapsed() <= options.max_outage + options.max_delay);
        // Pauses grow: not hundreds of attempts a second.
        assert!(tries < 200, "{tries}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_gone_ends_the_work() {
        let (result, tries) = run(Error::Closed { what: "batcher" }, 2).await;
        assert!(matches!(result, Err(Error::Closed { .. })));
        assert_eq!(tries, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_as_long_as_was_asked_for() {
        let retry_after = Some(Duration::from_secs(60));
        let error = Error::Overloaded { what: "queue (requests)", limit: 1, retry_after };
        let started = Instant::now();
        assert!(matches!(run(error, 2).await, (Ok(Ok(2)), 2)));
        assert!(started.elapsed() >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_service_while_the_work_stops() {
        let (stop, mut stopping) = watch::channel(false);
        let started = Instant::now();
        let (outcome, ()) =
            tokio::join!(run_until(unavailable(), u32::MAX, &mut stopping), async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                stop.send_replace(true);
            });
        assert!(matches!(outcome.0, Err(Error::Unavailable { .. })));
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}
