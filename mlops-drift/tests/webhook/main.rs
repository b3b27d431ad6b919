//! Alerts over HTTP, to a server that misbehaves in every way.
#![cfg(feature = "webhook")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod delivery;
mod formats;
mod refusals;
mod server;
mod shutdown;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mlops_core::{
    alert::{Alert, AlertState, Severity},
    model::ModelId,
    random::RandomKey,
    testing::clock::ManualClock,
    timestamp::Timestamp,
};
use mlops_drift::alert::{WebhookFormat, WebhookOptions, WebhookSink};

use self::server::Server;

/// An alert that begins.
fn alert(kind: &str) -> Alert {
    Alert {
        kind: kind.into(),
        severity: Severity::Warning,
        state: AlertState::Firing,
        summary: format!("`{kind}` is 0.2, above 0.1"),
        model: Some(ModelId::new("m".parse().unwrap(), "3".parse().unwrap())),
        labels: BTreeMap::from([("feature".to_owned(), "age".to_owned())]),
        value: Some(0.2),
        threshold: Some(0.1),
        time: Timestamp::from_micros(1_500_000),
    }
}

fn options() -> WebhookOptions {
    // Back-off is in the time of a manual clock, so that it may be long.
    WebhookOptions::default()
        .with_delays(Duration::from_secs(100), Duration::from_secs(1000))
        .with_max_attempts(3)
}

fn start(server: &Server, options: WebhookOptions) -> (WebhookSink, Arc<ManualClock>) {
    start_at(server.url(), options)
}

fn start_at(url: String, options: WebhookOptions) -> (WebhookSink, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    let sink = WebhookSink::builder(url, options)
        .bearer_token("s3cret")
        .header("x-team", "drift")
        .clock(Arc::<ManualClock>::clone(&clock))
        .random(RandomKey::from_seed(1))
        .start();
    (sink.unwrap(), clock)
}

fn with_format(format: WebhookFormat) -> WebhookOptions {
    options().with_format(format)
}
