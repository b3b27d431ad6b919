//! Profiles add up, in any order and grouping; and refuse what does not belong to them.

use mlops_core::{Error, timestamp::Timestamp};
use mlops_drift::profile::{Column, FeatureProfile, Origin, Profile, ProfileOptions, Value};
use proptest::prelude::*;

const NAMES: [&str; 6] = ["a", "b", "c", "new", "newer", ""];

/// A row of a number and a category.
fn row() -> impl Strategy<Value = (Value<'static>, Value<'static>)> {
    let number = prop_oneof![
        6 => (-100_i32..130).prop_map(|value| Value::Number(f64::from(value) / 10.0)),
        1 => prop_oneof![
            Just(Value::Null),
            Just(Value::Number(f64::NAN)),
            Just(Value::Number(f64::INFINITY)),
            Just(Value::Number(f64::NEG_INFINITY)),
            Just(Value::Number(1e300)),
        ],
    ];
    let category = prop_oneof![
        6 => prop::sample::select(&NAMES[..]).prop_map(Value::Category),
        1 => Just(Value::Null),
    ];
    (number, category)
}

fn rows() -> impl Strategy<Value = Vec<(Value<'static>, Value<'static>)>> {
    prop::collection::vec(row(), 0..60)
}

fn reference() -> Profile {
    let numbers: Vec<f64> = (0..200).map(|row| f64::from(row % 40) / 4.0).collect();
    let names: Vec<&str> = (0..200).map(|row| NAMES[row % 3]).collect();
    let columns = [("number", Column::numeric(&numbers)), ("name", Column::categorical(&names))];
    let origin = Origin::new("rows", Timestamp::from_micros(7));
    Profile::fit(&columns, origin, &ProfileOptions::default().with_bins(16)).unwrap()
}

fn counted(rows: &[(Value<'_>, Value<'_>)]) -> Profile {
    let mut profile = reference().empty_like();
    for (number, name) in rows {
        profile.observe_row(&[*number, *name]).unwrap();
    }
    profile
}

fn sum(a: &Profile, b: &Profile) -> Profile {
    let mut sum = a.clone();
    sum.merge(b).unwrap();
    sum
}

/// Equal but for the rounding of sums.
fn assert_alike(a: &Profile, b: &Profile) {
    assert_eq!(a.rows(), b.rows());
    for ((name, a), (_, b)) in a.features().zip(b.features()) {
        let (FeatureProfile::Numeric(a), FeatureProfile::Numeric(b)) = (a, b) else {
            assert_eq!(a, b, "{name}");
            continue;
        };
        assert_eq!(a.counts(), b.counts());
        assert_eq!((a.nulls(), a.nan()), (b.nulls(), b.nan()));
        assert_eq!(
            (a.positive_infinity(), a.negative_infinity(), a.min(), a.max()),
            (b.positive_infinity(), b.negative_infinity(), b.min(), b.max())
        );
        for (a, b) in a.offsets().iter().zip(b.offsets()) {
            assert!((a - b).abs() <= 1e-12 * a.abs(), "{a} {b}");
        }
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (1.0 + a.abs()),
            (a, b) => a == b,
        };
        assert!(near(a.mean(), b.mean()) && near(a.variance(), b.variance()), "{a:?} {b:?}");
    }
}

proptest! {
    #[test]
    fn merging_is_a_commutative_monoid(a in rows(), b in rows(), c in rows()) {
        let (pa, pb, pc) = (counted(&a), counted(&b), counted(&c));
        let none = reference().empty_like();
        prop_assert_eq!(&sum(&pa, &none), &pa);
        prop_assert_eq!(&sum(&none, &pa), &pa);
        prop_assert_eq!(&sum(&pa, &pb), &sum(&pb, &pa));
        assert_alike(&sum(&sum(&pa, &pb), &pc), &sum(&pa, &sum(&pb, &pc)));
        // And it is the profile of all rows.
        let all: Vec<_> = [a, b, c].concat();
        assert_alike(&sum(&sum(&pa, &pb), &pc), &counted(&all));
    }

    #[test]
    fn columns_count_as_rows_do(rows in rows()) {
        let numbers: Vec<f64> = rows.iter().filter_map(|(number, _)| match number {
            Value::Number(value) => Some(*value),
            _ => None,
        }).collect();
        let names: Vec<&str> = rows.iter().filter_map(|(_, name)| match name {
            Value::Category(name) => Some(*name),
            _ => None,
        }).collect();
        let nulls = |there: usize| (rows.len() - there) as u64;
        let mut by_column = reference().empty_like();
        by_column.observe_columns(&[
            ("name", Column::Categorical { values: &names, nulls: nulls(names.len()) }),
            ("number", Column::Numeric { values: &numbers, nulls: nulls(numbers.len()) }),
        ]).unwrap();
        prop_assert_eq!(by_column, counted(&rows));
    }
}

/// The reason why these are not merged; that nothing was added; and either way round.
fn refusal(a: &Profile, b: &Profile) -> String {
    let mut merged = a.clone();
    let error = merged.merge(b).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { what: "profile", .. }), "{error}");
    assert_eq!(&merged, a);
    assert!(b.clone().merge(a).is_err());
    error.to_string()
}

fn fit(columns: &[(&str, Column<'_>)], source: &str) -> Profile {
    let origin = Origin::new(source, Timestamp::EPOCH);
    Profile::fit(columns, origin, &ProfileOptions::default()).unwrap()
}

#[test]
fn what_differs_is_named() {
    let first = ("x", Column::numeric(&[1.0, 2.0]));
    let base = fit(&[first, ("y", Column::categorical(&["a", "b"]))], "s");
    for (other, reason) in [
        (
            fit(&[first, ("y", Column::categorical(&["a", "b"]))], "t"),
            "the reference is `s` of 1970-01-01T00:00:00.000000Z in one and `t` of",
        ),
        (fit(&[first], "s"), "2 features in one and 1 in the other"),
        (
            fit(&[first, ("z", Column::categorical(&["a", "b"]))], "s"),
            "feature `y` in one is `z` in the other",
        ),
        (
            fit(&[first, ("y", Column::numeric(&[1.0, 2.0]))], "s"),
            "feature `y`: categorical in one and numeric in the other",
        ),
        (
            fit(&[first, ("y", Column::categorical(&["a", "c"]))], "s"),
            "feature `y`: category `b` in one is `c` in the other",
        ),
        (
            fit(&[first, ("y", Column::categorical(&["a", "a"]))], "s"),
            "feature `y`: 2 categories in one and 1 in the other",
        ),
        (
            fit(
                &[("x", Column::numeric(&[1.0, 3.0])), ("y", Column::categorical(&["a", "b"]))],
                "s",
            ),
            "feature `x`: edge ",
        ),
    ] {
        let refused = refusal(&base, &other);
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn bad_columns_and_rows_are_refused_by_name_and_count_nothing() {
    let two = [1.0, 2.0];
    let origin = || Origin::new("s", Timestamp::EPOCH);
    let options = ProfileOptions::default();
    let x = ("x", Column::numeric(&two));
    for (columns, reason) in [
        (&[][..], "there are none"),
        (&[("x", Column::numeric(&[]))], "at least one row"),
        (&[x, ("y", Column::numeric(&[1.0]))], "`y` has 1 rows, where `x` has 2"),
        (&[x, x], "`x` is given twice"),
        (&[("", Column::numeric(&two))], "no name"),
    ] {
        let error = Profile::fit(columns, origin(), &options).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = Profile::fit(&[x], origin(), &options.with_bins(0)).unwrap_err();
    assert!(error.to_string().contains("feature `x`: 0 is not from 1 to 255"), "{error}");

    let reference = fit(&[x, ("y", Column::categorical(&["a", "b"]))], "s");
    let mut current = reference.empty_like();
    let y = ("y", Column::categorical(&["a", "b"]));
    for (columns, reason) in [
        (&[x][..], "`y` is missing"),
        (&[x, y, ("z", Column::numeric(&two))], "the reference has no `z`"),
        (&[x, y, x], "`x` is given twice"),
        (&[x, ("y", Column::numeric(&two))], "feature `y`: it is categorical, and got numbers"),
        (&[x, ("y", Column::categorical(&["a"]))], "`y` has 1 rows, where `x` has 2"),
    ] {
        let error = current.observe_columns(columns).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    for (row, reason) in [
        (&[Value::Null][..], "1 values for 2 features"),
        (&[Value::Number(1.0), Value::Number(2.0)], "feature `y`: it is categorical, and got the"),
        (&[Value::Category("a"), Value::Null], "feature `x`: it is numeric, and got the category"),
    ] {
        let error = current.observe_row(row).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(current, reference.empty_like());
}
