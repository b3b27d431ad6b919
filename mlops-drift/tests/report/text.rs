//! The text: the verdict first, then what to do, then the table.

use mlops_drift::compare::{CategoryCounts, FeatureKind, Numbers};

use crate::data::{customers, report};

fn numbers(values: impl Iterator<Item = u32>, nulls: u64) -> Numbers {
    Numbers::new(values.map(f64::from).collect(), nulls).unwrap()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn it_begins_with_the_verdict_and_the_worst() {
    let text = customers().to_text();
    let lines = lines(&text);
    assert_eq!(lines[0], "Churn model, inputs");
    assert_eq!(
        lines[1],
        "customers-2026-11.csv (4,000 rows) against customers-2026-10.parquet (4,000 rows)"
    );
    assert_eq!(
        lines[3],
        "8 of 20 features have drifted: days_since_login, income, referrer, churn_score, plan, \
         battery_temperature and 2 more"
    );
    assert_eq!(
        lines[4],
        "Begin with what fills days_since_login: nulls went from 0% to 43%, which is a broken source more \
         often than a changed world. 1 feature could not be compared: the table says why."
    );
    assert!(lines[6].starts_with("feature ") && lines[7].starts_with("days_since_login "));
    let order = ["monthly_spend", "signup_source", "refund_amount", "country"];
    let places = order.map(|name| lines.iter().position(|line| line.starts_with(name)).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    assert!(
        text.contains("\nsignup_source: the reference has texts and the current data numbers\n")
    );
    assert!(
        text.ends_with("Not in the reference, and so not compared: loyalty_tier and beta_flag.\n")
    );
}

#[test]
fn each_verdict_has_its_headline_and_its_advice() {
    let same = || numbers((0..2000).map(|row| row % 50), 0);
    let calm = report(|comparer| comparer.numbers("x", &same(), &same()).unwrap()).to_text();
    assert!(calm.contains("None of 1 feature has drifted\nNothing needs to be done.\n"), "{calm}");
    let moved = report(|comparer| {
        let current = numbers((0..2000).map(|row| row % 50 + 20), 0);
        comparer.numbers("x", &same(), &current).unwrap();
    });
    let moved = moved.to_text();
    assert!(
        moved.contains(
            "1 of 1 feature has drifted: x\nBegin with x: the mean went from 24.5 to 44.5."
        ),
        "{moved}"
    );
    let few = report(|comparer| {
        comparer.numbers("x", &numbers(0..9, 0), &numbers(0..7, 0)).unwrap();
    });
    let few = few.to_text();
    assert!(
        few.contains("Too few rows to tell whether any of 1 feature has drifted\nTake a"),
        "{few}"
    );
    let failed = report(|comparer| {
        comparer.numbers("x", &same(), &same()).unwrap();
        comparer.failed("y", FeatureKind::Numeric, "the current data has no such column");
    });
    let failed = failed.to_text();
    assert!(
        failed.contains(
            "1 of 2 features could not be compared, no other has drifted: y\nMend the data first. Of y: the \
             current data has no such column."
        ),
        "{failed}"
    );
    let nothing = report(|_| ()).to_text();
    assert!(nothing.contains("There are no features to compare"), "{nothing}");
}

#[test]
fn many_features_are_counted_and_names_cannot_write_to_the_terminal() {
    let text = report(|comparer| {
        let side = CategoryCounts::new(5);
        for index in 0..300 {
            comparer.categories(&format!("\u{1b}]0;{index}\u{7}\n"), &side, &side).unwrap();
        }
        comparer.failed(
            "x",
            FeatureKind::Numeric,
            "type \u{1b}[31m".to_owned() + &"x".repeat(9999),
        );
        comparer.unexpected("\u{1b}[2J");
    })
    .to_text();
    assert!(text.contains("\nand 261 more\n"), "{text}");
    assert!(text.contains("Mend the data first. Of x: type \u{fffd}[31m"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 400), "{text}");
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
    assert!(text.lines().count() < 100);
}
