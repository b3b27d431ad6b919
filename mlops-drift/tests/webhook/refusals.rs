//! What cannot be is refused, and secrets are not shown.

use std::time::Duration;

use mlops_core::Error;
use mlops_drift::alert::{WebhookFormat, WebhookOptions, WebhookSink};

use super::{
    options,
    server::{OK, Server},
    start, with_format,
};

const URL: &str = "http://127.0.0.1:1/s3cret";

#[track_caller]
fn refused(result: Result<WebhookSink, Error>, named: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    let text = error.report();
    assert!(text.contains(named) && !text.contains("s3cret"), "{text}");
}

#[test]
fn addresses() {
    for (url, named) in [
        ("", "URL"),
        ("s3cret", "http"),
        ("/s3cret", "http"),
        ("ftp://host/s3cret", "http"),
        ("http:///s3cret", "URL"),
        ("http://user:s3cret@host/", "header"),
        ("http://host /s3cret", "URL"),
    ] {
        refused(WebhookSink::builder(url, options()).start(), named);
    }
}

#[test]
fn headers() {
    for (name, value, named) in [
        ("", "s3cret", "name"),
        ("a b", "s3cret", "name"),
        ("x", "s3cret\r\ny: z", "characters"),
        ("Content-Type", "s3cret", "sets it"),
        ("host", "s3cret", "sets it"),
    ] {
        refused(WebhookSink::builder(URL, options()).header(name, value).start(), named);
    }
    refused(WebhookSink::builder(URL, options()).bearer_token("s3cret\n").start(), "authorization");
}

#[test]
fn limits() {
    let (none, second) = (Duration::ZERO, Duration::from_secs(1));
    for (options, named) in [
        (options().with_queue(0, 1), "max_alerts"),
        (options().with_queue(1, 0), "max_bytes"),
        (options().with_max_attempts(0), "max_attempts"),
        (options().with_timeouts(none, second), "connect_timeout"),
        (options().with_timeouts(second, none), "request_timeout"),
        (options().with_delays(second, Duration::MAX), "max_delay"),
        (options().with_max_retry_after(Duration::MAX), "max_retry_after"),
        (with_format(WebhookFormat::Alertmanager { lasts: none }), "lasts"),
    ] {
        refused(WebhookSink::builder(URL, options).start(), named);
    }
    let options = r#"{"format":"slack","max_alerts":7}"#;
    let options: WebhookOptions = serde_json::from_str(options).unwrap();
    assert_eq!((options.max_alerts, options.max_attempts), (7, 5));
    assert!(serde_json::from_str::<WebhookOptions>(r#"{"url":"x"}"#).is_err());
}

#[test]
fn templates() {
    for (template, content_type, named) in [
        ("{{ kind", "text/plain", "alert.txt"),
        ("{{ nonsense }}", "text/plain", "undefined"),
        ("{{ model.name }}", "text/plain", "undefined"),
        ("{{ kind }", "text/plain", "syntax"),
        (r#"{"text": "{{ summary }}"}"#, "application/json", "not JSON"),
        ("{{ summary }} and more", "application/vnd.x+json; charset=utf-8", "not JSON"),
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "text/plain",
            "fuel",
        ),
        ("{{ kind }}", "", "media type"),
        ("{{ kind }}", "text/plain\r\nx: y", "media type"),
    ] {
        let format =
            WebhookFormat::Custom { template: template.into(), content_type: content_type.into() };
        refused(WebhookSink::builder(URL, with_format(format)).start(), named);
    }
}

#[test]
fn secrets_are_not_shown() {
    let builder = WebhookSink::builder(URL, options()).bearer_token("s3cret");
    assert!(!format!("{builder:?}").contains("s3cret"));
    let server = Server::start(vec![OK]);
    let (sink, _) = start(&server, options());
    let shown = format!("{sink:?}");
    assert!(shown.contains("http://127.0.0.1:") && shown.contains("sent: 0"), "{shown}");
    assert!(!shown.contains("s3cret") && !shown.contains("T0KEN"), "{shown}");
}
