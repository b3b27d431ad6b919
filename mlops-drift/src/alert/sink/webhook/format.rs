//! [`WebhookFormat`]: what a post looks like.

use std::{collections::BTreeMap, time::Duration};

use mlops_core::{
    Digest, Error, Result,
    alert::{Alert, AlertState, Severity},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::template::Template;
use crate::alert::sink::own_labels::own_labels;

/// What a [`WebhookSink`](super::WebhookSink) posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum WebhookFormat {
    /// The [`Alert`] as it is, as JSON; its `time` is in microseconds since the epoch.
    #[default]
    Json,
    /// A message to an incoming webhook of Slack, or of what understands the same, such as Mattermost.
    Slack,
    /// Alerts of Prometheus' Alertmanager, for its `/api/v2/alerts`.
    ///
    /// The kind is the label `alertname`; `severity`, `model` and `version` are labels too, and those of the
    /// alert; where Prometheus does not allow a character in a name, or the name is one of these, with a `_` in
    /// place or in front of it. As each severity is an
    /// alert of its own there, all three are posted: the one that holds, and that the others do not.
    Alertmanager {
        /// When an alert that holds ends by itself. Alertmanager would end it after its `resolve_timeout`, five
        /// minutes, unless it is told again; this is longer than the
        /// [`repeat`](crate::alert::TrackerOptions::repeat) of the rules, or than alerts last.
        lasts: Duration,
    },
    /// A template of the body in the language of `minijinja` (Jinja2).
    ///
    /// It knows the fields of [`Alert`] by their names, `at` (its time by RFC 3339) and `key` (what the alert
    /// is known by as long as it lasts: the same when it begins, becomes worse and ends). In JSON, what is
    /// put in is written as JSON, strings with their quotes: `{"text": {{ summary }}}`. A name that is not
    /// known is an error, which [`start`](super::WebhookBuilder::start) finds by trying it.
    Custom {
        /// The template.
        template: String,
        /// The media type of what it becomes, such as `application/json`.
        content_type: String,
    },
}

impl WebhookFormat {
    /// For Alertmanager, with alerts that end by themselves after a day.
    #[must_use]
    pub fn alertmanager() -> Self {
        Self::Alertmanager { lasts: Duration::from_secs(24 * 60 * 60) }
    }
}

/// A format that is ready to write.
#[derive(Debug)]
pub(super) enum Writer {
    Json,
    Slack,
    Alertmanager { lasts: Duration },
    Custom(Box<Template>),
}

impl Writer {
    /// # Errors
    /// [`Error::InvalidArgument`] for a template that cannot be read or written, a media type that cannot be
    /// a header, or alerts that end as they begin.
    pub(super) fn new(format: &WebhookFormat) -> Result<Self> {
        Ok(match format {
            WebhookFormat::Json => Self::Json,
            WebhookFormat::Slack => Self::Slack,
            WebhookFormat::Alertmanager { lasts } if lasts.is_zero() => {
                return Err(Error::invalid("webhook format", "`lasts` is 0"));
            }
            WebhookFormat::Alertmanager { lasts } => Self::Alertmanager { lasts: *lasts },
            WebhookFormat::Custom { template, content_type } => {
                Self::Custom(Box::new(Template::new(template, content_type)?))
            }
        })
    }

    pub(super) fn content_type(&self) -> &str {
        match self {
            Self::Custom(template) => template.content_type(),
            _ => "application/json",
        }
    }

    /// The body of the post that tells of this alert.
    pub(super) fn body(&self, alert: &Alert) -> Result<Vec<u8>> {
        let value = match self {
            Self::Json => serde_json::to_value(alert),
            Self::Slack => Ok(slack(alert)),
            Self::Alertmanager { lasts } => Ok(alertmanager(alert, *lasts)),
            Self::Custom(template) => return template.body(alert),
        };
        value
            .and_then(|value| serde_json::to_vec(&value))
            .map_err(|error| Error::backend("json", error))
    }
}

/// What an alert is known by as long as it lasts.
pub(super) fn key(alert: &Alert) -> String {
    let Alert { kind, model, labels, .. } = alert;
    digest(&(kind, model, labels))
}

/// What one post is known by: the same each time it is sent.
pub(super) fn post_key(alert: &Alert) -> String {
    digest(&(key(alert), alert.severity, alert.state, alert.time))
}

fn digest(of: &impl Serialize) -> String {
    // Maps have strings as keys and numbers are integers: nothing in it has no JSON.
    let json = serde_json::to_vec(of).unwrap_or_default();
    let mut hex = Digest::of(&json).to_hex();
    hex.truncate(32);
    hex
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn slack(alert: &Alert) -> Value {
    let (what, color) = match (alert.state, alert.severity) {
        (AlertState::Resolved, _) => ("Resolved".to_owned(), "good"),
        (AlertState::Firing, Severity::Critical) => ("Critical".to_owned(), "danger"),
        (AlertState::Firing, Severity::Warning) => ("Warning".to_owned(), "warning"),
        (AlertState::Firing, Severity::Info) => ("Info".to_owned(), "#439FE0"),
    };
    let about = alert.model.as_ref().map(|model| format!(" of {model}")).unwrap_or_default();
    let field = |name: &str, value: &str| json!({ "title": escape(name), "value": escape(value), "short": true });
    let fields = alert.labels.iter().map(|(name, value)| field(name, value));
    json!({
        "text": escape(&format!("{what}: {}{about}", alert.kind)),
        "attachments": [{
            "color": color,
            "text": escape(&alert.summary),
            "fields": fields.collect::<Vec<_>>(),
            "ts": alert.time.as_micros() / 1_000_000,
        }],
    })
}

/// The three characters that mean something else in a message of Slack's.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn alertmanager(alert: &Alert, lasts: Duration) -> Value {
    let mut labels: BTreeMap<_, _> = own_labels(&alert.labels).into_iter().collect();
    labels.insert("alertname".into(), alert.kind.clone());
    if let Some(model) = &alert.model {
        labels.insert("model".into(), model.name.to_string());
        labels.insert("version".into(), model.version.to_string());
    }
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let mut annotations = BTreeMap::from([("summary", alert.summary.clone())]);
    annotations.extend(number(alert.value).map(|value| ("value", value)));
    annotations.extend(number(alert.threshold).map(|value| ("threshold", value)));
    let alerts = [Severity::Info, Severity::Warning, Severity::Critical].map(|of| {
        let mut labels = labels.clone();
        labels.insert("severity".into(), severity(of).into());
        if alert.state == AlertState::Firing && alert.severity == of {
            json!({
                "labels": labels,
                "annotations": annotations,
                "startsAt": alert.time.to_string(),
                "endsAt": alert.time.saturating_add(lasts).to_string(),
            })
        } else {
            // When it began, Alertmanager knows.
            json!({
                "labels": labels,
                "annotations": annotations,
                "endsAt": alert.time.to_string(),
            })
        }
    });
    Value::from(alerts.to_vec())
}
