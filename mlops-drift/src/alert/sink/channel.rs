//! [`ChannelSink`].

use std::sync::{
    atomic::{AtomicU64, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use mlops_core::alert::{Alert, AlertSink};

/// Hands alerts to whoever receives them, on a thread of theirs; never waits for them.
#[derive(Debug)]
pub struct ChannelSink {
    alerts: SyncSender<Alert>,
    lost: AtomicU64,
}

impl ChannelSink {
    /// A sink that keeps so many alerts that nobody has received yet.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, Receiver<Alert>) {
        let (alerts, receiver) = sync_channel(capacity.max(1));
        (Self { alerts, lost: AtomicU64::new(0) }, receiver)
    }

    /// How many alerts found no room, or nobody to receive them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl AlertSink for ChannelSink {
    fn raise(&self, alert: &Alert) {
        if self.alerts.try_send(alert.clone()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}
