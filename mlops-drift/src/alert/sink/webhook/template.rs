//! [`Template`]: a body as the host writes it.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};
use mlops_core::{
    Error, Result,
    alert::{Alert, AlertState, Severity},
    model::ModelId,
    timestamp::Timestamp,
};
use serde::{Serialize, de::IgnoredAny};

use super::format::key;

/// A template that has been tried.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
    source: String,
    content_type: String,
}

/// What a template knows.
#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    alert: &'a Alert,
    at: String,
    key: String,
}

/// Steps that a template may take: thousands of lines' worth, and an end for one that goes round in circles.
const FUEL: u64 = 1_000_000;

impl Template {
    /// # Errors
    /// [`Error::InvalidArgument`] that says where it is wrong.
    pub(super) fn new(source: &str, content_type: &str) -> Result<Self> {
        if content_type.is_empty() || !content_type.bytes().all(|byte| (32..127).contains(&byte)) {
            let reason = format!("`{content_type}` is not a media type");
            return Err(Error::invalid("webhook content type", reason));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let template =
            Self { environment, source: source.into(), content_type: content_type.into() };
        for alert in samples()? {
            template.body(&alert)?;
        }
        Ok(template)
    }

    pub(super) fn content_type(&self) -> &str {
        &self.content_type
    }

    pub(super) fn body(&self, alert: &Alert) -> Result<Vec<u8>> {
        let is_json = self.is_json();
        // The name's ending says how what is put in is written.
        let name = if is_json { "alert.json" } else { "alert.txt" };
        let context = Context { alert, at: alert.time.to_string(), key: key(alert) };
        let invalid = |reason: &dyn std::fmt::Display| Error::invalid("webhook template", reason);
        let body = self
            .environment
            .render_named_str(name, &self.source, context)
            .map_err(|error| invalid(&format_args!("{error:#}")))?;
        if is_json && let Err(error) = serde_json::from_str::<IgnoredAny>(&body) {
            return Err(invalid(&format_args!("what it becomes is not JSON: {error}")));
        }
        Ok(body.into_bytes())
    }

    fn is_json(&self) -> bool {
        let media_type = self.content_type.split(';').next().unwrap_or_default().trim();
        media_type == "application/json" || media_type.ends_with("+json")
    }
}

/// Alerts with everything and with nothing that one can be without.
fn samples() -> Result<[Alert; 2]> {
    let begins = Alert {
        kind: "feature_drift".into(),
        severity: Severity::Warning,
        state: AlertState::Firing,
        summary: "`feature_drift` is \"0.2\", above 0.1".into(),
        model: Some(ModelId::new("digits".parse()?, "1".parse()?)),
        labels: BTreeMap::from([("feature".to_owned(), "age".to_owned())]),
        value: Some(0.2),
        threshold: Some(0.1),
        time: Timestamp::EPOCH,
    };
    let ends = Alert {
        state: AlertState::Resolved,
        model: None,
        labels: BTreeMap::new(),
        value: None,
        threshold: None,
        ..begins.clone()
    };
    Ok([begins, ends])
}
