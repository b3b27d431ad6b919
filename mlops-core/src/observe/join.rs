//! [`OutcomeJoin`].

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use crate::timestamp::Timestamp;

/// Pairs late outcomes with the predictions they are about, in bounded memory.
///
/// Holds one value of `T` for each prediction whose outcome is still out: whatever its user needs
/// for the pair, such as the predicted class. Not thread-safe by itself: it is a part of a monitor's
/// state.
///
/// ```
/// use std::time::Duration;
/// use mlops_core::{observe::{JoinLimits, OutcomeJoin}, timestamp::Timestamp};
///
/// let limits = JoinLimits { max_pending: 2, max_age: Duration::from_secs(60) };
/// let mut join = OutcomeJoin::new(limits);
/// let time = Timestamp::from_micros;
/// join.predicted("a".into(), time(0), "cat");
/// join.predicted("b".into(), time(1), "dog");
/// join.predicted("c".into(), time(2), "cow"); // pushes out the oldest
/// assert_eq!(join.outcome("b", time(3)), Some("dog"));
/// assert_eq!(join.outcome("a", time(3)), None);
/// assert_eq!((join.expired(), join.unmatched()), (1, 1));
/// ```
#[derive(Debug)]
pub struct OutcomeJoin<T> {
    limits: JoinLimits,
    pending: HashMap<Arc<str>, Pending<T>>,
    /// Predictions in the order they came. Those no longer pending stay until they reach the front.
    order: VecDeque<Arrival>,
    /// How many predictions there were: what tells those of one id apart, even at the same time.
    predictions: u64,
    expired: u64,
    unmatched: u64,
}

#[derive(Debug)]
struct Pending<T> {
    prediction: u64,
    value: T,
}

#[derive(Debug)]
struct Arrival {
    prediction: u64,
    at: Timestamp,
    id: Arc<str>,
}

/// How much an [`OutcomeJoin`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinLimits {
    /// Predictions whose outcome may be out at once; the oldest gives way.
    pub max_pending: usize,
    /// How long an outcome is waited for.
    pub max_age: Duration,
}

impl<T> OutcomeJoin<T> {
    /// Holds nothing yet.
    #[must_use]
    pub fn new(limits: JoinLimits) -> Self {
        Self {
            limits,
            pending: HashMap::new(),
            order: VecDeque::new(),
            predictions: 0,
            expired: 0,
            unmatched: 0,
        }
    }

    /// Takes note of a prediction. A second one of the same id replaces the first.
    pub fn predicted(&mut self, request_id: Arc<str>, at: Timestamp, value: T) {
        self.expire(at);
        self.predictions += 1;
        let prediction = self.predictions;
        self.pending.insert(Arc::clone(&request_id), Pending { prediction, value });
        self.order.push_back(Arrival { prediction, at, id: request_id });
        while self.pending.len() > self.limits.max_pending {
            self.drop_oldest();
        }
        // Ids that were answered or replaced wait in `order` for their turn: keep them few.
        if self.order.len() > 2 * self.pending.len() + 16 {
            let pending = &self.pending;
            self.order.retain(|arrival| arrival.is_pending(pending));
        }
    }

    /// The value of the prediction this outcome is about, once; `None` if it never came or is gone.
    pub fn outcome(&mut self, request_id: &str, at: Timestamp) -> Option<T> {
        self.expire(at);
        let found = self.pending.remove(request_id).map(|pending| pending.value);
        self.unmatched += u64::from(found.is_none());
        found
    }

    /// Predictions whose outcome is still out.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Predictions given up, by age or for want of room.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.expired
    }

    /// Outcomes without a prediction.
    #[must_use]
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    fn expire(&mut self, now: Timestamp) {
        let horizon = now.saturating_sub(self.limits.max_age);
        while self.order.front().is_some_and(|oldest| oldest.at < horizon) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front()
            && oldest.is_pending(&self.pending)
        {
            self.pending.remove(&oldest.id);
            self.expired += 1;
        }
    }
}

impl Arrival {
    /// True unless its outcome came or a later prediction took its id.
    fn is_pending<T>(&self, pending: &HashMap<Arc<str>, Pending<T>>) -> bool {
        pending.get(&self.id).is_some_and(|kept| kept.prediction == self.prediction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn join(max_pending: usize, max_age_micros: u64) -> OutcomeJoin<u32> {
        let max_age = Duration::from_micros(max_age_micros);
        OutcomeJoin::new(JoinLimits { max_pending, max_age })
    }

    #[test]
    fn an_outcome_counts_once() {
        let mut join = join(10, 100);
        join.predicted("a".into(), time(0), 1);
        assert_eq!(join.outcome("a", time(1)), Some(1));
        assert_eq!(join.outcome("a", time(2)), None);
        assert_eq!((join.expired(), join.unmatched(), join.pending()), (0, 1, 0));
    }

    #[test]
    fn old_predictions_are_given_up() {
        let mut join = join(10, 100);
        join.predicted("a".into(), time(0), 1);
        join.predicted("b".into(), time(50), 2);
        assert_eq!(join.outcome("a", time(101)), None);
        assert_eq!(join.outcome("b", time(101)), Some(2));
        assert_eq!(join.expired(), 1);
    }

    #[test]
    fn a_repeated_id_replaces_and_keeps_its_new_age() {
        let mut join = join(2, 100);
        join.predicted("a".into(), time(0), 1);
        join.predicted("a".into(), time(90), 2);
        assert_eq!(join.outcome("a", time(150)), Some(2));
        assert_eq!(join.expired(), 0);
    }

    #[test]
    fn memory_is_bounded_by_what_is_pending() {
        let mut join = join(8, 1_000_000);
        for n in 0..10_000 {
            let id: Arc<str> = format!("{n}").into();
            join.predicted(Arc::clone(&id), time(n), 0);
            if n % 3 != 0 {
                join.outcome(&id, time(n));
            }
            assert!(join.pending() <= 8 && join.order.len() <= 40);
        }
        // A third stays out; all but the newest eight were given up.
        assert_eq!(join.expired(), 3334 - 8);
    }

    #[test]
    fn one_id_over_and_over_at_one_time_takes_no_memory() {
        let mut join = join(8, 100);
        for n in 0..1000 {
            join.predicted("a".into(), time(0), n);
            assert!(join.pending() == 1 && join.order.len() <= 20);
        }
        assert_eq!((join.outcome("a", time(0)), join.expired()), (Some(999), 0));
    }
}
