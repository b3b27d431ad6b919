//! Distributions against mpmath.

use mlops_core::stats::{binomial, chi_square, hypergeometric, normal, student_t};

use crate::golden::{assert_close, cases, numbers};

#[test]
fn normals() {
    for case in cases("normals") {
        let [x, pdf, cdf, sf] = numbers(case);
        assert_close(normal::pdf(x), pdf, 1e-12, case);
        assert_close(normal::cdf(x), cdf, 1e-12, case);
        assert_close(normal::sf(x), sf, 1e-12, case);
        assert_close(normal::two_sided(x), 2.0 * cdf.min(sf), 1e-12, case);
    }
    for case in cases("normal_quantiles") {
        let [p, x] = numbers(case);
        assert_close(normal::quantile(p), x, 2e-15, case);
    }
}

#[test]
fn chi_squares() {
    for case in cases("chi_squares") {
        let [dof, p, x] = numbers(case);
        // The complement of p has but so many digits, and the root no more than that.
        let tolerance = if p > 0.5 { 1e-16 / (1.0 - p) } else { 0.0 } + 1e-13;
        assert_close(chi_square::quantile(p, dof), x, tolerance, case);
    }
    for case in cases("gammas") {
        let [a, x, p, q] = numbers(case);
        assert_close(chi_square::cdf(2.0 * x, 2.0 * a), p, 1e-10, case);
        assert_close(chi_square::sf(2.0 * x, 2.0 * a), q, 1e-10, case);
    }
}

#[test]
fn student_ts() {
    for case in cases("student_ts") {
        let [dof, t, sf] = numbers(case);
        let tolerance = if dof <= 2e6 { 1e-12 } else { 1e-10 };
        assert_close(student_t::sf(t, dof), sf, tolerance, case);
        assert_close(student_t::cdf(-t, dof), sf, tolerance, case);
        assert_close(student_t::two_sided(t, dof), 2.0 * sf, tolerance, case);
        assert_close(student_t::cdf(t, dof), 1.0 - sf, 1e-15, case);
    }
    for case in cases("student_t_quantiles") {
        let [dof, p, t] = numbers(case);
        assert_close(student_t::quantile(p, dof), t, 1e-12, case);
    }
}

#[test]
fn binomials() {
    for case in cases("binomials") {
        let [k, n, p, pmf, cdf, sf] = numbers(case);
        let tolerance = if n <= 1e6 { 1e-12 } else { 1e-10 };
        let (k, n) = (k as u64, n as u64);
        assert_close(binomial::pmf(k, n, p), pmf, tolerance, case);
        assert_close(binomial::cdf(k, n, p), cdf, tolerance, case);
        assert_close(binomial::sf(k, n, p), sf, tolerance, case);
    }
}

#[test]
fn hypergeometrics() {
    for case in cases("hypergeometrics") {
        let [k, total, successes, draws, pmf, cdf, sf] = numbers(case);
        let [k, total, successes, draws] = [k, total, successes, draws].map(|count| count as u64);
        assert_close(hypergeometric::pmf(k, total, successes, draws), pmf, 1e-12, case);
        assert_close(hypergeometric::cdf(k, total, successes, draws), cdf, 1e-12, case);
        assert_close(hypergeometric::sf(k, total, successes, draws), sf, 1e-12, case);
    }
}
