//! Which drifted feature made the model worse.

use mlops_core::{
    random::{RandomKey, RandomStream},
    stats::mean::Summary,
    timestamp::Timestamp,
};
use mlops_drift::{
    performance::{LossProfile, Part, RootCauses},
    profile::{Column, Origin, Profile, ProfileOptions, Value},
};
use proptest::prelude::*;

const PLANS: [&str; 4] = ["free", "pro", "team", "trial"];

/// Three numbers from 0 to 1, and a plan.
#[derive(Clone, Copy)]
struct Row {
    a: f64,
    b: f64,
    c: f64,
    plan: usize,
}

fn rows(count: usize, drift: impl Fn(Row) -> Row, random: &mut RandomStream) -> Vec<Row> {
    let row = |random: &mut RandomStream| {
        let [a, b, c] = [random.next_unit(), random.next_unit(), random.next_unit()];
        drift(Row { a, b, c, plan: random.next_below(4) as usize })
    };
    (0..count).map(|_| row(random)).collect()
}

fn values(row: &Row) -> [Value<'static>; 4] {
    let Row { a, b, c, plan } = *row;
    [Value::Number(a), Value::Number(b), Value::Number(c), Value::Category(PLANS[plan])]
}

fn profile(rows: &[Row], bins: usize) -> Profile {
    let of = |value: fn(&Row) -> f64| rows.iter().map(value).collect::<Vec<_>>();
    let (a, b, c) = (of(|row| row.a), of(|row| row.b), of(|row| row.c));
    let plans: Vec<_> = rows.iter().map(|row| PLANS[row.plan]).collect();
    let columns = [
        ("a", Column::numeric(&a)),
        ("b", Column::numeric(&b)),
        ("c", Column::numeric(&c)),
        ("plan", Column::categorical(&plans)),
    ];
    let origin = Origin::new("rows", Timestamp::EPOCH);
    Profile::fit(&columns, origin, &ProfileOptions::default().with_bins(bins)).unwrap()
}

/// How likely an error is: much more with `a` and for trials, little with `c`, and whatever `b` is.
fn rate(row: &Row) -> f64 {
    0.05 + 0.4 * row.a * row.a + 0.05 * row.c + if row.plan == 3 { 0.2 } else { 0.0 }
}

fn draw(row: &Row, random: &mut RandomStream) -> f64 {
    f64::from(u8::from(random.next_unit() < rate(row)))
}

struct Reference {
    profile: Profile,
    losses: LossProfile,
}

fn reference(count: usize, random: &mut RandomStream) -> Reference {
    let rows = rows(count, |row| row, random);
    let profile = profile(&rows, 20);
    let mut losses = LossProfile::new(&profile).unwrap();
    for row in &rows {
        losses.observe(&values(row), draw(row, random)).unwrap();
    }
    Reference { profile, losses }
}

impl Reference {
    fn counted(&self, rows: &[Row]) -> Profile {
        let mut current = self.profile.empty_like();
        rows.iter().for_each(|row| current.observe_row(&values(row)).unwrap());
        current
    }

    fn causes(&self, rows: &[Row], losses: Option<&Summary>) -> RootCauses {
        self.losses.root_causes(&self.counted(rows), losses).unwrap()
    }
}

fn names(causes: &RootCauses) -> Vec<&str> {
    causes.causes.iter().map(|cause| cause.feature.as_str()).collect()
}

#[test]
fn what_does_harm_comes_first_and_not_what_has_drifted_most() {
    let mut random = RandomKey::from_seed(71).stream(0);
    let reference = reference(20_000, &mut random);
    let drift = |row: Row| Row { a: row.a.sqrt(), b: 0.9 + 0.1 * row.b, c: row.c.sqrt(), ..row };
    let now = rows(5000, drift, &mut random);
    let causes = reference.causes(&now, None);
    assert_eq!(names(&causes)[..2], ["a", "c"]);
    let find = |name: &str| causes.causes.iter().find(|cause| cause.feature == name).unwrap();
    let (a, b, plan) = (find("a"), find("b"), find("plan"));
    // The mean of a² goes from 1/3 to 1/2.
    let expected = 0.4 * (1.0 / 2.0 - 1.0 / 3.0);
    assert!((a.expected_change.value - expected).abs() < 4.0 * a.expected_change.standard_error);
    assert!(a.adjusted_p_value < 1e-6 && a.association > 0.02);
    assert!(b.drift > 0.8 && b.drift > 3.0 * a.drift && b.association < 0.01, "{b:?}");
    assert!(b.adjusted_p_value > 0.01 && plan.adjusted_p_value > 0.01);
    assert!(plan.drift < 0.05 && plan.outside == 0.0);
    let Some(strongest) = &a.strongest else { panic!("{a:?}") };
    assert!(matches!(strongest.part, Part::Range { from: Some(from), .. } if from > 0.8));
    assert!(strongest.current_share > strongest.reference_share && strongest.loss > 0.3);
    assert_eq!((causes.change, a.unexplained), (None, None));
}

#[test]
fn a_category_may_be_the_cause() {
    let mut random = RandomKey::from_seed(72).stream(0);
    let reference = reference(10_000, &mut random);
    let trials = |row: Row| if row.c < 0.5 { Row { plan: 3, ..row } } else { row };
    let now = rows(4000, trials, &mut random);
    let causes = reference.causes(&now, None);
    let first = &causes.causes[0];
    assert_eq!(first.feature, "plan");
    assert!((first.expected_change.value - 0.2 * 0.375).abs() < 0.03, "{first:?}");
    assert_eq!(first.strongest.as_ref().unwrap().part, Part::Category("trial".to_owned()));
    // Improvements are ranked as well.
    let easier = rows(4000, |row| Row { a: row.a * row.a, ..row }, &mut random);
    let first = &reference.causes(&easier, None).causes[0];
    assert!(first.feature == "a" && first.expected_change.value < -0.03, "{first:?}");
}

#[test]
fn what_no_feature_explains_is_a_change_of_concept() {
    let mut random = RandomKey::from_seed(73).stream(0);
    let reference = reference(20_000, &mut random);
    let now = rows(5000, |row| Row { a: row.a.sqrt(), ..row }, &mut random);
    let realised = |extra: f64, random: &mut RandomStream| {
        let losses: Vec<_> = now
            .iter()
            .map(|row| draw(row, random) + extra * f64::from(u8::from(row.c < 0.5)))
            .collect();
        Summary::of(&losses).unwrap()
    };
    let explained = reference.causes(&now, Some(&realised(0.0, &mut random)));
    let change = explained.change.unwrap();
    assert!(change.value > 5.0 * change.standard_error);
    let left = explained.causes[0].unexplained.unwrap();
    assert!(left.value.abs() < 3.0 * left.standard_error, "{left:?}");
    let concept = reference.causes(&now, Some(&realised(0.2, &mut random)));
    let left = concept.causes[0].unexplained.unwrap();
    assert!((left.value - 0.1).abs() < 3.0 * left.standard_error, "{left:?}");
    assert!(left.value > 5.0 * left.standard_error);
    // It is what was realised less what was expected.
    let expected = concept.causes[0].expected_change.value;
    assert!((concept.change.unwrap().value - expected - left.value).abs() < 1e-12);
}

/// The truth is what another reference of any size would say: its mean of the rate by value, reweighted.
#[test]
fn errors_cover_the_truth_as_often_as_they_say() {
    const ROUNDS: usize = 300;
    let mut random = RandomKey::from_seed(74).stream(0);
    let (mut within, mut alarms) = ([0; 2], 0);
    for _ in 0..ROUNDS {
        let reference = reference(1500, &mut random);
        let now = rows(800, |row| Row { a: row.a.sqrt(), ..row }, &mut random);
        let losses: Vec<_> = now.iter().map(|row| draw(row, &mut random)).collect();
        let causes = reference.causes(&now, Some(&Summary::of(&losses).unwrap()));
        for cause in &causes.causes {
            let truth = match cause.feature.as_str() {
                "a" => 0.4 / 6.0,
                _ => 0.0,
            };
            let z = (cause.expected_change.value - truth) / cause.expected_change.standard_error;
            match cause.feature.as_str() {
                "a" => {
                    within[0] += usize::from(z.abs() < 1.96);
                    let left = cause.unexplained.unwrap();
                    within[1] += usize::from(left.value.abs() < 1.96 * left.standard_error);
                }
                _ => alarms += usize::from(cause.p_value < 0.05),
            }
        }
    }
    // 95 % of 300, give or take four standard deviations; what is left has an error that is at most this.
    assert!((270..=299).contains(&within[0]), "{within:?}");
    assert!(within[1] >= 270, "{within:?}");
    // 5 % of 900, of three features that have not moved: no more than four standard deviations above.
    assert!(alarms <= 45 + 27, "{alarms}");
}

#[test]
fn values_that_the_reference_never_had_are_told() {
    let mut random = RandomKey::from_seed(75).stream(0);
    let reference = reference(1000, &mut random);
    let mut current = reference.profile.empty_like();
    for row in rows(200, |row| row, &mut random) {
        let Row { a, b, c, .. } = row;
        let plan = if a < 0.25 { Value::Category("new") } else { Value::Category("free") };
        let row = [Value::Number(a + 0.5), Value::Number(b), Value::Number(c), plan];
        current.observe_row(&row).unwrap();
    }
    let causes = reference.losses.root_causes(&current, None).unwrap();
    let outside = |name: &str| causes.causes.iter().find(|c| c.feature == name).unwrap().outside;
    assert!((outside("plan") - 0.25).abs() < 0.12 && (outside("a") - 0.5).abs() < 0.15);
    assert!(outside("b") < 0.02);
    let text = serde_json::to_string(&causes).unwrap();
    assert_eq!(serde_json::from_str::<RootCauses>(&text).unwrap(), causes);
}

#[test]
fn constants_are_no_cause() {
    let mut random = RandomKey::from_seed(76).stream(0);
    let rows = rows(50, |row| Row { a: 0.5, ..row }, &mut random);
    let profile = profile(&rows, 5);
    let mut losses = LossProfile::new(&profile).unwrap();
    rows.iter().for_each(|row| losses.observe(&values(row), 1.0).unwrap());
    let causes = losses.root_causes(&profile, Some(losses.all())).unwrap();
    assert_eq!(causes.change.unwrap().value, 0.0);
    for cause in &causes.causes {
        assert_eq!((cause.expected_change.value, cause.p_value, cause.drift), (0.0, 1.0, 0.0));
        assert_eq!((cause.association, &cause.strongest), (0.0, &None));
    }
}

#[test]
fn bad_input_is_named() {
    let mut random = RandomKey::from_seed(77).stream(0);
    let Reference { profile: of_twenty, mut losses } = reference(100, &mut random);
    let before = losses.clone();
    let row = values(&rows(1, |row| row, &mut random)[0]);
    let mut text = row;
    text[1] = Value::Category("x");
    let mut observe = |row: &[Value<'_>], loss| losses.observe(row, loss).unwrap_err().to_string();
    let other = profile(&rows(100, |row| row, &mut random), 5);
    let empty = LossProfile::new(&of_twenty).unwrap();
    let one = Summary { count: 1, mean: 1.0, variance: 0.0 };
    let of = |losses: &LossProfile, current: &Profile, now: Option<&Summary>| {
        losses.root_causes(current, now).unwrap_err().to_string()
    };
    for (error, named) in [
        (observe(&row[..2], 1.0), "2 values for 4 features"),
        (observe(&row, f64::INFINITY), "it is inf"),
        (observe(&text, 1.0), "`b` is numeric, and got the category `x`"),
        (of(&empty, &of_twenty, None), "reference: 0 rows are less than two"),
        (of(&before, &of_twenty, Some(&one)), "losses: 1 rows are less than two"),
        (of(&before, &of_twenty.empty_like(), None), "it has no rows"),
        (of(&before, &other, None), "feature `a` is of another reference"),
    ] {
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(losses, before);
    assert!(losses.merge(&LossProfile::new(&other).unwrap()).is_err());
    let mut stored = serde_json::to_value(&losses).unwrap();
    stored["features"][0]["losses"].as_array_mut().unwrap().pop();
    assert!(serde_json::from_value::<LossProfile>(stored).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Parts merge into the whole, through a file too; and the expected change is the mean of the reference
    /// reweighted row by row.
    #[test]
    fn laws(seed in 0..1000_u64, cut in 0..80_usize) {
        let mut random = RandomKey::from_seed(seed).stream(2);
        let then = rows(80, |row| row, &mut random);
        let now = rows(40, |row| Row { plan: row.plan.max(1), ..row }, &mut random);
        let profile = profile(&then, 4);
        let losses: Vec<_> = then.iter().map(|row| row.a + random.next_unit()).collect();
        let of = |from: usize, to: usize| {
            let mut profile = LossProfile::new(&profile).unwrap();
            for (row, loss) in then[from..to].iter().zip(&losses[from..to]) {
                profile.observe(&values(row), *loss).unwrap();
            }
            profile
        };
        let text = serde_json::to_string(&of(0, cut)).unwrap();
        let mut merged: LossProfile = serde_json::from_str(&text).unwrap();
        merged.merge(&of(cut, 80)).unwrap();
        let mut current = profile.empty_like();
        now.iter().for_each(|row| current.observe_row(&values(row)).unwrap());
        let whole = of(0, 80).root_causes(&current, None).unwrap();
        let parts = merged.root_causes(&current, None).unwrap();
        let find = |causes: &RootCauses, name: &str| {
            causes.causes.iter().find(|cause| cause.feature == name).unwrap().clone()
        };
        for name in ["a", "b", "c", "plan"] {
            let (a, b) = (find(&whole, name), find(&parts, name));
            let (a, b) = (a.expected_change, b.expected_change);
            prop_assert!((a.value - b.value).abs() < 1e-9);
            prop_assert!((a.standard_error - b.standard_error).abs() < 1e-9);
        }
        let count = |rows: &[Row], plan: usize| rows.iter().filter(|row| row.plan == plan).count() as f64;
        let weight = |row: &Row| count(&now, row.plan) / 40.0 / count(&then, row.plan);
        let missing: f64 = (0..4).filter(|plan| count(&then, *plan) == 0.0).map(|plan| count(&now, plan)).sum();
        let mean = losses.iter().sum::<f64>() / 80.0;
        let reweighted: f64 = then.iter().zip(&losses).map(|(row, loss)| weight(row) * loss).sum();
        let expected = reweighted + missing / 40.0 * mean - mean;
        prop_assert!((find(&whole, "plan").expected_change.value - expected).abs() < 1e-9);
    }
}
