//! However rows are divided, in whatever order they are observed and merged, the report is the same.

use std::time::Duration;

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    profile::{Column, Origin, Profile, ProfileOptions},
    quality::{
        Batch, Check, Checker, CheckerOptions, ColumnOrder, ColumnType, Comparison, Expectation,
        ExtraColumns, Order, Range, SchemaBuilder, SchemaOptions, Suite, Verdict,
    },
};
use proptest::prelude::*;

use crate::data::{Owned, time};

const NAMES: [&str; 6] = ["whole", "number", "text", "flag", "time", "wide"];
const TEXTS: [&str; 7] = ["a", "b", "ab", "", "äöü", "new", "newer"];

fn rows() -> impl Strategy<Value = Vec<Owned>> {
    (0_usize..40).prop_flat_map(|rows| {
        let nullable = |weight| prop::bool::weighted(weight);
        let whole = prop::collection::vec((nullable(0.9), -5_i64..30), rows);
        let number = prop::collection::vec(
            prop::option::weighted(
                0.9,
                prop_oneof![
                    12 => (-50_i32..80).prop_map(|value| f64::from(value) / 8.0),
                    1 => any::<f64>(),
                    1 => prop::sample::select(&[f64::NAN, f64::INFINITY, -0.0, 1e300, 5e-324][..]),
                ],
            ),
            rows,
        );
        let text = prop::collection::vec(
            prop::option::weighted(0.9, prop::sample::select(&TEXTS[..])),
            rows,
        );
        let flag = prop::collection::vec(prop::option::weighted(0.9, any::<bool>()), rows);
        let seconds = prop::collection::vec(prop::option::weighted(0.9, 0_i64..50), rows);
        let wide = prop::collection::vec(prop::option::weighted(0.9, any::<i64>()), rows);
        (whole, number, text, flag, seconds, wide).prop_map(
            |(whole, number, text, flag, seconds, wide)| {
                let whole =
                    whole.into_iter().map(|(there, value)| there.then_some(value)).collect();
                let times = seconds.into_iter().map(|seconds| seconds.map(time)).collect();
                vec![
                    Owned::Integers(whole),
                    Owned::Numbers(number),
                    Owned::Texts(text),
                    Owned::Booleans(flag),
                    Owned::Times(times),
                    Owned::Integers(wide),
                ]
            },
        )
    })
}

/// Every check, of columns that it is about and of one that it is not.
fn suite() -> Suite {
    let of = |name: &str| name.to_owned();
    let range = Range::at_least(0).and_below(20);
    let mut checks = vec![
        Check::Columns {
            names: NAMES.map(str::to_owned).to_vec(),
            extra: ExtraColumns::Forbid,
            order: ColumnOrder::Same,
        },
        Check::RowCount { range },
        Check::NoDuplicateRows,
        Check::Unique { columns: vec![of("whole"), of("text")] },
        Check::Unique { columns: vec![of("number"), of("flag"), of("time")] },
        Check::between("time", Range::above(time(3))),
        Check::in_set("text", ["a", "b"]),
        Check::Length { column: of("text"), range: Range::at_most(1) },
        Check::Compare {
            left: of("whole"),
            operator: Comparison::LessOrEqual,
            right: of("number"),
        },
        Check::Compare { left: of("whole"), operator: Comparison::Less, right: of("wide") },
        Check::Sum { columns: vec![of("whole"), of("number")], total: of("wide"), tolerance: 1.0 },
        Check::Fresh { column: of("time"), max_age: Duration::from_secs(980) },
        Check::not_null("missing"),
    ];
    for name in NAMES {
        checks.extend([
            Check::Type { column: of(name), data_type: ColumnType::Number },
            Check::not_null(name),
            Check::Finite { column: of(name) },
            Check::between(name, range),
            Check::Ordered { column: of(name), order: Order::Increasing },
            Check::Ordered { column: of(name), order: Order::StrictlyDecreasing },
            Check::unique(name),
            Check::Mean { column: of(name), range },
            Check::StandardDeviation { column: of(name), range },
            Check::Quantile { column: of(name), probability: 0.5, range },
            Check::Distinct { column: of(name), range: Range::at_most(5) },
            Check::Distribution { column: of(name), alpha: 0.2, min_effect: 0.0 },
        ]);
    }
    let expectations = checks.into_iter().map(|check| {
        let of_rows = check.is_of_rows();
        let expectation = Expectation::new(check);
        if of_rows { expectation.with_mostly(0.9) } else { expectation }
    });
    Suite::new("all", expectations.collect()).unwrap()
}

fn reference() -> Profile {
    let numbers: Vec<f64> = (0..50).map(|row| f64::from(row % 20)).collect();
    let texts: Vec<&str> = (0..50).map(|row| TEXTS[row % 3]).collect();
    let columns = [
        ("whole", Column::numeric(&numbers)),
        ("number", Column::numeric(&numbers)),
        ("text", Column::categorical(&texts)),
    ];
    let origin = Origin::new("rows", Timestamp::EPOCH);
    Profile::fit(&columns, origin, &ProfileOptions::default()).unwrap()
}

/// Pieces of the rows: from where to where, in a shuffled order, and who sees each.
type Pieces = Vec<(std::ops::Range<usize>, usize)>;

fn pieces(rows: usize, cuts: &[(u16, u32, u8)]) -> Pieces {
    let mut ends: Vec<_> = cuts.iter().map(|(cut, ..)| usize::from(*cut) % (rows + 1)).collect();
    ends.extend([0, rows]);
    ends.sort_unstable();
    let keys = cuts.iter().map(|(_, key, who)| (*key, usize::from(*who % 3)));
    let keys = keys.chain(std::iter::repeat((1 << 31, 0)));
    let mut pieces: Vec<_> = ends.windows(2).map(|pair| pair[0]..pair[1]).zip(keys).collect();
    pieces.sort_by_key(|(_, (key, _))| *key);
    pieces.into_iter().map(|(rows, (_, who))| (rows, who)).collect()
}

fn cuts() -> impl Strategy<Value = Vec<(u16, u32, u8)>> {
    prop::collection::vec(any::<(u16, u32, u8)>(), 0..12)
}

fn with_batch<T>(
    data: &[Owned],
    rows: std::ops::Range<usize>,
    see: impl FnOnce(&Batch<'_>) -> T,
) -> T {
    let columns: Vec<_> =
        NAMES.iter().zip(data).map(|(name, column)| (*name, column.values(rows.clone()))).collect();
    see(&Batch::new(&columns).unwrap().starting_at(rows.start as u64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn reports_do_not_depend_on_how_rows_are_divided(
        data in rows(), cuts in cuts(), max_keys in 1_usize..40, samples in 0_usize..4,
    ) {
        let options = CheckerOptions::default().with_max_keys(max_keys).with_samples(samples);
        let new = || {
            Checker::new(suite(), &options).unwrap().with_reference(reference()).unwrap()
        };
        let rows = data[0].rows();
        let mut whole = new();
        with_batch(&data, 0..rows, |batch| whole.observe(batch)).unwrap();
        let mut parts = [new(), new(), new()];
        for (rows, who) in pieces(rows, &cuts) {
            with_batch(&data, rows, |batch| parts[who].observe(batch)).unwrap();
        }
        let [first, mut second, third] = parts;
        second.merge(&third).unwrap();
        second.merge(&first).unwrap();
        let expected = whole.report(time(1000));
        let report = second.report(time(1000));
        for (mine, theirs) in report.findings.iter().zip(&expected.findings) {
            prop_assert_eq!(mine, theirs);
        }
        let json = |report| serde_json::to_string(report).unwrap();
        prop_assert_eq!(json(&report), json(&expected));
    }

    #[test]
    fn a_schema_passes_its_own_data(data in rows(), cuts in cuts(), slack in prop::sample::select(&[0.0, 0.1, 2.0][..])) {
        let rows = data[0].rows();
        prop_assume!(rows > 0);
        let options = SchemaOptions::default().with_slack(slack).with_max_categories(5);
        let new = || SchemaBuilder::new(&options).unwrap();
        let mut whole = new();
        with_batch(&data, 0..rows, |batch| whole.observe(batch)).unwrap();
        let schema = whole.finish().unwrap();
        let mut parts = [new(), new(), new()];
        for (rows, who) in pieces(rows, &cuts) {
            with_batch(&data, rows, |batch| parts[who].observe(batch)).unwrap();
        }
        let [mut first, second, third] = parts;
        first.merge(&third).unwrap();
        first.merge(&second).unwrap();
        prop_assert_eq!(&first.finish().unwrap(), &schema);

        let mut checker = Checker::new(schema.to_suite("own").unwrap(), &CheckerOptions::default()).unwrap();
        with_batch(&data, 0..rows, |batch| checker.observe(batch)).unwrap();
        for finding in checker.report(time(0)).findings {
            // Columns without a value, or without one that is finite, say nothing.
            let silent = finding.rows == 0 && matches!(finding.verdict, Verdict::Insufficient(_));
            prop_assert!(finding.verdict == Verdict::Passed || silent, "{:?}", finding);
        }
        prop_assert!(schema.compare(&schema).is_empty());
    }
}

#[test]
fn values_of_the_law_are_of_all_kinds() {
    // The law would hold of nothing: its data has each verdict.
    let data = vec![
        Owned::Integers((0..30).map(|row| Some(row % 20)).collect()),
        Owned::Numbers((0..30).map(|row| Some(f64::from(row))).collect()),
        Owned::Texts((0..30).map(|row| Some(TEXTS[row % 3])).collect()),
        Owned::Booleans(vec![Some(true); 30]),
        Owned::Times((0..30).map(|row| Some(time(row))).collect()),
        Owned::Integers(vec![None; 30]),
    ];
    let options = CheckerOptions::default().with_max_keys(25);
    let mut checker = Checker::new(suite(), &options).unwrap().with_reference(reference()).unwrap();
    with_batch(&data, 0..30, |batch| checker.observe(batch)).unwrap();
    let report = checker.report(time(1000));
    let count = |is: fn(&Verdict) -> bool| {
        report.findings.iter().filter(|finding| is(&finding.verdict)).count()
    };
    assert!(count(|verdict| *verdict == Verdict::Passed) > 10);
    assert!(count(|verdict| *verdict == Verdict::Failed) > 10);
    assert!(count(|verdict| matches!(verdict, Verdict::Insufficient(_))) > 10);
    assert!(count(|verdict| matches!(verdict, Verdict::Error(_))) > 10);
}
