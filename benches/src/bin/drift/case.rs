//! Work that a peer does too.

use std::path::Path;

use mlops_core::stats::Alternative;
use mlops_drift::{
    online::{
        AdwinOptions, ChangeDetector, DdmOptions, EddmOptions, HddmAOptions, HddmWOptions,
        KswinOptions, PageHinkleyOptions, Signal,
    },
    stats::{
        Sample, anderson_darling, brunner_munzel, cramer_von_mises, energy, epps_singleton, ks,
        mann_whitney, t_test, wasserstein,
    },
};

use crate::{Result, data::numbers, seconds};

/// The processor time of this case.
pub(crate) fn run(name: &str, folder: &Path) -> Result<f64> {
    match name.split_once('/') {
        Some(("two_sample", test)) => two_sample(test, folder),
        Some(("online", detector)) => online(detector, folder),
        _ => Err(format!("no case `{name}`").into()),
    }
}

/// A test or distance of two unsorted samples, their sorting included.
fn two_sample(test: &str, folder: &Path) -> Result<f64> {
    let [reference, current] = ["reference0", "current0"].map(|name| numbers(folder, name));
    let (reference, current) = (reference?, current?);
    seconds(|| {
        let first = Sample::new("reference", reference)?;
        let second = Sample::new("current", current)?;
        let either = Alternative::TwoSided;
        Ok(match test {
            "ks" => ks::test(&first, &second, ks::KsOptions::default())?.p_value,
            "cramer_von_mises" => {
                cramer_von_mises::test(&first, &second, Default::default())?.p_value
            }
            "anderson_darling" => anderson_darling::test(&[&first, &second])?.p_value,
            "mann_whitney" => mann_whitney::test(&first, &second, Default::default())?.p_value,
            "epps_singleton" => epps_singleton::test(&first, &second, Default::default())?.p_value,
            "brunner_munzel" => brunner_munzel::test(&first, &second, Default::default())?.p_value,
            "welch" => t_test::welch(&first, &second, either)?.p_value,
            "wasserstein" => wasserstein::distance(&first, &second),
            "energy" => energy::distance(&first, &second),
            _ => return Err(format!("no test `{test}`").into()),
        })
    })
}

/// A detector, shown a stream.
fn online(detector: &str, folder: &Path) -> Result<f64> {
    let (numbers, errors) = (numbers(folder, "stream")?, numbers(folder, "errors")?);
    let follow = |mut detector: Box<dyn ChangeDetector>, values: &[f64]| {
        seconds(|| {
            let signals = values.iter().map(|value| detector.update(*value));
            Ok(signals.filter(|signal| *signal == Signal::Change).count())
        })
    };
    match detector {
        "adwin" => follow(Box::new(AdwinOptions::river().build()?), &numbers),
        "page_hinkley" => follow(Box::new(PageHinkleyOptions::river().build()?), &numbers),
        "kswin" => follow(Box::new(KswinOptions::river().build()?), &numbers),
        "ddm" => follow(Box::new(DdmOptions::river().build()?), &errors),
        "eddm" => follow(Box::new(EddmOptions::river().build()?), &errors),
        "hddm_a" => follow(Box::new(HddmAOptions::river().build()?), &errors),
        "hddm_w" => follow(Box::new(HddmWOptions::river().build()?), &errors),
        _ => Err(format!("no detector `{detector}`").into()),
    }
}
