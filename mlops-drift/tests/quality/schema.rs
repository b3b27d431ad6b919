//! Schemas: what is inferred, what a person may write, and how two differ.

use mlops_core::Error;
use mlops_drift::quality::{
    Batch, Bound, Checker, CheckerOptions, ColumnSchema, ColumnType, Order, Schema, SchemaAnomaly,
    SchemaBuilder, SchemaOptions, Values, Verdict,
};

use crate::data::time;

fn infer(columns: &[(&str, Values<'_>)]) -> Schema {
    let mut builder = SchemaBuilder::new(&SchemaOptions::default()).unwrap();
    builder.observe(&Batch::new(columns).unwrap()).unwrap();
    builder.finish().unwrap()
}

/// Forty rows of each type.
fn small() -> Schema {
    let ids: Vec<_> = (100..140).map(Some).collect();
    let ages: Vec<_> = (0..40).map(|row| (row % 10 > 0).then_some(20 + row % 30)).collect();
    let scores: Vec<_> =
        (0..40).map(|row| Some(if row == 7 { f64::NAN } else { f64::from(row) / 4.0 })).collect();
    let plans: Vec<_> = (0..40).map(|row| Some(["free", "pro"][row % 2])).collect();
    let names: Vec<String> = (0..40).map(|row| "x".repeat(row + 1)).collect();
    let names: Vec<_> = names.iter().map(|name| Some(name.as_str())).collect();
    let flags: Vec<_> = (0..40).map(|row| Some(row % 2 == 0)).collect();
    let times: Vec<_> = (0..40).map(|row| Some(time(1000 + row / 2))).collect();
    infer(&[
        ("id", Values::Integers(&ids)),
        ("age", Values::Integers(&ages)),
        ("score", Values::Numbers(&scores)),
        ("plan", Values::Texts(&plans)),
        ("name", Values::Texts(&names)),
        ("flag", Values::Booleans(&flags)),
        ("seen", Values::Times(&times)),
    ])
}

#[test]
fn columns_are_inferred() {
    let Ok([id, age, score, plan, name, flag, seen]) = <[_; 7]>::try_from(small().columns) else {
        panic!("seven columns");
    };
    assert_eq!(
        (id.data_type, id.unique, id.order),
        (ColumnType::Integer, true, Some(Order::StrictlyIncreasing))
    );
    // A tenth of 39, rounded up, at either end; but not across 0.
    assert_eq!((id.min, id.max), (Some(Bound::Integer(96)), Some(Bound::Integer(143))));
    assert_eq!(id.max_null_share, 0.0);
    assert_eq!((age.unique, age.order), (false, None));
    // scipy.stats.binomtest(4, 40).proportion_ci(0.99).high: 0.2826108
    assert_eq!(age.max_null_share, 0.2827);
    // scipy.stats.binomtest(1, 40).proportion_ci(0.99).high: 0.1715153
    assert_eq!(score.max_not_finite_share, 0.1716);
    assert_eq!(
        (score.min, score.max),
        (Some(Bound::Number(0.0)), Some(Bound::Number(9.75 + 0.975)))
    );
    assert_eq!(plan.categories, Some(vec!["free".to_owned(), "pro".to_owned()]));
    assert_eq!((plan.min_length, plan.max_length, plan.unique), (Some(2), Some(5), false));
    assert_eq!((name.categories, name.unique), (None, true));
    assert_eq!((name.min_length, name.max_length), (Some(0), Some(44)));
    assert_eq!(flag, {
        let mut flag = ColumnSchema::new("flag", ColumnType::Boolean);
        flag.max_null_share = 0.0;
        flag
    });
    assert_eq!((seen.order, seen.unique), (Some(Order::Increasing), false));
    assert_eq!(
        (seen.min, seen.max),
        (
            Some(Bound::Time(mlops_core::timestamp::Timestamp::from_micros(998_100_000))),
            Some(Bound::Time(mlops_core::timestamp::Timestamp::from_micros(1_020_900_000))),
        )
    );
}

#[test]
fn little_is_inferred_from_little() {
    let [ids, plans] =
        [Values::Integers(&[Some(1), Some(2)]), Values::Texts(&[Some("a"), Some("b")])];
    let schema = infer(&[("id", ids), ("plan", plans), ("none", Values::Numbers(&[None, None]))]);
    let [id, plan, none] = &schema.columns[..] else { panic!("three columns") };
    assert_eq!((id.unique, id.order, &plan.categories), (false, None, &None));
    assert_eq!((none.min, none.max, none.max_null_share), (None, None, 1.0));
    // The ends of what there is do not overflow.
    let wide = infer(&[
        ("whole", Values::Integers(&[Some(i64::MIN), Some(i64::MAX)])),
        ("double", Values::Numbers(&[Some(f64::MIN), Some(f64::MAX)])),
    ]);
    assert_eq!(
        (wide.columns[0].min, wide.columns[0].max),
        (Some(Bound::Integer(i64::MIN)), Some(Bound::Integer(i64::MAX)))
    );
    assert_eq!(
        (wide.columns[1].min, wide.columns[1].max),
        (Some(Bound::Number(f64::MIN)), Some(Bound::Number(f64::MAX)))
    );
}

#[test]
fn a_schema_becomes_a_suite_that_finds_what_changed() {
    let suite = small().to_suite("customers").unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    let one = |plan, age| (Values::Texts(plan), Values::Integers(age));
    let (plan, age) = one(&[Some("team")], &[Some(300)]);
    let columns = [
        ("id", Values::Integers(&[None])),
        ("age", age),
        ("score", Values::Texts(&[Some("1")])),
        ("plan", plan),
        ("name", Values::Texts(&[Some("x")])),
        ("new", Values::Texts(&[None])),
        ("seen", Values::Times(&[Some(time(1010))])),
    ];
    checker.observe(&Batch::new(&columns).unwrap()).unwrap();
    let report = checker.report(time(0));
    let failed: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failed)
        .map(|finding| finding.expected.as_str())
        .collect();
    assert_eq!(
        failed,
        [
            "there are the columns `id`, `age`, `score`, `plan`, `name`, `flag`, `seen`, and no others",
            "`id` is not null",
            "`age` is in [18, 52]",
            "`score` is of type number",
            "`plan` is one of \"free\", \"pro\"",
        ]
    );
    let errors = report.findings.iter().filter(|f| matches!(f.verdict, Verdict::Error(_)));
    let errors: Vec<_> = errors.map(|finding| finding.expectation.check.to_string()).collect();
    assert_eq!(
        errors,
        [
            "`score` is finite",
            "`score` is in [0, 10.725]",
            "`flag` is of type boolean",
            "`flag` is not null",
        ]
    );
}

#[test]
fn schemas_are_written_and_read() {
    let schema = small();
    let json = schema.to_json().unwrap();
    assert_eq!(Schema::from_json(&json).unwrap(), schema);
    #[cfg(feature = "toml")]
    {
        let toml = schema.to_toml().unwrap();
        assert_eq!(Schema::from_toml(&toml).unwrap(), schema);
        assert_eq!(toml, include_str!("schema.toml"));
    }
    for (from, to, reason) in [
        (r#""format_version": 1"#, r#""format_version": 2"#, "format version 2"),
        (r#""min": 96"#, r#""min": 960"#, "column `id`: nothing is in [960, 143]"),
        (r#""min": 96"#, r#""min": "2026-01-01""#, "column `id`"),
        (r#""min": 96"#, r#""mim": 96"#, "unknown field `mim`"),
        (r#""name": "age""#, r#""name": "id""#, "column `id` is there twice"),
        (r#""name": "age""#, r#""name": """#, "no name"),
        (
            r#""max_null_share": 0.2827"#,
            r#""max_null_share": 1.2"#,
            "column `age`: `max_null_share` is 1.2",
        ),
        (
            r#""type": "boolean""#,
            r#""type": "boolean", "min": 0"#,
            "column `flag`: a column of type boolean has no `min`",
        ),
        (r#""type": "boolean""#, r#""type": "boolean", "order": "increasing""#, "has no `order`"),
        (r#""type": "boolean""#, r#""type": "boolean", "max_length": 3"#, "has no `max_length`"),
        (r#""min_length": 2"#, r#""min_length": 20"#, "`min_length`, 20, is above"),
    ] {
        let edited = json.replacen(from, to, 1);
        assert_ne!(edited, json, "{from}");
        let error = Schema::from_json(&edited).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn differences_are_named() {
    let column = ColumnSchema::new;
    let schema = |columns: Vec<ColumnSchema>| {
        let mut schema = Schema::default();
        schema.columns = columns;
        schema
    };
    let before = schema(vec![
        column("a", ColumnType::Integer),
        column("b", ColumnType::Text),
        column("c", ColumnType::Time),
    ]);
    let after = schema(vec![
        column("d", ColumnType::Boolean),
        column("c", ColumnType::Text),
        column("a", ColumnType::Integer),
    ]);
    let anomalies = before.compare(&after);
    assert_eq!(
        anomalies,
        [
            SchemaAnomaly::MissingColumn { column: "b".into() },
            SchemaAnomaly::ChangedType {
                column: "c".into(),
                from: ColumnType::Time,
                to: ColumnType::Text
            },
            SchemaAnomaly::NewColumn { column: "d".into(), data_type: ColumnType::Boolean },
        ]
    );
    let shown: Vec<_> = anomalies.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "column `b` is missing",
            "column `c` was of type time and is of type text",
            "column `d` of type boolean is new",
        ]
    );
}

#[test]
fn a_reference_is_of_one_kind() {
    let new = || SchemaBuilder::new(&SchemaOptions::default()).unwrap();
    assert!(new().finish().unwrap_err().to_string().contains("no rows"));
    let options = SchemaOptions::default();
    for wrong in [options.with_slack(-0.1), options.with_slack(f64::NAN), options.with_max_keys(0)]
    {
        assert!(SchemaBuilder::new(&wrong).is_err());
    }
    let x = ("x", Values::Integers(&[Some(1)]));
    let mut builder = new();
    builder.observe(&Batch::new(&[x]).unwrap()).unwrap();
    let before = builder.finish().unwrap();
    for (columns, reason) in [
        (
            &[("x", Values::Numbers(&[Some(1.0)]))][..],
            "`x` is of type number, and was of type integer",
        ),
        (&[("y", Values::Integers(&[Some(1)]))], "`y`, where `x` was before"),
        (&[x, ("y", x.1)], "2, where there were 1 before"),
    ] {
        let batch = Batch::new(columns).unwrap();
        let error = builder.observe(&batch).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        let mut other = new();
        other.observe(&batch.starting_at(10)).unwrap();
        let error = builder.merge(&other).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let again = builder.clone();
    assert!(matches!(builder.merge(&again), Err(Error::InvalidArgument { what: "rows", .. })));
    builder.merge(&new()).unwrap();
    assert_eq!(builder.finish().unwrap(), before);
    let mut fresh = new();
    fresh.merge(&again).unwrap();
    assert_eq!(fresh.finish().unwrap(), before);
}
