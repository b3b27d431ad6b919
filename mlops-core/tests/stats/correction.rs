//! Corrections against `multipletests` of statsmodels.

use mlops_core::stats::correction::Correction;

use crate::golden::{assert_close, cases, list};

#[test]
fn values_of_statsmodels() {
    for case in cases("corrections") {
        for (name, correction) in [
            ("bonferroni", Correction::Bonferroni),
            ("holm", Correction::Holm),
            ("benjamini_hochberg", Correction::BenjaminiHochberg),
            ("benjamini_yekutieli", Correction::BenjaminiYekutieli),
        ] {
            assert_eq!(serde_json::to_value(correction).unwrap(), name);
            let found = correction.adjust(&list(&case["p_values"])).unwrap();
            let expected = list(&case[name]);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.into_iter().zip(expected) {
                assert_close(found, expected, 1e-14, (name, case));
            }
        }
    }
}
