//! Special functions against mpmath.

use mlops_core::stats::special::{
    beta_inc, beta_inc_complement, beta_inc_xy, deviance, gamma_p, gamma_q, ln_choose,
    stirling_error,
};

use crate::golden::{assert_close, cases, numbers};

/// 1e-12 for parameters up to a million, 1e-10 beyond.
fn tolerance(parameter: f64) -> f64 {
    if parameter <= 1e6 { 1e-12 } else { 1e-10 }
}

#[test]
fn stirling_errors() {
    for case in cases("stirling") {
        let [n, expected] = numbers(case);
        assert_close(stirling_error(n), expected, 1e-14, case);
    }
}

#[test]
fn deviances() {
    for case in cases("deviances") {
        let [x, np, expected] = numbers(case);
        assert_close(deviance(x, np), expected, 2e-15, case);
    }
}

#[test]
fn choices() {
    for case in cases("choices") {
        let [n, k] = [0, 1].map(|index| case[index].as_u64().unwrap());
        let expected = case[2].as_f64().unwrap();
        assert_close(ln_choose(n, k), expected, 1e-14, case);
        assert_close(ln_choose(n, n - k), expected, 1e-14, case);
    }
}

#[test]
fn incomplete_gammas() {
    for case in cases("gammas") {
        let [a, x, p, q] = numbers(case);
        assert_close(gamma_p(a, x), p, tolerance(a), case);
        assert_close(gamma_q(a, x), q, tolerance(a), case);
    }
}

#[test]
fn incomplete_betas() {
    for case in cases("betas") {
        let [a, b, x, lower, upper] = numbers(case);
        let tolerance = tolerance(a.max(b));
        assert_close(beta_inc(a, b, x), lower, tolerance, case);
        assert_close(beta_inc_complement(a, b, x), upper, tolerance, case);
        if x >= 0.5 {
            // There 1 - x is exact.
            assert_close(beta_inc_xy(a, b, x, 1.0 - x), lower, tolerance, case);
            assert_close(beta_inc_xy(b, a, 1.0 - x, x), upper, tolerance, case);
        }
    }
}
