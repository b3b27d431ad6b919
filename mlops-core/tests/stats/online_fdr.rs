//! Online control of false discoveries: the papers' formulas, restarts, and the rate itself.

use mlops_core::{
    random::RandomKey,
    stats::online_fdr::{OnlineFdr, OnlineFdrOptions, OnlineProcedure},
};

use crate::golden::{assert_close, cases, list};

const SAFFRON: OnlineProcedure = OnlineProcedure::Saffron { candidate: 0.5 };
const PROCEDURES: [(&str, OnlineProcedure); 2] =
    [("lord", OnlineProcedure::LordPlusPlus), ("saffron", SAFFRON)];

#[test]
fn levels_are_those_of_the_papers() {
    let mut rejections = 0;
    for case in cases("online") {
        for (name, procedure) in PROCEDURES {
            let options = OnlineFdrOptions::default()
                .with_procedure(procedure)
                .with_alpha(case["alpha"].as_f64().unwrap())
                .with_initial_wealth(case["wealth"].as_f64().unwrap());
            let mut tests = OnlineFdr::new(options).unwrap();
            let levels = list(&case[name]["levels"]);
            for (p_value, level) in list(&case["p_values"]).into_iter().zip(levels) {
                let announced = tests.level();
                let decision = tests.test(p_value).unwrap();
                assert_eq!(decision.level, announced);
                assert_close(decision.level, level, 1e-12, name);
                assert_eq!(decision.rejected, p_value <= level);
            }
            assert_eq!(Some(tests.rejections()), case[name]["rejections"].as_u64());
            assert_eq!(tests.tests(), 300);
            rejections += tests.rejections();
        }
    }
    assert!(rejections > 100, "{rejections}");
}

#[test]
fn a_restart_changes_nothing() {
    for (_, procedure) in PROCEDURES {
        let options = OnlineFdrOptions::default().with_procedure(procedure).with_max_rejections(20);
        let mut whole = OnlineFdr::new(options).unwrap();
        let mut restarted = whole.clone();
        let mut stream = RandomKey::from_seed(5).stream(0);
        for test in 0..400 {
            if test % 37 == 0 {
                let stored = serde_json::to_string(&restarted).unwrap();
                restarted = serde_json::from_str(&stored).unwrap();
            }
            let p_value = stream.next_unit().powi(4);
            assert_eq!(whole.test(p_value).unwrap(), restarted.test(p_value).unwrap());
        }
        assert!(whole.rejections() > 20);
    }
}

/// The mean share of false ones among what was rejected of `tests` p-values, over many streams, and what was
/// rejected of the false hypotheses.
fn simulate(
    seed: u64,
    false_share: f64,
    mut reject: impl FnMut(&[f64]) -> Vec<bool>,
) -> (f64, f64) {
    const STREAMS: u64 = 400;
    let (mut false_discoveries, mut power) = (0.0, 0.0);
    for number in 0..STREAMS {
        let mut stream = RandomKey::from_seed(seed).stream(number);
        let is_false: Vec<bool> = (0..300).map(|_| stream.next_unit() < false_share).collect();
        let p_values: Vec<f64> = is_false
            .iter()
            .map(
                |is_false| if *is_false { stream.next_unit().powi(12) } else { stream.next_unit() },
            )
            .collect();
        let rejected = reject(&p_values);
        let count = |what: bool| {
            let both = rejected.iter().zip(&is_false);
            both.filter(|(rejected, is_false)| **rejected && **is_false == what).count() as f64
        };
        false_discoveries += count(false) / (count(false) + count(true)).max(1.0);
        power += count(true) / is_false.iter().filter(|is_false| **is_false).count().max(1) as f64;
    }
    (false_discoveries / STREAMS as f64, power / STREAMS as f64)
}

#[test]
fn the_false_discovery_rate_is_kept() {
    const ALPHA: f64 = 0.1;
    for false_share in [0.0, 0.1, 0.4] {
        for (name, procedure) in PROCEDURES {
            let options = OnlineFdrOptions::default().with_procedure(procedure).with_alpha(ALPHA);
            let (rate, power) = simulate(6, false_share, |p_values| {
                let mut tests = OnlineFdr::new(options).unwrap();
                p_values.iter().map(|p_value| tests.test(*p_value).unwrap().rejected).collect()
            });
            // Four standard errors of a share of at most one in 400 streams.
            let slack = 4.0 * (ALPHA * (1.0 - ALPHA) / 400.0_f64).sqrt();
            assert!(rate <= ALPHA + slack, "{name} {false_share}: {rate}");
            assert!(false_share == 0.0 || power > 0.2, "{name} {false_share}: {power}");
        }
    }
    // What this check makes of a fixed level.
    let (rate, _) = simulate(6, 0.0, |p_values| p_values.iter().map(|p| *p <= ALPHA).collect());
    assert!(rate > 0.9, "{rate}");
}

#[test]
fn saffron_finds_more_where_much_is_false() {
    let power = |procedure| {
        simulate(7, 0.5, |p_values| {
            let mut tests =
                OnlineFdr::new(OnlineFdrOptions::default().with_procedure(procedure)).unwrap();
            p_values.iter().map(|p_value| tests.test(*p_value).unwrap().rejected).collect()
        })
        .1
    };
    assert!(power(SAFFRON) > power(OnlineProcedure::LordPlusPlus));
}
