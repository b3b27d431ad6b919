//! Alerts: from figures to what somebody should act on.
//!
//! An [`AlertMonitor`] judges [`Reading`]s by [`AlertRule`]s and tells
//! [`AlertSink`](mlops_core::alert::AlertSink)s. Each figure has an [`AlertTracker`]: Ok → Pending →
//! Firing → Recovering, with hysteresis between its [`Thresholds`], so that one that hovers about a
//! level is one alert, and a cooldown, so that one that comes and goes is not a storm of them.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::timestamp::Timestamp;
//! use mlops_drift::alert::{AlertMonitor, AlertRule, Bad, LogSink, Reading, Thresholds};
//!
//! # fn main() -> mlops_core::Result<()> {
//! let thresholds = Thresholds::new(Bad::Below, 0.9)?.with_clear(0.92)?;
//! let rules = vec![AlertRule::new("accuracy", thresholds)];
//! let mut alerts = AlertMonitor::new(rules, vec![Arc::new(LogSink)])?;
//! alerts.observe(&Reading::new("accuracy", Some(0.85)), Timestamp::EPOCH)?; // it begins
//! alerts.observe(&Reading::new("accuracy", Some(0.91)), Timestamp::EPOCH)?; // neither bad nor good
//! alerts.observe(&Reading::new("accuracy", Some(0.95)), Timestamp::EPOCH)?; // it ends
//! # Ok(())
//! # }
//! ```
//!
//! | sink | cargo feature | |
//! | --- | --- | --- |
//! | [`LogSink`] | | writes to the log |
//! | [`ChannelSink`] | | hands alerts to a thread of the host's |
//! | `WebhookSink` | `webhook` | posts them: as JSON, to Slack, to Alertmanager, or by a template |
//! | `AlertMetrics` | `prometheus` | gauges of figures and alerts in the caller's registry |

mod group;
mod monitor;
mod rule;
mod sink;
mod thresholds;
mod tracker;

#[cfg(feature = "prometheus")]
pub use self::sink::AlertMetrics;
#[cfg(feature = "webhook")]
pub use self::sink::{WebhookBuilder, WebhookFormat, WebhookOptions, WebhookSink, WebhookStats};
pub use self::{
    monitor::{AlertMonitor, Reading},
    rule::{AlertRule, Grouping},
    sink::{ChannelSink, LogSink},
    thresholds::{Bad, Judgement, Thresholds},
    tracker::{AlertTracker, Notice, Phase, TrackerOptions},
};
