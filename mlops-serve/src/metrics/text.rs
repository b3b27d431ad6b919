//! Metrics as text.

use prometheus_client::{encoding::text, registry::Registry};

/// A text form of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' classic form, `text/plain; version=0.0.4`: what `promtool check metrics` reads.
    Classic,
    /// OpenMetrics 1.0, with exemplars and units.
    OpenMetrics,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes every metric of a registry.
#[must_use]
pub fn encode(registry: &Registry, format: Format) -> String {
    let mut open_metrics = String::new();
    let written = text::encode(&mut open_metrics, registry);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    match format {
        Format::OpenMetrics => open_metrics,
        Format::Classic => classic(&open_metrics),
    }
}

/// OpenMetrics text in the classic form: counters are named `_total` in their head too, `info` is a
/// gauge, `unknown` is `untyped`, and units, exemplars and the end mark do not exist.
fn classic(open_metrics: &str) -> String {
    let mut classic = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            // The type, which decides the name, is on the next line.
            let kind = lines.peek().and_then(|next| next.strip_prefix("# TYPE "));
            let kind = kind.and_then(|next| next.rsplit(' ').next()).unwrap_or_default();
            let (name, help) = head.split_once(' ').unwrap_or((head, ""));
            push(&mut classic, &["# HELP ", name, suffix(kind), " ", help]);
        } else if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.rsplit_once(' ').unwrap_or((head, "untyped"));
            let classic_kind = match kind {
                "info" | "stateset" => "gauge",
                "unknown" => "untyped",
                other => other,
            };
            push(&mut classic, &["# TYPE ", name, suffix(kind), " ", classic_kind]);
        } else if !line.starts_with('#') {
            push(&mut classic, &[without_exemplar(line)]);
        }
    }
    classic
}

fn push(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
    out.push('\n');
}

/// What the samples of this kind of metric have behind the name in the head.
fn suffix(kind: &str) -> &'static str {
    match kind {
        "counter" => "_total",
        "info" => "_info",
        _ => "",
    }
}

/// A sample without its exemplar, which follows a ` # ` outside of label values.
fn without_exemplar(sample: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in sample.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return sample[..index].trim_end(),
            _ => {}
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::{
        counter::Counter, exemplar::HistogramWithExemplars, family::Family, gauge::Gauge,
        info::Info,
    };
    use prometheus_client::registry::Unit;

    use super::*;

    fn registry() -> Registry {
        let mut registry = Registry::default();
        let requests = Family::<[(&'static str, String); 1], Counter>::default();
        requests.get_or_create(&[("path", "a \" # {b} \\".into())]).inc();
        registry.register("requests", "Requests", requests);
        registry.register("depth", "Depth", Gauge::<i64>::default());
        registry.register("build", "Build", Info::new([("version", "1")]));
        let wait = HistogramWithExemplars::<[(&'static str, &'static str); 1]>::new(
            [1.0, 2.0].into_iter(),
        );
        wait.observe(1.5, Some([("trace_id", "abc")]), None);
        registry.register_with_unit("wait", "Wait", Unit::Seconds, wait);
        registry
    }

    #[test]
    fn the_classic_form() {
        let expected = r#"# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{path="a \" # {b} \\"} 1
# HELP depth Depth.
# TYPE depth gauge
depth 0
# HELP build_info Build.
# TYPE build_info gauge
build_info{version="1"} 1
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_sum 1.5
wait_seconds_count 1
wait_seconds_bucket{le="1.0"} 0
wait_seconds_bucket{le="2.0"} 1
wait_seconds_bucket{le="+Inf"} 1
"#;
        assert_eq!(encode(&registry(), Format::Classic), expected);
    }

    #[test]
    fn open_metrics_keeps_exemplars_and_ends() {
        let text = encode(&registry(), Format::OpenMetrics);
        assert!(text.contains("# {trace_id=\"abc\"} 1.5") && text.ends_with("# EOF\n"), "{text}");
    }
}
