//! Texts that are made to break or to stall evaluators.

use std::sync::Arc;

use mlops_drift::generative::{
    Characters, ContextOverlap, Evaluator, EvaluatorSet, Exchange, JsonValidity, Keywords,
    Language, Length, PiiHits, Refusal, Repetition, Score,
};
use proptest::prelude::*;

use super::score_of;

fn all() -> EvaluatorSet {
    let evaluators: Vec<Arc<dyn Evaluator>> = vec![
        Arc::new(Characters::new()),
        Arc::new(ContextOverlap::new()),
        Arc::new(JsonValidity::new(["a", "b"]).unwrap()),
        Arc::new(Keywords::new("insults", ["dolt"]).unwrap()),
        Arc::new(Language::new()),
        Arc::new(Length::new()),
        Arc::new(PiiHits::new()),
        Arc::new(Refusal::new()),
        Arc::new(Repetition::new(4).unwrap()),
    ];
    EvaluatorSet::new(evaluators).unwrap()
}

/// What is quadratic takes days for these: that the test ends is what it tests.
#[test]
fn ten_megabytes_are_scored_in_time() {
    const SIZE: usize = 10 << 20;
    for piece in [
        "a", "1", " ", "[", "{\"a\":", "a@", "a.", "a@a.", "+1", "+1 ", "4 ", "4-", "41", "1.",
        "1:", "DE89", "AD 00 ", "(212) ", "\"", "\\u0061", "'", "漢", "й ",
    ] {
        let text = piece.repeat(SIZE / 20 / piece.len());
        let exchange = Exchange::new(&text).with_context(&text);
        all().evaluate(&exchange).unwrap();
    }
    let text = "so it goes, a.b@c.de and 4111 1111 1111 1111. ".repeat(SIZE / 46);
    let row = all().evaluate(&Exchange::new(&text)).unwrap();
    let lines = (SIZE / 46) as f64;
    assert_eq!(row.get("pii_emails"), Some(&Score::Number(lines)));
    assert_eq!(row.get("pii_cards"), Some(&Score::Number(lines)));
    assert_eq!(row.get("response_sentences"), Some(&Score::Number(lines)));
}

#[test]
fn no_depth_of_json_overflows_the_stack() {
    let json = JsonValidity::new(["a"]).unwrap();
    let valid = |text: &str| score_of(&json, &Exchange::new(text), "json_valid");
    let depth = 1_000_000;
    let closed = "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(valid(&closed), Some(Score::YesNo(true)));
    assert_eq!(valid(&closed[..2 * depth - 1]), Some(Score::YesNo(false)));
    let objects = "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    assert_eq!(valid(&objects), Some(Score::YesNo(true)));
    let share = score_of(&json, &Exchange::new(&objects), "json_keys");
    assert_eq!(share, Some(Score::Bounded(1.0)));
}

proptest! {
    /// Whatever the text is, each score is there, of its kind and within its bounds, and the same again.
    #[test]
    fn any_text_is_scored(
        response in r"[\PC\x00-\x7f]{0,200}|[0-9a-fA-F:.@+\-() ]{0,200}|[\[\]{}:,\x22\\ a1]{0,60}",
        context in prop::option::of(r"\PC{0,100}"),
    ) {
        let mut exchange = Exchange::new(&response).with_prompt("?");
        exchange.context = context.as_deref();
        let set = all();
        let row = set.evaluate(&exchange).unwrap();
        prop_assert_eq!(&row, &set.evaluate(&exchange).unwrap());
        prop_assert_eq!(row.values().len(), set.columns().len());
    }

    /// What is put between other words is found.
    #[test]
    fn what_is_there_is_found(
        before in "[a-zä ]{0,40}",
        after in "[a-zä ]{0,40}",
        copies in 0_usize..4,
    ) {
        let pii = "jane@mail.example, +49 30 1234567, DE89370400440532013000, 4111111111111111, 8.8.8.8";
        let text = format!("{before} {} {after}", vec![pii; copies].join(" and "));
        let row = all().evaluate(&Exchange::new(&text)).unwrap();
        for name in ["pii_emails", "pii_phones", "pii_ibans", "pii_cards", "pii_ip_addresses"] {
            prop_assert_eq!(row.get(name), Some(&Score::count(copies)), "{} in {}", name, &text);
        }
    }
}
