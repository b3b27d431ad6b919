//! Bars that are ratios to what cannot be done without.

use std::path::Path;

use benches::rounds::Rounds;
use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    compare::{CompareOptions, Comparer, Numbers, compare},
    profile::{Column, FeatureProfile, Origin, Profile, ProfileOptions},
};

use crate::{Result, data::columns, monitor, seconds};

const ROUNDS: usize = 5;
pub(crate) const CHECKED: &str = "the data was read and is what it should be";

/// Prints each bar.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let (reference, current) = (columns(folder, "reference")?, columns(folder, "current")?);
    println!(
        "| {} columns of {} rows | CPU, s | without which it cannot be done | ratio |",
        reference.len(),
        reference[0].len()
    );
    println!("| --- | --- | --- | --- |");
    let row = |name: &str, rounds: &Rounds| {
        println!(
            "| {name} | {:.3} | {:.3} | {:.2} |",
            rounds.ours(),
            rounds.theirs(),
            rounds.ratio()
        );
    };
    let table = Rounds::measure(
        ROUNDS,
        || compare_values(&reference, &current),
        || sort_and_merge(&reference, &current),
    );
    row("values against values: over sort and merge", &table);

    let names: Vec<String> = (0..reference.len()).map(|column| format!("x{column}")).collect();
    let origin = Origin::new("benchmark", Timestamp::EPOCH);
    let profile = Profile::fit(&named(&names, &reference), origin, &ProfileOptions::default())?;
    let columns = named(&names, &current);
    let stored = Rounds::measure(
        ROUNDS,
        || compare_profile(&profile, &columns),
        || search_and_count(&profile, &current),
    );
    row("values against a profile: over search and count", &stored);
    monitor::run(&current)
}

/// Columns as a profile takes them.
fn named<'a>(names: &'a [String], columns: &'a [Vec<f64>]) -> Vec<(&'a str, Column<'a>)> {
    names.iter().zip(columns).map(|(name, values)| (&**name, Column::numeric(values))).collect()
}

/// The report of two tables whose values are in memory.
fn compare_values(reference: &[Vec<f64>], current: &[Vec<f64>]) -> f64 {
    let mut columns: Vec<_> = reference.iter().cloned().zip(current.iter().cloned()).collect();
    let rows = [reference, current].map(|side| side[0].len() as u64);
    let work = || -> Result<_> {
        let mut comparer = Comparer::new(&CompareOptions::default(), rows[0], rows[1])?;
        for (index, (reference, current)) in columns.drain(..).enumerate() {
            let (reference, current) = (Numbers::new(reference, 0)?, Numbers::new(current, 0)?);
            comparer.numbers(&format!("x{index}"), &reference, &current)?;
        }
        Ok(comparer.finish()?)
    };
    seconds(work).expect(CHECKED)
}

/// What any exact comparison of distributions does: it sorts both sides and walks along them.
fn sort_and_merge(reference: &[Vec<f64>], current: &[Vec<f64>]) -> f64 {
    let mut columns: Vec<_> = reference.iter().cloned().zip(current.iter().cloned()).collect();
    let work = || {
        let mut largest = 0_i64;
        for (reference, current) in &mut columns {
            reference.sort_unstable_by(f64::total_cmp);
            current.sort_unstable_by(f64::total_cmp);
            let (mut i, mut j) = (0, 0);
            while i < reference.len() && j < current.len() {
                let value = reference[i].min(current[j]);
                while i < reference.len() && reference[i] <= value {
                    i += 1;
                }
                while j < current.len() && current[j] <= value {
                    j += 1;
                }
                largest = largest.max((i as i64 - j as i64).abs());
            }
        }
        Ok(largest)
    };
    seconds(work).expect(CHECKED)
}

/// The report of a table against a stored profile.
fn compare_profile(reference: &Profile, columns: &[(&str, Column<'_>)]) -> f64 {
    let work = || -> Result<_> {
        let mut counted = reference.empty_like();
        counted.observe_columns(columns)?;
        Ok(compare(reference, &counted, &CompareOptions::default())?)
    };
    seconds(work).expect(CHECKED)
}

/// What any count of values in bins does.
fn search_and_count(reference: &Profile, columns: &[Vec<f64>]) -> f64 {
    let edges: Vec<Vec<f64>> = reference
        .features()
        .filter_map(|(_, feature)| match feature {
            FeatureProfile::Numeric(profile) => Some(profile.edges().as_slice().to_vec()),
            _ => None,
        })
        .collect();
    let work = || {
        let mut counts = vec![[0_u64; 256]; edges.len()];
        for ((values, edges), counts) in columns.iter().zip(&edges).zip(&mut counts) {
            for value in values {
                counts[edges.partition_point(|edge| edge <= value)] += 1;
            }
        }
        Ok(counts)
    };
    seconds(work).expect(CHECKED)
}
