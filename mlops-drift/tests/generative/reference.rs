//! References of scores, and what may be compared with them.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use mlops_core::{Error, Result, model::ModelId, timestamp::Timestamp};
use mlops_drift::{
    generative::{
        ContextOverlap, Evaluator, EvaluatorSet, Exchange, JsonValidity, Judge, Language, Length,
        ReferenceKey, Score, ScoreKind, ScoreSpec,
    },
    profile::{Column, Origin, Profile, ProfileOptions},
};

/// A judge of a version, who likes long answers.
#[derive(Debug)]
struct Patience(ScoreSpec, &'static str);

impl Patience {
    fn new(version: &'static str) -> Self {
        Self(ScoreSpec::new("patience", ScoreKind::Bounded), version)
    }
}

#[async_trait]
impl Judge for Patience {
    fn score(&self) -> &ScoreSpec {
        &self.0
    }

    fn version(&self) -> &str {
        self.1
    }

    async fn judge(&self, exchange: &Exchange<'_>) -> Result<Option<Score>> {
        match exchange.response.len() {
            0 => Ok(None),
            length if length > 1000 => Err(Error::unavailable("judge", "out of patience")),
            length => Ok(Some(Score::Bounded(1.0 - 1.0 / length as f64))),
        }
    }
}

/// What a future that waits for nothing gives.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// An evaluator that says what the test tells it to.
#[derive(Debug)]
struct Says(Vec<ScoreSpec>, Vec<Option<Score>>);

impl Evaluator for Says {
    fn scores(&self) -> &[ScoreSpec] {
        &self.0
    }

    fn version(&self) -> &str {
        "1"
    }

    fn evaluate(&self, _: &Exchange<'_>) -> Vec<Option<Score>> {
        self.1.clone()
    }
}

fn set() -> EvaluatorSet {
    EvaluatorSet::new(vec![
        Arc::new(Length::new()),
        Arc::new(Language::new()),
        Arc::new(ContextOverlap::new()),
    ])
    .unwrap()
}

fn model(version: u64) -> ModelId {
    ModelId::new("m".parse().unwrap(), version.to_string().parse().unwrap())
}

const ANSWERS: [&str; 4] = ["Yes.", "No, it is not what you want from me.", "", "1 2 3"];

fn reference(set: &EvaluatorSet, model: Option<&ModelId>) -> Profile {
    let rows = ANSWERS.map(|answer| set.evaluate(&Exchange::new(answer)).unwrap());
    set.reference(&rows, model, Timestamp::EPOCH, &ProfileOptions::default()).unwrap()
}

#[test]
fn scores_make_a_profile() {
    let judge: Arc<dyn Judge> = Arc::new(Patience::new("a"));
    let set = set().with_judge(&judge).unwrap();
    let mut rows = Vec::new();
    for answer in ANSWERS {
        let exchange = Exchange::new(answer);
        let mut row = set.evaluate(&exchange).unwrap();
        assert_eq!(row.get("patience"), None);
        row.set("patience", now(judge.judge(&exchange)).unwrap()).unwrap();
        rows.push(row);
    }
    let options = ProfileOptions::default();
    let reference = set.reference(&rows, None, Timestamp::EPOCH, &options).unwrap();
    let names: Vec<_> = reference.features().map(|(name, _)| name).collect();
    let expected = [
        "context_overlap",
        "language",
        "patience",
        "response_characters",
        "response_sentences",
        "response_words",
        "script",
        "script_share",
    ];
    assert_eq!((names, reference.rows()), (expected.to_vec(), 4));
    let nulls = |name: &str| reference.feature(name).unwrap().nulls();
    let nulls = ["context_overlap", "language", "patience", "response_words", "script"].map(nulls);
    assert_eq!(nulls, [4, 0, 1, 0, 2]);

    // A window counts the same way, and profiles go through files as ever.
    let mut window = set.window(&reference, None).unwrap();
    rows.iter().for_each(|row| window.observe_row(&row.values()).unwrap());
    assert_eq!(window, reference);
    let read = Profile::from_json("r", &reference.to_json().unwrap()).unwrap();
    assert_eq!(set.window(&read, None).unwrap().rows(), 0);
}

#[test]
fn yes_and_no_are_a_rate() {
    let set = EvaluatorSet::new(vec![Arc::new(JsonValidity::new([]).unwrap())]).unwrap();
    let rows = ["{}", "[]", "no", "1"].map(|text| set.evaluate(&Exchange::new(text)).unwrap());
    let options = ProfileOptions::default();
    let profile = set.reference(&rows, None, Timestamp::EPOCH, &options).unwrap();
    let mlops_drift::profile::FeatureProfile::Numeric(valid) =
        profile.feature("json_valid").unwrap()
    else {
        panic!("not a number");
    };
    assert_eq!(valid.mean(), Some(0.75));
}

#[track_caller]
fn refused(result: Result<Profile>, expected: &[&str]) {
    let Err(Error::Refused { what: "comparison with the reference", reasons }) = result else {
        panic!("{result:?}");
    };
    let reasons: Vec<_> = reasons.iter().map(|reason| &**reason).collect();
    assert_eq!(reasons, expected);
}

#[test]
fn an_upgrade_of_a_judge_is_not_drift() {
    let [old, new] = ["a", "b"].map(|version| set().with_judge(&Patience::new(version)).unwrap());
    let reference = reference(&old, None);
    assert!(old.window(&reference, None).is_ok());
    let upgraded = "score `patience` is of version `b`, the reference of `a`";
    refused(new.window(&reference, None), &[upgraded]);
    refused(set().window(&reference, None), &["only the reference has a score `patience`"]);
    let other = EvaluatorSet::new(vec![Arc::new(Length::new())]).unwrap();
    let Err(Error::Refused { reasons, .. }) = other.window(&reference, None) else {
        panic!("compared");
    };
    assert_eq!(reasons.len(), 5);
    let mut more = Patience::new("a");
    more.0 = ScoreSpec::new("more", ScoreKind::Bounded);
    let more = old.with_judge(&more).unwrap();
    refused(more.window(&reference, None), &["the reference has no score `more`"]);
}

#[test]
fn a_reference_is_of_a_model_or_of_all() {
    let set = set();
    let of_one = reference(&set, Some(&model(1)));
    assert!(set.window(&of_one, Some(&model(1))).is_ok() && set.window(&of_one, None).is_ok());
    let other = "model `m/2` was scored, in the reference `m/1`";
    refused(set.window(&of_one, Some(&model(2))), &[other]);
    assert!(set.window(&reference(&set, None), Some(&model(2))).is_ok());
    let key = ReferenceKey::of(&of_one).unwrap();
    assert_eq!((&key, key.versions.len()), (&set.key(Some(&model(1))), 7));
}

#[test]
fn a_profile_of_anything_else_is_no_reference_of_scores() {
    let values = [1.0, 2.0];
    let columns = [("response_words", Column::numeric(&values))];
    for source in ["customers", "", "{}", r#"{"versions":{},"more":1}"#] {
        let origin = Origin::new(source, Timestamp::EPOCH);
        let profile = Profile::fit(&columns, origin, &ProfileOptions::default()).unwrap();
        let error = set().window(&profile, None).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
}

#[test]
fn evaluators_that_break_their_contract_are_found() {
    let spec = |kind| vec![ScoreSpec::new("x", kind)];
    for (kind, says, named) in [
        (ScoreKind::Bounded, vec![Some(Score::Bounded(1.5))], "`x`: 1.5 is not in [0, 1]"),
        (ScoreKind::Bounded, vec![Some(Score::Bounded(-0.1))], "not in"),
        (ScoreKind::Bounded, vec![Some(Score::Bounded(f64::NAN))], "NaN is not in"),
        (ScoreKind::Number, vec![Some(Score::Number(f64::NAN))], "it is NaN"),
        (ScoreKind::Number, vec![Some(Score::Number(f64::INFINITY))], "it is inf"),
        (ScoreKind::Number, vec![Some(Score::YesNo(true))], "YesNo where Number"),
        (ScoreKind::Category, vec![Some(Score::Bounded(0.5))], "Bounded where Category"),
        (ScoreKind::Number, vec![], "gave 0 for 1"),
        (ScoreKind::Number, vec![None, None], "gave 2 for 1"),
    ] {
        let set = EvaluatorSet::new(vec![Arc::new(Says(spec(kind), says))]).unwrap();
        let error = set.evaluate(&Exchange::new("")).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn sets_and_rows_are_checked() {
    let refused = |result: Result<()>, named: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    };
    let twice = EvaluatorSet::new(vec![Arc::new(Length::new()), Arc::new(Length::new())]);
    refused(twice.map(|_| ()), "two scores are called `response_characters`");
    let nameless = Says(vec![ScoreSpec::new("", ScoreKind::Number)], Vec::new());
    refused(EvaluatorSet::new(vec![Arc::new(nameless)]).map(|_| ()), "no name");
    let set = set().with_judge(&Patience::new("a")).unwrap();
    refused(set.clone().with_judge(&Patience::new("b")).map(|_| ()), "`patience`");
    let mut row = set.evaluate(&Exchange::new("")).unwrap();
    refused(row.set("nothing", None), "`nothing`");
    refused(row.set("patience", Some(Score::Bounded(1.5))), "1.5");
    refused(row.set("patience", Some(Score::Number(0.5))), "Number where Bounded");
    let options = ProfileOptions::default();
    let fit = |set: &EvaluatorSet, rows: &[_]| {
        set.reference(rows, None, Timestamp::EPOCH, &options).map(|_| ())
    };
    refused(fit(&set, &[]), "at least one row");
    let other = EvaluatorSet::new(vec![Arc::new(Length::new())]).unwrap();
    let other = other.evaluate(&Exchange::new("")).unwrap();
    refused(fit(&set, &[row, other]), "row 1");
    refused(fit(&EvaluatorSet::new(Vec::new()).unwrap(), &[]), "none");
}

#[test]
fn a_judge_fails_in_its_own_way() {
    let long = "x".repeat(2000);
    let error = now(Arc::new(Patience::new("a")).judge(&Exchange::new(&long))).unwrap_err();
    assert!(error.is_retryable(), "{error}");
}
