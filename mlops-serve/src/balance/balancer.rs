//! [`Balance`].

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    random::RandomKey,
    signature::TensorSpec,
};
use parking_lot::Mutex;

use super::{
    budget::RetryBudget,
    options::{BalanceOptions, Retry},
    policy::{Outcome, Policy},
};

/// Several replicas of a model, as one.
///
/// A replica that cannot be asked (unavailable, shut down) is put aside for a time that grows with its
/// failures, and then tried by one request. One that is full, or fails at a request, is asked less for
/// a moment: it must not look fast for being quick to refuse. What it refused goes to another one, as
/// [`Retry`] allows. While all are put aside, requests fail at once as [`Error::Unavailable`].
#[derive(Debug)]
pub struct Balance {
    replicas: Vec<Arc<dyn Predict>>,
    descriptor: ModelDescriptor,
    retry: Retry,
    clock: Arc<dyn Clock>,
    random: RandomKey,
    /// Requests so far, retries not counted.
    requests: AtomicU64,
    policy: Mutex<Policy>,
    budget: Mutex<RetryBudget>,
}

impl Balance {
    /// Spreads requests over these replicas.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are none, or if they are not replicas of one model: their
    /// names, versions, tensors, types, ranks and fixed sizes must be equal.
    pub fn new(replicas: Vec<Arc<dyn Predict>>, options: &BalanceOptions) -> Result<Self> {
        Self::with_clock(replicas, options, Arc::new(SystemClock))
    }

    /// The same with another clock.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_clock(
        replicas: Vec<Arc<dyn Predict>>,
        options: &BalanceOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let descriptor = common_descriptor(&replicas)?;
        let now = clock.monotonic();
        Ok(Self {
            policy: Mutex::new(Policy::new(replicas.len(), options, now)),
            budget: Mutex::new(RetryBudget::new(options, now)),
            random: RandomKey::from_seed(options.seed).derive("balance"),
            retry: options.retry,
            requests: AtomicU64::new(0),
            replicas,
            descriptor,
            clock,
        })
    }

    /// Requests under way at each replica, in their order.
    #[must_use]
    pub fn in_flight(&self) -> Vec<usize> {
        self.policy.lock().in_flight().collect()
    }

    /// Asks a replica other than `except`; says which it was. `None` if there is none to ask.
    async fn attempt(
        &self,
        request: InferenceRequest,
        draw: u64,
        except: Option<usize>,
    ) -> Option<(usize, Result<InferenceResponse>)> {
        let started = self.clock.monotonic();
        let mut random = self.random.stream(draw);
        let index = self.policy.lock().choose(started, &mut random, except)?;
        // However this future ends, the request is not in flight any more.
        let mut ticket = Ticket { balance: self, index, started, outcome: Outcome::GivenUp };
        let result = self.replicas[index].predict(request).await;
        ticket.outcome = outcome(&result);
        drop(ticket);
        Some((index, result))
    }

    fn may_retry(&self, error: &Error, deadline: Option<Instant>, requests: u64) -> bool {
        let allowed = match (self.retry, outcome_of(error)) {
            (Retry::Never, _) => false,
            (Retry::NotExecuted, _) => was_not_executed(error),
            (Retry::AnyFailure, outcome) => {
                matches!(outcome, Outcome::Failed | Outcome::Unreachable)
            }
        };
        if !allowed {
            return false;
        }
        let now = self.clock.monotonic();
        deadline.is_none_or(|deadline| now < deadline) && self.budget.lock().take(requests, now)
    }

    fn none_open(&self) -> Error {
        let next = self.policy.lock().next_open();
        let now = self.clock.monotonic();
        let wait = next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        let (count, id) = (self.replicas.len(), &self.descriptor.id);
        Error::unavailable(
            "model",
            format_args!("all {count} replicas of `{id}` have failed; one is tried in {wait:?}"),
        )
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Predict for Balance {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let deadline = request.deadline;
        if deadline.is_some_and(|deadline| deadline <= self.clock.monotonic()) {
            return Err(Error::DeadlineExceeded { elapsed: Duration::ZERO });
        }
        let again = if self.retry == Retry::Never { None } else { Some(request.clone()) };
        // Two draws a request: even and odd numbers.
        let Some((first, result)) = self.attempt(request, 2 * number, None).await else {
            return Err(self.none_open());
        };
        let (error, again) = match (result, again) {
            (Err(error), Some(again)) if self.may_retry(&error, deadline, number) => (error, again),
            (result, _) => return result,
        };
        match self.attempt(again, 2 * number + 1, Some(first)).await {
            Some((_, result)) => result,
            None => Err(error),
        }
    }
}

/// Ends a request that is in flight when it is dropped.
struct Ticket<'a> {
    balance: &'a Balance,
    index: usize,
    started: Instant,
    outcome: Outcome,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let now = self.balance.clock.monotonic();
        let elapsed = now.saturating_duration_since(self.started);
        self.balance.policy.lock().ended(self.index, self.outcome, elapsed, now);
    }
}

fn outcome(result: &Result<InferenceResponse>) -> Outcome {
    result.as_ref().map_or_else(outcome_of, |_| Outcome::Answered)
}

fn outcome_of(error: &Error) -> Outcome {
    match error {
        Error::Unavailable { .. } | Error::Closed { .. } => Outcome::Unreachable,
        // Full is not broken: putting it aside would waste what it can do. An error of the engine
        // may be the request's doing: one bad client must not put every replica aside.
        Error::Overloaded { .. }
        | Error::Backend { .. }
        | Error::OutOfMemory { .. }
        | Error::Corrupt { .. } => Outcome::Failed,
        Error::DeadlineExceeded { .. } | Error::Cancelled => Outcome::GivenUp,
        _ => Outcome::Refused,
    }
}

fn was_not_executed(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. } | Error::Closed { .. } | Error::Overloaded { .. })
}

/// What all replicas are.
fn common_descriptor(replicas: &[Arc<dyn Predict>]) -> Result<ModelDescriptor> {
    let Some((first, others)) = replicas.split_first() else {
        return Err(Error::invalid("replicas", "there are none"));
    };
    let mut descriptor = first.descriptor().clone();
    for other in others {
        let theirs = other.descriptor();
        if theirs.id != descriptor.id {
            let reason = format!("`{}` and `{}` are different models", descriptor.id, theirs.id);
            return Err(Error::invalid("replicas", reason));
        }
        let (ours, signature) = (&descriptor.signature, &theirs.signature);
        if !are_alike(&ours.inputs, &signature.inputs)
            || !are_alike(&ours.outputs, &signature.outputs)
        {
            let reason = format!("{first} is {ours}, but {other} is {signature}");
            return Err(Error::invalid("replicas", reason));
        }
        let sizes = (descriptor.max_batch_size, theirs.max_batch_size);
        descriptor.max_batch_size = match sizes {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            _ => None,
        };
    }
    Ok(descriptor)
}

/// Equal but for the names of open dimensions, which a remote model does not tell.
fn are_alike(left: &[TensorSpec], right: &[TensorSpec]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            let mut dims = left.shape.iter().zip(&right.shape);
            left.name == right.name
                && left.data_type == right.data_type
                && left.shape.len() == right.shape.len()
                && dims.all(|(left, right)| left == right || !left.is_fixed() && !right.is_fixed())
        })
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Balance(")?;
        for (index, replica) in self.replicas.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            replica.fmt(f)?;
        }
        f.write_str(")")
    }
}
