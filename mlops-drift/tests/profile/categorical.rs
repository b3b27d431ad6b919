//! What is kept of a category.

use mlops_core::Error;
use mlops_drift::profile::{CategoricalProfile, Categories};

#[test]
fn all_categories_are_kept_if_they_are_few() {
    let reference = CategoricalProfile::fit(&["b", "a", "b", ""], 3, 10).unwrap();
    assert_eq!(reference.categories().names().concat(), "ab");
    assert!(reference.categories().is_complete());
    assert_eq!(reference.counts(), [1, 1, 2, 0]);
    assert_eq!((reference.rows(), reference.nulls()), (7, 3));
    assert!((reference.distinct() - 3.0).abs() < 0.01);

    let mut current = reference.empty_like();
    for value in ["a", "c", "c", "aa"] {
        current.observe(value);
    }
    assert_eq!((current.unseen(), current.other()), (3, 0));
    assert_eq!(current.counts(), [0, 1, 0, 3]);
}

#[test]
fn the_most_frequent_are_kept_and_the_first_of_equals() {
    let values = ["d", "d", "d", "c", "b", "a", "b"];
    let reference = CategoricalProfile::fit(&values, 0, 3).unwrap();
    assert_eq!(reference.categories().names().concat(), "abd");
    assert_eq!(reference.counts(), [1, 2, 3, 1]);
    // `c` was in the reference: what is not kept cannot be called new.
    assert_eq!((reference.unseen(), reference.other()), (0, 1));
    assert!(!reference.categories().is_complete());
}

#[test]
fn a_flood_takes_no_memory() {
    let flood: Vec<String> = (0..100_000).map(|n| format!("user-{n}")).collect();
    let values: Vec<&str> = flood.iter().map(String::as_str).collect();
    let reference = CategoricalProfile::fit(&values, 0, 256).unwrap();
    assert_eq!(reference.counts().len(), 257);
    assert_eq!(reference.other(), 100_000 - 256);
    let mut current = CategoricalProfile::fit(&["a", "b"], 0, 256).unwrap().empty_like();
    for value in &values {
        current.observe(value);
    }
    assert_eq!(current.counts(), [0, 0, 100_000]);
    assert_eq!(current.unseen(), 100_000);
    // Four standard errors.
    assert!((current.distinct() / 100_000.0 - 1.0).abs() < 4.0 * 0.023, "{}", current.distinct());
}

#[test]
fn long_texts_are_not_kept() {
    let long = "x".repeat(Categories::MAX_NAME_BYTES + 1);
    let reference = CategoricalProfile::fit(&[&long, &long, "a"], 0, 10).unwrap();
    assert_eq!(reference.categories().names().concat(), "a");
    assert_eq!((reference.counts(), reference.other()), (&[1, 2][..], 2));
}

#[test]
fn a_column_of_nulls_has_no_categories() {
    let reference = CategoricalProfile::fit(&[], 5, 10).unwrap();
    assert_eq!((reference.counts(), reference.rows()), (&[0][..], 5));
    let mut current = reference.empty_like();
    current.observe("a");
    assert_eq!(current.unseen(), 1);
}

#[test]
fn bad_numbers_of_categories_are_refused() {
    for wrong in [0, Categories::MAX + 1] {
        let error = CategoricalProfile::fit(&["a"], 0, wrong).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "categories", .. }));
    }
}

#[test]
fn every_name_is_found_and_no_other() {
    for count in [0, 1, 2, 3, 256, 1000, Categories::MAX] {
        let names: Vec<String> = (0..count).map(|n| format!("{n:05}")).collect();
        let categories = Categories::fit(names.iter().map(String::as_str), 4096).unwrap();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(categories.cell(name), place);
            assert_eq!(categories.cell(&name[1..]), count);
        }
        assert_eq!(categories.cell(""), count);
    }
}
