//! Index for index what river finds.

use mlops_drift::online::{
    Adwin, AdwinOptions, ChangeDetector, Ddm, DdmOptions, Eddm, EddmOptions, HddmA, HddmAOptions,
    HddmW, HddmWOptions, Kswin, KswinOptions, PageHinkley, PageHinkleyOptions, Signal,
    cusum_average_run_length,
};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::streams::Stream;

/// What `make_golden.py` wrote.
#[derive(Deserialize)]
struct Golden {
    river: String,
    streams: BTreeMap<String, Stream>,
    cases: Vec<Case>,
    kolmogorov_smirnov: Vec<Comparison>,
    run_lengths: Vec<RunLength>,
}

#[derive(Deserialize)]
struct Case {
    stream: String,
    #[serde(flatten)]
    options: Options,
    /// Where river finds a change.
    changes: Vec<usize>,
    /// Where it has a warning and no change: first and one past the last, of each run of them.
    warnings: Vec<(usize, usize)>,
    /// Figures of river's detector after the last value.
    #[serde(rename = "final")]
    at_end: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(tag = "detector", content = "options", rename_all = "snake_case")]
enum Options {
    Adwin(AdwinOptions),
    Ddm(DdmOptions),
    Eddm(EddmOptions),
    HddmA(HddmAOptions),
    HddmW(HddmWOptions),
    Kswin(KswinOptions),
    PageHinkley(PageHinkleyOptions),
}

#[derive(Deserialize)]
struct Comparison {
    stream: String,
    window: u32,
    recent: u32,
    /// The last value of the window.
    index: usize,
    statistic: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct RunLength {
    threshold: f64,
    slack: f64,
    length: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

/// Where there was a change, and where a warning.
fn signals(detector: &mut impl ChangeDetector, values: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let signals: Vec<Signal> = values.iter().map(|value| detector.update(*value)).collect();
    let find = |wanted| (0..signals.len()).filter(|&n| signals[n] == wanted).collect();
    assert!(!signals.contains(&Signal::Ignored));
    (find(Signal::Change), find(Signal::Warning))
}

fn check<D: ChangeDetector>(
    case: &Case,
    values: &[f64],
    mut detector: D,
    figure: impl Fn(&D, &str) -> f64,
) {
    let (changes, warnings) = signals(&mut detector, values);
    let name = format!("{} {detector:?}", case.stream);
    assert_eq!(changes, case.changes, "{name}");
    let expected: Vec<usize> = case.warnings.iter().flat_map(|&(from, to)| from..to).collect();
    assert_eq!(warnings, expected, "{name}");
    for (what, expected) in &case.at_end {
        let actual = figure(&detector, what);
        assert!(
            (actual - expected).abs() <= 1e-12 * expected.abs().max(1.0),
            "{what} is {actual}, not {expected}: {name}"
        );
    }
}

#[test]
fn every_detector_is_rivers() {
    let golden = golden();
    assert_eq!(golden.river, "0.23.0");
    let mut detections = BTreeMap::<&str, usize>::new();
    for case in &golden.cases {
        let values = golden.streams[&case.stream].values();
        let name = match &case.options {
            Options::Adwin(options) => {
                check(
                    case,
                    &values,
                    options.clone().build().unwrap(),
                    |d: &Adwin, what| match what {
                        "width" => d.width() as f64,
                        "mean" => d.mean(),
                        "variance" => d.variance(),
                        _ => panic!("unknown figure {what}"),
                    },
                );
                "adwin"
            }
            Options::Ddm(options) => {
                check(case, &values, options.clone().build().unwrap(), |d: &Ddm, _| d.error_rate());
                "ddm"
            }
            Options::Eddm(options) => {
                check(case, &values, options.clone().build().unwrap(), |d: &Eddm, _| {
                    d.mean_distance()
                });
                "eddm"
            }
            Options::HddmA(options) => {
                check(case, &values, options.clone().build().unwrap(), |d: &HddmA, _| d.mean());
                "hddm_a"
            }
            Options::HddmW(options) => {
                check(case, &values, options.clone().build().unwrap(), |d: &HddmW, _| d.mean());
                "hddm_w"
            }
            Options::Kswin(options) => {
                check(
                    case,
                    &values,
                    options.clone().build().unwrap(),
                    |d: &Kswin, what| match what {
                        "p_value" => d.p_value().unwrap(),
                        _ => panic!("unknown figure {what}"),
                    },
                );
                "kswin"
            }
            Options::PageHinkley(options) => {
                check(case, &values, options.clone().build().unwrap(), |_: &PageHinkley, what| {
                    panic!("unknown figure {what}")
                });
                "page_hinkley"
            }
        };
        *detections.entry(name).or_default() += case.changes.len();
    }
    // Agreeing that there is nothing would prove little.
    assert_eq!(detections.len(), 7);
    assert!(detections.values().all(|&count| count >= 20), "{detections:?}");
}

#[test]
fn kswin_has_the_statistic_and_the_p_value_of_scipy() {
    let golden = golden();
    assert!(golden.kolmogorov_smirnov.len() > 100);
    for case in &golden.kolmogorov_smirnov {
        let values = golden.streams[&case.stream].values();
        let options = KswinOptions::default().with_sizes(case.window, case.recent).with_alpha(1e-9);
        let mut detector = options.build().unwrap();
        let first = case.index + 1 - case.window as usize;
        signals(&mut detector, &values[first..=case.index]);
        let (statistic, p_value) = (detector.statistic().unwrap(), detector.p_value().unwrap());
        assert!((statistic - case.statistic).abs() < 1e-12, "{statistic} {}", case.statistic);
        assert!(
            (p_value - case.p_value).abs() <= 1e-9 * case.p_value,
            "{p_value}, not {}: {} {}",
            case.p_value,
            case.stream,
            case.index
        );
    }
}

#[test]
fn run_lengths_are_those_of_a_finer_rule() {
    for RunLength { threshold, slack, length } in golden().run_lengths {
        let direction = mlops_drift::online::Direction::Up;
        let actual = cusum_average_run_length(threshold, slack, direction).unwrap();
        let tolerance = 1e-10 + 1e-13 * length;
        assert!(
            (actual / length - 1.0).abs() < tolerance,
            "{threshold} {slack}: {actual}, not {length}"
        );
    }
}
