//! Reports of columns as they come.

use mlops_core::{
    random::{RandomKey, RandomStream},
    timestamp::Timestamp,
};
use mlops_drift::{
    compare::{CategoryCounts, CompareOptions, Comparer, FeatureKind, Numbers},
    report::{Report, Section},
};

pub(crate) const MADE_AT: Timestamp = Timestamp::from_micros(1_793_520_000_000_000);
const ROWS: usize = 4000;

/// A report of these columns, of data sets with 4000 rows.
pub(crate) fn report(fill: impl FnOnce(&mut Comparer)) -> Report {
    let mut comparer = Comparer::new(&CompareOptions::default(), ROWS as u64, ROWS as u64).unwrap();
    fill(&mut comparer);
    Report::new(
        "Churn model, inputs",
        MADE_AT,
        "customers-2026-10.parquet",
        "customers-2026-11.csv",
    )
    .with_section(Section::Drift(comparer.finish().unwrap()))
}

/// Twenty columns of customers: some have drifted, in each of the ways there are.
pub(crate) fn customers() -> Report {
    report(|comparer| {
        let mut random = Random::new();
        let mut number =
            |name: &str, nulls: [usize; 2], of: &mut dyn FnMut(&mut Random, usize) -> f64| {
                let [reference, current] = [0, 1].map(|side| {
                    let values = (nulls[side]..ROWS).map(|_| of(&mut random, side)).collect();
                    Numbers::new(values, nulls[side] as u64).unwrap()
                });
                comparer.numbers(name, &reference, &current).unwrap();
            };
        number("age", [12, 15], &mut |random, _| (18.0 + 60.0 * random.bell()).floor());
        number("income", [210, 190], &mut |random, side| {
            20_000.0 + [60_000.0, 85_000.0][side] * random.bell() * random.bell()
        });
        number("tenure_months", [0, 0], &mut |random, _| -24.0 * (1.0 - random.uniform()).ln());
        number("monthly_spend", [0, 0], &mut |random, side| {
            [40.0, 41.0][side] + 30.0 * random.bell()
        });
        number("sessions_last_week", [0, 0], &mut |random, _| (9.0 * random.bell()).floor());
        number("days_since_login", [0, 1720], &mut |random, _| (40.0 * random.uniform()).floor());
        number("churn_score", [0, 0], &mut |random, side| {
            let high = random.uniform() < [0.2, 0.45][side];
            0.1 + 0.4 * random.bell() + if high { 0.45 } else { 0.0 }
        });
        number("latency_ms", [0, 0], &mut |random, _| 12.0 / (1.0 - random.uniform()).sqrt());
        number("battery_temperature", [0, 0], &mut |random, side| {
            let broken = random.uniform() < [0.001, 0.09][side];
            if broken { f64::NAN } else { 20.0 + 15.0 * random.bell() }
        });
        number("account_balance", [0, 0], &mut |random, _| 5000.0 * (random.bell() - 0.4));
        number("is_weekend", [0, 0], &mut |random, _| f64::from(random.uniform() < 2.0 / 7.0));
        number("refund_amount", [ROWS - 40, ROWS - 44], &mut |random, _| 90.0 * random.uniform());
        number("rating", [130, 120], &mut |random, side| {
            (1.0 + 5.0 * random.uniform().powf([0.5, 0.7][side])).min(5.0).floor()
        });
        number(
            "feature_store.customers.v3.aggregates.rolling_mean_of_purchases_30d",
            [0, 0],
            &mut |random, _| 1e-4 * random.bell(),
        );
        let mut category = |name: &str, of: &mut dyn FnMut(&mut Random, usize) -> String| {
            let [reference, current] = [0, 1].map(|side| {
                let mut counts = CategoryCounts::new(0);
                (0..ROWS).for_each(|_| counts.add(&of(&mut random, side), 1));
                counts
            });
            comparer.categories(name, &reference, &current).unwrap();
        };
        category("plan", &mut |random, side| {
            let draw = random.uniform();
            let limits = [[0.6, 0.9], [0.35, 0.8]][side];
            ["free", "pro", "team"][usize::from(draw > limits[0]) + usize::from(draw > limits[1])]
                .to_owned()
        });
        category("country", &mut |random, _| {
            let index = (30.0 * random.uniform().powi(3)) as usize;
            format!("country {index}")
        });
        category("device", &mut |random, _| {
            ["phone", "laptop", "tablet"][(3.0 * random.uniform()) as usize].to_owned()
        });
        category("referrer", &mut |random, side| {
            let new = side == 1 && random.uniform() < 0.14;
            if new {
                "chat assistant".to_owned()
            } else {
                ["search", "friend", "advert", "press"][(4.0 * random.uniform()) as usize]
                    .to_owned()
            }
        });
        category("postcode", &mut |random, _| {
            format!("{:05}", (900.0 * random.uniform()) as u32 * 97)
        });
        comparer.failed(
            "signup_source",
            FeatureKind::Categorical,
            "the reference has texts and the current data numbers",
        );
        comparer.unexpected("loyalty_tier");
        comparer.unexpected("beta_flag");
    })
}

/// Random numbers of a test.
pub(crate) struct Random(RandomStream);

impl Random {
    pub(crate) fn new() -> Self {
        Self(RandomKey::from_seed(4).stream(0))
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.next_unit()
    }

    /// Between 0 and 1 and mostly in the middle.
    pub(crate) fn bell(&mut self) -> f64 {
        (0..4).map(|_| self.uniform()).sum::<f64>() / 4.0
    }
}
