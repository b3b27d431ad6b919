//! Change detectors.

use std::fmt::Debug;

use mlops_core::random::RandomKey;
use mlops_drift::online::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::damage::{damaged, refused, survives};

/// Errors, of which there are more later on, and never none.
fn stream() -> impl Iterator<Item = f64> {
    let mut random = RandomKey::from_seed(1).stream(0);
    (0..400).map(move |row| {
        let rate = if row % 400 < 200 { 0.1 } else { 0.7 };
        f64::from(u8::from(random.next_unit() < rate))
    })
}

fn seen<D: ChangeDetector>(mut detector: D) -> D {
    for value in stream().take(350) {
        detector.update(value);
    }
    detector
}

/// Goes on after any damage; and refuses options that a new one refuses.
#[track_caller]
fn check<D, O, F: Debug>(detector: D, build: impl Fn(O) -> bool, figures: impl Fn(&D) -> F)
where
    D: ChangeDetector + Serialize + DeserializeOwned + PartialEq + Debug,
    O: DeserializeOwned,
{
    let detector = seen(detector);
    survives(&detector, |mut detector| {
        let mut found = vec![figures(&detector)];
        for value in stream().chain([f64::NAN]) {
            detector.update(value);
            found.push(figures(&detector));
        }
        found
    });
    let written = serde_json::to_value(&detector).unwrap();
    for (called, options) in damaged(&written["options"]) {
        let mut with = written.clone();
        with["options"] = options.clone();
        if !serde_json::from_value::<O>(options).is_ok_and(&build) {
            let read = serde_json::from_value::<D>(with);
            assert!(read.is_err(), "{called} is read as {read:?}");
        }
    }
}

#[test]
fn detectors_go_on_and_their_options_are_checked() {
    let adwin = |options: AdwinOptions| options.build().is_ok();
    let figures = |detector: &Adwin| (detector.mean(), detector.variance(), detector.width());
    check(AdwinOptions::default().build().unwrap(), adwin, figures);
    check(AdwinOptions::river().with_clock(1).build().unwrap(), adwin, figures);
    let kswin = |options: KswinOptions| options.build().is_ok();
    let figures = |detector: &Kswin| (detector.statistic(), detector.p_value());
    let small = KswinOptions::default().with_sizes(40, 10).with_alpha(0.01);
    check(small.build().unwrap(), kswin, figures);
    check(KswinOptions::river().build().unwrap(), kswin, figures);
    let cusum = |options: CusumOptions| options.build().is_ok();
    let figures = |detector: &Cusum| (detector.sum_up(), detector.sum_down(), detector.threshold());
    check(CusumOptions::default().build().unwrap(), cusum, figures);
    let known = Reference::Known { mean: 0.1, scale: 0.3 };
    check(CusumOptions::default().with_reference(known).build().unwrap(), cusum, figures);
    let page = |options: PageHinkleyOptions| options.build().is_ok();
    check(PageHinkleyOptions::default().build().unwrap(), page, PageHinkley::threshold);
    check(PageHinkleyOptions::river().build().unwrap(), page, PageHinkley::threshold);
    let ddm = |options: DdmOptions| options.build().is_ok();
    check(DdmOptions::default().build().unwrap(), ddm, Ddm::error_rate);
    let eddm = |options: EddmOptions| options.build().is_ok();
    check(EddmOptions::default().build().unwrap(), eddm, Eddm::mean_distance);
    check(EddmOptions::river().build().unwrap(), eddm, Eddm::mean_distance);
    let hddm_a = |options: HddmAOptions| options.build().is_ok();
    check(HddmAOptions::default().build().unwrap(), hddm_a, HddmA::mean);
    let hddm_w = |options: HddmWOptions| options.build().is_ok();
    check(HddmWOptions::default().build().unwrap(), hddm_w, HddmW::mean);
    check(HddmWOptions::river().build().unwrap(), hddm_w, HddmW::mean);
}

#[test]
fn counts_that_contradict_each_other_are_refused() {
    let eddm = seen(EddmOptions::default().build().unwrap());
    refused(&eddm, &[("/state/last_error", json!(1000)), ("/state/errors", json!(1000))]);
    let hddm = seen(HddmAOptions::default().build().unwrap());
    refused(&hddm, &[("/state/total/count", json!(-1.0)), ("/state/total/mean", json!(2.0))]);
    let ddm = seen(DdmOptions::default().build().unwrap());
    refused(&ddm, &[("/state/rate/count", json!(0.5)), ("/state/rate/mean", json!(-0.1))]);
    let cusum = seen(CusumOptions::default().build().unwrap());
    refused(
        &cusum,
        &[
            ("/standardizer/moments/sum_of_squares", json!(-1.0)),
            ("/standardizer/moments/mean/mean", json!(1e300)),
            ("/sums/up", json!(-1.0)),
        ],
    );
    let page = seen(PageHinkleyOptions::default().build().unwrap());
    refused(&page, &[("/options/compat", json!("river"))]);
}
