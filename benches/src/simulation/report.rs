//! The decision over a whole table.

use mlops_core::{stats::correction::Correction, timestamp::Timestamp};
use mlops_drift::{
    compare::{CategoryCounts, CompareOptions, Comparer, Numbers, Verdict, compare},
    profile::{Column, Origin, Profile, ProfileOptions},
};

use super::{
    Promise, Simulation,
    draw::{Draw, Kind},
};
use crate::Result;

/// A column of one side.
enum Side {
    Numbers(Vec<f64>, u64),
    Categories(Vec<String>),
}

pub(super) fn simulations() -> Vec<Simulation> {
    let every = CompareOptions::default().with_min_effect(1e-9).with_min_share(1e-9);
    let mut all = Vec::new();
    for rows in [[300, 300], [2000, 300], [300, 2000]] {
        let data = format!("8 columns, {} v {}", rows[0], rows[1]);
        for (name, options) in [
            ("report, any difference, Benjamini–Hochberg", every),
            ("report, any difference, Holm", every.with_correction(Correction::Holm)),
            ("report, by default", CompareOptions::default()),
        ] {
            all.push(Simulation::new(name, data.clone(), Promise::AtMost, move |draw| {
                Ok(by_values(&table(draw, rows[0]), &table(draw, rows[1]), &options)?
                    == Verdict::Drift)
            }));
        }
        all.push(Simulation::new(
            "report of profiles, any difference",
            data,
            Promise::AtMost,
            move |draw| {
                Ok(by_profiles(&table(draw, rows[0]), &table(draw, rows[1]), &every)?
                    == Verdict::Drift)
            },
        ));
    }
    for (change, shift, nulls) in
        [("one column moved by 0.5", 0.5, 0), ("one column with 95 % nulls", 0.0, 19)]
    {
        all.push(Simulation::new("report, by default", change, Promise::Power, move |draw| {
            let (reference, mut current) = (table(draw, 1000), table(draw, 1000));
            if let Side::Numbers(values, missing) = &mut current[0].1 {
                values.iter_mut().for_each(|value| *value += shift);
                if nulls > 0 {
                    let keep = values.len() / (nulls + 1);
                    *missing += (values.len() - keep) as u64;
                    values.truncate(keep);
                }
            }
            Ok(by_values(&reference, &current, &CompareOptions::default())? == Verdict::Drift)
        }));
    }
    all
}

/// Columns of many kinds, some with nulls, one with an outlier.
fn table(draw: &mut Draw, rows: usize) -> Vec<(&'static str, Side)> {
    let mut columns = Vec::new();
    for (name, kind) in
        [("bell", Kind::Bell), ("tail", Kind::HeavyTail), ("ties", Kind::Ties), ("few", Kind::Few)]
    {
        let values: Vec<f64> =
            draw.numbers(kind, rows).into_iter().filter(|_| draw.uniform() < 0.95).collect();
        let nulls = (rows - values.len()) as u64;
        columns.push((name, Side::Numbers(values, nulls)));
    }
    let mut outlier = draw.numbers(Kind::Bell, rows);
    outlier[0] = 1e9;
    columns.push(("outlier", Side::Numbers(outlier, 0)));
    for (name, of) in [("four", 4.0), ("hundred", 100.0), ("thousand", 1000.0)] {
        let category = |draw: &mut Draw| format!("c{}", (draw.uniform().powi(2) * of) as usize);
        columns.push((name, Side::Categories((0..rows).map(|_| category(draw)).collect())));
    }
    columns
}

fn by_values(
    reference: &[(&str, Side)],
    current: &[(&str, Side)],
    options: &CompareOptions,
) -> Result<Verdict> {
    let mut comparer = Comparer::new(options, 0, 0)?;
    for ((name, reference), (_, current)) in reference.iter().zip(current) {
        match (reference, current) {
            (Side::Numbers(first, nulls), Side::Numbers(second, more)) => {
                let (first, second) =
                    (Numbers::new(first.clone(), *nulls)?, Numbers::new(second.clone(), *more)?);
                comparer.numbers(name, &first, &second)?;
            }
            (Side::Categories(first), Side::Categories(second)) => {
                comparer.categories(name, &counted(first), &counted(second))?;
            }
            _ => return Err("the sides have different columns".into()),
        }
    }
    Ok(comparer.finish()?.verdict)
}

fn counted(values: &[String]) -> CategoryCounts {
    let mut counts = CategoryCounts::new(0);
    values.iter().for_each(|value| counts.add(value, 1));
    counts
}

fn by_profiles(
    reference: &[(&str, Side)],
    current: &[(&str, Side)],
    options: &CompareOptions,
) -> Result<Verdict> {
    let texts = |side: &Side| -> Vec<String> {
        if let Side::Categories(values) = side { values.clone() } else { Vec::new() }
    };
    let profile = |columns: &[(&str, Side)], like: Option<&Profile>| -> Result<Profile> {
        let texts: Vec<Vec<String>> = columns.iter().map(|(_, side)| texts(side)).collect();
        let views: Vec<Vec<&str>> =
            texts.iter().map(|values| values.iter().map(String::as_str).collect()).collect();
        let columns: Vec<(&str, Column<'_>)> = columns
            .iter()
            .zip(&views)
            .map(|((name, side), view)| {
                let column = match side {
                    Side::Numbers(values, nulls) => Column::Numeric { values, nulls: *nulls },
                    Side::Categories(_) => Column::categorical(view),
                };
                (*name, column)
            })
            .collect();
        Ok(match like {
            None => {
                let origin = Origin::new("simulation", Timestamp::EPOCH);
                Profile::fit(&columns, origin, &ProfileOptions::default())?
            }
            Some(reference) => {
                let mut profile = reference.empty_like();
                profile.observe_columns(&columns)?;
                profile
            }
        })
    };
    let reference = profile(reference, None)?;
    let current = profile(current, Some(&reference))?;
    Ok(compare(&reference, &current, options)?.verdict)
}
