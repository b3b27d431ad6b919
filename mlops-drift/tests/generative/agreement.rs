//! Whether a judge and people agree.

use mlops_core::Error;
use mlops_drift::generative::Agreement;
use proptest::prelude::*;

use super::{assert_close, golden};

fn table(value: &serde_json::Value) -> Agreement {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn kappa_is_that_of_statsmodels() {
    for case in golden()["kappas"].as_array().unwrap() {
        let kappa = table(&case["table"]).kappa(0.95).unwrap().unwrap();
        assert_close(kappa.kappa, case["kappa"].as_f64().unwrap(), 1e-13);
        assert_close(kappa.standard_error, case["error"].as_f64().unwrap(), 1e-12);
        assert_close(
            kappa.interval.width(),
            2.0 * 1.959_963_984_540_054 * kappa.standard_error,
            1e-12,
        );
    }
}

#[test]
fn who_always_says_the_same_cannot_agree() {
    let mut agreement = Agreement::new(3).unwrap();
    assert_eq!((agreement.kappa(0.95).unwrap(), agreement.shares(0)), (None, None));
    for _ in 0..10 {
        agreement.observe(1, 1).unwrap();
    }
    assert_eq!(agreement.kappa(0.95).unwrap(), None);
    agreement.observe(2, 2).unwrap();
    let kappa = agreement.kappa(0.95).unwrap().unwrap();
    assert_eq!((kappa.kappa, kappa.observed), (1.0, 1.0));
    assert_eq!(agreement.count(), 11);
}

#[test]
fn shares_show_a_bias() {
    let mut agreement = Agreement::new(2).unwrap();
    for (judge, person) in [(1, 1), (1, 0), (1, 0), (0, 0)] {
        agreement.observe(judge, person).unwrap();
    }
    assert_eq!(agreement.shares(1), Some((0.75, 0.25)));
    assert_eq!(agreement.shares(2), None);
}

#[test]
fn bad_inputs_are_refused() {
    for categories in [0, 1, 65] {
        let error = Agreement::new(categories).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
    let mut agreement = Agreement::new(2).unwrap();
    for (judge, person, named) in [(2, 0, "judge's, 2"), (0, 9, "person's, 9")] {
        let error = agreement.observe(judge, person).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert!(agreement.merge(&Agreement::new(3).unwrap()).is_err());
    for confidence in [0.0, 1.0, f64::NAN] {
        assert!(agreement.kappa(confidence).is_err());
    }
    for text in ["[]", "[[1]]", "[[1,2],[3]]", "[[1,2],[3,-4]]"] {
        assert!(serde_json::from_str::<Agreement>(text).is_err(), "{text}");
    }
}

proptest! {
    /// Kappa is at most 1, does not change when judge and people change places, and parts add up.
    #[test]
    fn laws(rows in prop::collection::vec((0..3_usize, 0..3_usize, any::<bool>()), 1..80)) {
        let [mut whole, mut one, mut other, mut swapped] =
            [(); 4].map(|()| Agreement::new(3).unwrap());
        for (judge, person, part) in rows {
            whole.observe(judge, person).unwrap();
            if part { &mut one } else { &mut other }.observe(judge, person).unwrap();
            swapped.observe(person, judge).unwrap();
        }
        one.merge(&other).unwrap();
        prop_assert_eq!(&one, &whole);
        let [kappa, mirrored] = [whole, swapped].map(|agreement| agreement.kappa(0.9).unwrap());
        prop_assert_eq!(kappa.is_some(), mirrored.is_some());
        if let (Some(kappa), Some(mirrored)) = (kappa, mirrored) {
            prop_assert!((-1.0..=1.0 + 1e-12).contains(&kappa.kappa), "{}", kappa.kappa);
            assert_close(kappa.kappa, mirrored.kappa, 1e-12);
            assert_close(kappa.standard_error, mirrored.standard_error, 1e-12);
        }
    }
}
