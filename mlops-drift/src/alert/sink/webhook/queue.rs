//! [`AlertQueue`]: alerts that wait, within bounds.

use std::collections::VecDeque;

use mlops_core::alert::Alert;

/// Alerts in the order in which they came, at most so many and so many bytes of them.
#[derive(Debug)]
pub(super) struct AlertQueue {
    alerts: VecDeque<(Alert, usize)>,
    bytes: usize,
    max_alerts: usize,
    max_bytes: usize,
}

impl AlertQueue {
    pub(super) fn new(max_alerts: usize, max_bytes: usize) -> Self {
        Self { alerts: VecDeque::new(), bytes: 0, max_alerts, max_bytes }
    }

    /// Adds an alert, in place of the oldest ones if there is no room. Says how many are lost: itself, if it
    /// is larger than the whole queue.
    pub(super) fn push(&mut self, alert: &Alert) -> u64 {
        let size = size_bytes(alert);
        if size > self.max_bytes {
            return 1;
        }
        let mut lost = 0;
        while self.alerts.len() >= self.max_alerts || self.bytes + size > self.max_bytes {
            self.pop();
            lost += 1;
        }
        self.bytes += size;
        self.alerts.push_back((alert.clone(), size));
        lost
    }

    /// Takes the oldest alert out.
    pub(super) fn pop(&mut self) -> Option<Alert> {
        let (alert, size) = self.alerts.pop_front()?;
        self.bytes -= size;
        Some(alert)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.alerts.len()
    }
}

/// About how much memory an alert takes.
fn size_bytes(alert: &Alert) -> usize {
    let labels =
        alert.labels.iter().map(|(name, value)| 2 * size_of::<String>() + name.len() + value.len());
    let model = alert.model.as_ref().map_or(0, |model| model.name.as_str().len());
    size_of::<Alert>() + alert.kind.len() + alert.summary.len() + model + labels.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mlops_core::{
        alert::{AlertState, Severity},
        timestamp::Timestamp,
    };
    use proptest::prelude::*;

    use super::*;

    fn alert(summary: &str) -> Alert {
        Alert {
            kind: "drift".into(),
            severity: Severity::Warning,
            state: AlertState::Firing,
            summary: summary.into(),
            model: None,
            labels: BTreeMap::new(),
            value: None,
            threshold: None,
            time: Timestamp::EPOCH,
        }
    }

    #[test]
    fn the_newest_stay() {
        let mut queue = AlertQueue::new(3, 1 << 20);
        let lost: u64 = (0..5).map(|index| queue.push(&alert(&index.to_string()))).sum();
        let left: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|alert| alert.summary).collect();
        assert_eq!((lost, left), (2, vec!["2".to_owned(), "3".to_owned(), "4".to_owned()]));
    }

    #[test]
    fn an_alert_larger_than_the_queue_drops_itself_only() {
        let mut queue = AlertQueue::new(3, 1000);
        assert_eq!((queue.push(&alert("small")), queue.push(&alert(&"x".repeat(1000)))), (0, 1));
        assert_eq!(queue.pop().map(|alert| alert.summary).as_deref(), Some("small"));
    }

    proptest! {
        /// What comes out and what is lost is what went in; the bounds hold, and bytes are given back.
        #[test]
        fn nothing_is_lost_uncounted(
            steps in prop::collection::vec(prop::option::of(0..600_usize), 0..100),
        ) {
            let mut queue = AlertQueue::new(4, 1500);
            let (mut pushed, mut popped, mut lost) = (0, 0, 0);
            for step in steps {
                match step {
                    Some(length) => {
                        lost += queue.push(&alert(&"x".repeat(length)));
                        pushed += 1;
                    }
                    None => popped += u64::from(queue.pop().is_some()),
                }
                prop_assert!(queue.len() <= 4 && queue.bytes <= 1500);
                prop_assert_eq!(pushed, popped + lost + queue.len() as u64);
            }
            while queue.pop().is_some() {}
            prop_assert_eq!(queue.bytes, 0);
        }
    }
}
