//! What a post looks like.

use std::time::Duration;

use mlops_core::alert::{Alert, AlertSink, AlertState, Severity};
use mlops_drift::alert::WebhookFormat;
use serde_json::{Value, json};

use super::{
    alert,
    server::{OK, Request, Server},
    start, with_format,
};

fn posted(format: WebhookFormat, alerts: &[Alert]) -> Vec<Request> {
    let server = Server::start(vec![OK]);
    let (sink, _) = start(&server, with_format(format));
    alerts.iter().for_each(|alert| sink.raise(alert));
    sink.shutdown(Duration::from_secs(10)).unwrap();
    server.requests.try_iter().collect()
}

fn custom(template: &str, content_type: &str) -> WebhookFormat {
    WebhookFormat::Custom { template: template.into(), content_type: content_type.into() }
}

#[test]
fn slack() {
    let begins = Alert { summary: "a < b & c > d".into(), ..alert("drift") };
    let ends = Alert { state: AlertState::Resolved, model: None, ..alert("drift") };
    let posts = posted(WebhookFormat::Slack, &[begins, ends]);
    let expected = json!({
        "text": "Warning: drift of m/3",
        "attachments": [{
            "color": "warning",
            "text": "a &lt; b &amp; c &gt; d",
            "fields": [{ "title": "feature", "value": "age", "short": true }],
            "ts": 1,
        }],
    });
    assert_eq!(posts[0].json(), expected);
    assert_eq!(posts[1].json()["text"], "Resolved: drift");
    assert_eq!(posts[1].json()["attachments"][0]["color"], "good");
}

/// Severity and whether it holds, of each alert of a post.
fn severities(post: &Value) -> Vec<(String, bool)> {
    let holds = |alert: &Value| alert.get("startsAt").is_some();
    let severity = |alert: &Value| alert["labels"]["severity"].as_str().unwrap().to_owned();
    post.as_array().unwrap().iter().map(|alert| (severity(alert), holds(alert))).collect()
}

#[test]
fn alertmanager() {
    let worse = Alert { severity: Severity::Critical, ..alert("drift") };
    let ends = Alert { state: AlertState::Resolved, value: None, ..worse.clone() };
    let lasts = Duration::from_secs(60);
    let posts = posted(WebhookFormat::Alertmanager { lasts }, &[alert("drift"), worse, ends]);
    let posts: Vec<_> = posts.iter().map(Request::json).collect();
    let begins = json!({
        "labels": {
            "alertname": "drift", "feature": "age", "model": "m", "severity": "warning",
            "version": "3",
        },
        "annotations": {
            "summary": "`drift` is 0.2, above 0.1", "value": "0.2", "threshold": "0.1",
        },
        "startsAt": "1970-01-01T00:00:01.500000Z",
        "endsAt": "1970-01-01T00:01:01.500000Z",
    });
    assert_eq!(posts[0][1], begins);
    assert_eq!(posts[2][1]["endsAt"], "1970-01-01T00:00:01.500000Z");
    assert_eq!(posts[2][1]["labels"], begins["labels"]);
    assert_eq!(posts[2][1]["annotations"].get("value"), None);
    let of = |firing: Option<&str>| {
        ["info", "warning", "critical"].map(|name| (name.to_owned(), firing == Some(name))).to_vec()
    };
    let expected = [Some("warning"), Some("critical"), None].map(of);
    assert_eq!(posts.iter().map(severities).collect::<Vec<_>>(), expected);
}

#[test]
fn templates_write_json() {
    let template = r#"{"routing_key": "R", "event_action":
        {% if state == "firing" %}"trigger"{% else %}"resolve"{% endif %}, "dedup_key": {{ key }},
        "at": {{ at }}, "text": {{ summary }}, "model": {{ model.name if model else "none" }},
        "labels": {{ labels }}, "value": {{ value }}}"#;
    let ends = Alert { state: AlertState::Resolved, ..alert("drift") };
    let other =
        Alert { summary: "\"quoted\"\n".into(), model: None, value: None, ..alert("drift") };
    let posts = posted(custom(template, "application/json"), &[alert("drift"), ends, other]);
    assert_eq!(posts[0].headers["content-type"], "application/json");
    let [begins, ends, other] = [&posts[0], &posts[1], &posts[2]].map(Request::json);
    assert_eq!(begins["event_action"], "trigger");
    assert_eq!(begins["at"], "1970-01-01T00:00:01.500000Z");
    assert_eq!((&begins["labels"]["feature"], &begins["value"]), (&json!("age"), &json!(0.2)));
    // One alert as long as it lasts, and different posts.
    assert_eq!(
        (&ends["event_action"], &ends["dedup_key"]),
        (&json!("resolve"), &begins["dedup_key"])
    );
    assert_ne!(posts[0].headers["idempotency-key"], posts[1].headers["idempotency-key"]);
    assert_eq!((&other["text"], &other["model"]), (&json!("\"quoted\"\n"), &json!("none")));
    assert_eq!(other["value"], Value::Null);
    assert_ne!(other["dedup_key"], begins["dedup_key"]);
}

#[test]
fn templates_write_text() {
    let posts = posted(
        custom("{{ severity }}: {{ summary }}", "text/plain; charset=utf-8"),
        &[alert("größe")],
    );
    assert_eq!(posts[0].headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(posts[0].body, "warning: `größe` is 0.2, above 0.1");
}

#[test]
fn an_alert_that_cannot_be_written_has_failed() {
    // It works for the samples that the sink tries it with.
    let template = r#"{% if kind == "odd" %}{{ nothing }}{% endif %}"#;
    let server = Server::start(vec![OK]);
    let (sink, _) = start(&server, with_format(custom(template, "text/plain")));
    sink.raise(&alert("odd"));
    sink.raise(&alert("drift"));
    sink.shutdown(Duration::from_secs(10)).unwrap();
    assert_eq!((sink.stats().sent, sink.stats().failed), (1, 1));
}

#[test]
fn formats_are_read_from_json() {
    let text = r#"{"custom":{"template":"{{ kind }}","content_type":"text/plain"}}"#;
    let format: WebhookFormat = serde_json::from_str(text).unwrap();
    assert_eq!(format, custom("{{ kind }}", "text/plain"));
    let format: WebhookFormat = serde_json::from_str(r#""slack""#).unwrap();
    assert_eq!(format, WebhookFormat::Slack);
}
