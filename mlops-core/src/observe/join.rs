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
    pending: HashMap<Arc<str>, (Timestamp, T)>,
    /// Ids in the order they came. Holds ids that are no longer pending until they reach the front.
    order: VecDeque<(Timestamp, Arc<str>)>,
    expired: u64,
    unmatched: u64,
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
        Self { limits, pending: HashMap::new(), order: VecDeque::new(), expired: 0, unmatched: 0 }
    }

    /// Takes note of a prediction. A second one of the same id replaces the first.
    pub fn predicted(&mut self, request_id: Arc<str>, at: Timestamp, value: T) {
        self.expire(at);
        self.pending.insert(Arc::clone(&request_id), (at, value));
        self.order.push_back((at, request_id));
        while self.pending.len() > self.limits.max_pending {
            self.drop_oldest();
        }
        // Ids that were answered or replaced wait in `order` for their turn: keep them few.
        if self.order.len() > 2 * self.pending.len() + 16 {
            let pending = &self.pending;
            self.order.retain(|(at, id)| pending.get(id).is_some_and(|(kept, _)| kept == at));
        }
    }

    /// The value of the prediction this outcome is about, once; `None` if it never came or is gone.
    pub fn outcome(&mut self, request_id: &str, at: Timestamp) -> Option<T> {
        self.expire(at);
        let found = self.pending.remove(request_id).map(|(_, value)| value);
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
        while self.order.front().is_some_and(|(at, _)| *at < horizon) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((at, id)) = self.order.pop_front()
            && self.pending.get(&id).is_some_and(|(kept, _)| *kept == at)
        {
            self.pending.remove(&id);
            self.expired += 1;
        }
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
}
