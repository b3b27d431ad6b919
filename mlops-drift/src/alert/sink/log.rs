//! [`LogSink`].

use mlops_core::alert::{Alert, AlertSink, AlertState, Severity};

/// Writes alerts to the log: as errors if they are critical, as warnings or notes if not, and as notes
/// when they end.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSink;

impl AlertSink for LogSink {
    fn raise(&self, alert: &Alert) {
        let Alert { kind, summary, model, labels, .. } = alert;
        let model = model.as_ref().map(ToString::to_string);
        let model = model.as_deref();
        match (alert.state, alert.severity) {
            (AlertState::Resolved, _) => tracing::info!(kind, model, ?labels, "{summary}"),
            (AlertState::Firing, Severity::Critical) => {
                tracing::error!(kind, model, ?labels, "{summary}");
            }
            (AlertState::Firing, Severity::Warning) => {
                tracing::warn!(kind, model, ?labels, "{summary}");
            }
            (AlertState::Firing, Severity::Info) => {
                tracing::info!(kind, model, ?labels, "{summary}");
            }
        }
    }
}
