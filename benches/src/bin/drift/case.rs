//! Work that a peer does too.

use std::path::Path;

use mlops_core::{
    ndarray::{Array2, Axis},
    stats::Alternative,
};
use mlops_drift::{
    multivariate::mmd::{self, MmdOptions},
    online::{
        AdwinOptions, ChangeDetector, DdmOptions, EddmOptions, HddmAOptions, HddmWOptions,
        KswinOptions, PageHinkleyOptions, Signal,
    },
    performance::Cbpe,
    stats::{
        Sample, anderson_darling, brunner_munzel, cramer_von_mises, energy, epps_singleton, ks,
        mann_whitney, permutation::PermutationOptions, t_test, wasserstein,
    },
};

use crate::{Result, data::numbers, seconds};

/// The processor time of this case.
pub(crate) fn run(name: &str, folder: &Path) -> Result<f64> {
    match name.split_once('/') {
        Some(("two_sample", test)) => two_sample(test, folder),
        Some(("online", detector)) => online(detector, folder),
        Some(("multivariate", "mmd")) => maximum_mean_discrepancy(folder),
        Some(("performance", "cbpe")) => estimate(folder),
        _ => Err(format!("no case `{name}`").into()),
    }
}

/// 2000 rows of 32 numbers against 2000 others, with 100 permutations.
fn maximum_mean_discrepancy(folder: &Path) -> Result<f64> {
    let rows = Array2::from_shape_vec((4000, 32), numbers(folder, "rows")?)?;
    let (reference, current) = rows.view().split_at(Axis(0), 2000);
    let permutation = PermutationOptions::default().with_permutations(100);
    let options = MmdOptions::default().with_permutation(permutation);
    seconds(|| Ok(mmd::test(reference, current, &options)?))
}

/// Of a million rows whose labels are not known, after as many whose labels are.
fn estimate(folder: &Path) -> Result<f64> {
    let (scores, truth) = (numbers(folder, "scores")?, numbers(folder, "truth")?);
    let half = scores.len() / 2;
    let outcomes: Vec<bool> = truth[..half].iter().map(|outcome| *outcome > 0.0).collect();
    let predicted: Vec<bool> = scores[half..].iter().map(|score| *score >= 0.5).collect();
    seconds(|| Ok(Cbpe::fit(&scores[..half], &outcomes)?.estimate(&scores[half..], &predicted)?))
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
