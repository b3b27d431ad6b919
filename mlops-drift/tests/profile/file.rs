//! The file of a profile.

use mlops_core::{Error, timestamp::Timestamp};
use mlops_drift::profile::{Column, FeatureProfile, Origin, Profile, ProfileOptions};
use proptest::prelude::*;

use super::{normal, random};

fn fit(columns: &[(&str, Column<'_>)], options: &ProfileOptions) -> Profile {
    let origin = Origin::new("training data of \"2026-10\"", Timestamp::from_micros(1_790_000_000));
    Profile::fit(columns, origin, options).unwrap()
}

/// A small profile that has something of everything.
fn small() -> Profile {
    let numbers = [1.5, -2.0, 1.5, f64::NAN, f64::INFINITY, 1.5, 3.25, 0.1];
    let names = ["a", "é\"", "a", "", "b", "c", "c"];
    let columns = [
        ("number", Column::Numeric { values: &numbers, nulls: 1 }),
        ("name", Column::Categorical { values: &names, nulls: 2 }),
        ("nothing", Column::Numeric { values: &[], nulls: 9 }),
    ];
    fit(&columns, &ProfileOptions::default().with_bins(3).with_categories(3))
}

#[test]
fn what_is_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("profile.json");
    let reference = small();
    reference.save(&path).unwrap();
    assert_eq!(Profile::open(&path).unwrap(), reference);
    // Over the one that is there; of no rows; of the largest numbers.
    reference.empty_like().save(&path).unwrap();
    assert_eq!(Profile::open(&path).unwrap(), reference.empty_like());
    let extremes = [f64::MAX, f64::MIN, 5e-324, -0.0, 1e300];
    let extremes = fit(&[("x", Column::numeric(&extremes))], &ProfileOptions::default());
    extremes.save(&path).unwrap();
    assert_eq!(Profile::open(&path).unwrap(), extremes);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    // By serde alone, too.
    let value = serde_json::to_value(&reference).unwrap();
    assert_eq!(serde_json::from_value::<Profile>(value).unwrap(), reference);
}

#[test]
fn a_merged_profile_is_valid() {
    let reference = fit(&[("x", Column::numeric(&normal("merged", 500)))], &Default::default());
    let mut current = reference.empty_like();
    for part in 0..20 {
        let values = normal(&format!("part {part}"), 50);
        let mut window = reference.empty_like();
        window.observe_columns(&[("x", Column::numeric(&values))]).unwrap();
        current.merge(&window).unwrap();
    }
    let json = current.to_json().unwrap();
    assert_eq!(Profile::from_json("current", &json).unwrap(), current);
}

#[test]
fn a_feature_takes_four_kilobytes() {
    // What a second feature of the kind adds to the file.
    let size = |column: Column<'_>| {
        let size = |columns: &[(&str, Column<'_>)]| {
            fit(columns, &ProfileOptions::default()).to_json().unwrap().len()
        };
        size(&[("first", column), ("second", column)]) - size(&[("first", column)])
    };
    let numbers = normal("size", 1_000_000);
    let numeric = size(Column::numeric(&numbers));
    assert!((3500..=4096).contains(&numeric), "{numeric}");
    let names: Vec<String> = (0..100).map(|n| format!("category-{n}")).collect();
    let values: Vec<&str> = (0..100_000).map(|row| &*names[row % 100]).collect();
    let categorical = size(Column::categorical(&values));
    assert!((3500..=4096).contains(&categorical), "{categorical}");
}

#[test]
fn the_format_does_not_change() {
    // Written by the first release.
    let pinned = include_bytes!("pinned.json");
    assert_eq!(Profile::from_json("pinned", pinned).unwrap(), small());
    assert_eq!(small().to_json().unwrap(), pinned.trim_ascii());
}

#[test]
fn damage_is_named() {
    let json = String::from_utf8(small().to_json().unwrap()).unwrap();
    for (from, to, reason) in [
        ("\"rows\":9", "\"rows\":10", "feature `number` has 9, and says 10"),
        ("\"rows\":9", "\"rows\":8", "feature `number` has 9, and says 8"),
        ("\"name\":\"number\"", "\"name\":\"number\",\"rows\":8", "has 9, and says 8"),
        ("\"rows\":9", "\"rows\":9007199254740993", "invalid rows"),
        ("\"edges\":[", "\"edges\":[1e9,", "invalid edges: feature `number`: edge 1"),
        ("\"counts\":[", "\"counts\":[0,", "invalid counts: feature `number`"),
        ("\"offsets\":[", "\"offsets\":[0.0,", "invalid offsets: feature `number`"),
        ("\"squares\":", "\"squares\":-", "invalid squares: feature `number`"),
        ("\"range\":[", "\"range\":[-9,0.2],\"was\":[", "unknown field"),
        ("\"range\":[-2.0,3.25]", "\"range\":[-2.5,3.25]", "invalid range: feature `number`"),
        ("\"range\":[-2.0,3.25]", "\"range\":null", "invalid range: feature `number`"),
        ("\"name\":\"name\"", "\"name\":\"number\"", "`number` is given twice"),
        ("\"name\":\"name\"", "\"name\":\"\"", "one has no name"),
        ("\"categories\":[\"\",", "\"categories\":[\"z\",", "invalid categories: feature `name`"),
        ("\"distinct\":\"", "\"distinct\":\"A", "invalid distinct: feature `name`: 2049"),
    ] {
        let damaged = json.replacen(from, to, 1);
        assert_ne!(damaged, json, "{from}");
        let error = Profile::from_json("p.json", damaged.as_bytes()).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { name, .. } if **name == *"p.json"), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn another_format_is_told_from_damage() {
    let json = String::from_utf8(small().to_json().unwrap()).unwrap();
    let newer = json.replacen("\"format_version\":1", "\"format_version\":2,\"more\":[]", 1);
    let error = Profile::from_json("p.json", newer.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
    assert_eq!(error.to_string(), "this release does not support profile format 2 of p.json");
}

#[test]
fn missing_files_are_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("no").join("profile.json");
    assert!(matches!(Profile::open(&path), Err(Error::NotFound { .. })));
    assert!(matches!(small().save(&path), Err(Error::NotFound { .. })));
    let error = small().save(directory.path().join("..")).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { what: "profile path", .. }));
}

#[test]
fn a_feature_may_have_fewer_rows_than_there_are_if_it_says_so() {
    let json = String::from_utf8(small().to_json().unwrap()).unwrap();
    let more = json.replacen("\"rows\":9", "\"rows\":10", 1);
    let more = more.replace("\"profile\":", "\"rows\":9,\"profile\":");
    let profile = Profile::from_json("more", more.as_bytes()).unwrap();
    assert_eq!((profile.rows(), profile.feature("number").unwrap().rows()), (10, 9));
    assert_eq!(profile.to_json().unwrap(), more.as_bytes());
    let fewer = more.replacen("\"rows\":10", "\"rows\":8", 1);
    let error = Profile::from_json("fewer", fewer.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("feature `number` has 9, the profile 8"), "{error}");
}

/// An error that says so, or a profile that works.
fn check(json: &[u8]) {
    match Profile::from_json("edited", json) {
        Err(Error::Corrupt { .. } | Error::Unsupported { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(profile) => {
            let mut sum = profile.empty_like();
            sum.merge(&profile).unwrap();
            sum.merge(&profile).unwrap();
            for (_, feature) in sum.features() {
                assert!(feature.rows() <= 2 * profile.rows());
                if let FeatureProfile::Numeric(numeric) = feature {
                    assert!(numeric.mean().is_none_or(f64::is_finite));
                    assert!(numeric.variance().is_none_or(f64::is_finite));
                }
            }
            let again = Profile::from_json("again", &profile.to_json().unwrap()).unwrap();
            assert_eq!(again, profile);
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    let json = small().to_json().unwrap();
    for length in 0..json.len() {
        let error = Profile::from_json("cut", &json[..length]).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{length}: {error}");
    }
}

#[test]
fn no_edit_of_a_byte_panics() {
    let json = small().to_json().unwrap();
    // The registers of a sketch are most of the file, and all alike: a few of them will do.
    let sketch = json.windows(12).position(|part| part == b"\"distinct\":\"").unwrap() + 20;
    let mut stream = random("edits");
    for at in (0..json.len()).filter(|at| !(sketch..sketch + 2000).contains(at)) {
        let letters =
            [b'0', b'9', b'-', b'e', b',', b'"', b']', b'.', stream.next_below(256) as u8];
        for letter in letters {
            let mut edited = json.clone();
            edited[at] = letter;
            check(&edited);
        }
        let mut shorter = json.clone();
        shorter.remove(at);
        check(&shorter);
    }
}

proptest! {
    #[test]
    fn no_file_panics(json: Vec<u8>, at in 0_usize..3000, insert in "[0-9eE.,\\-\\]\\[\"a-z]{0,12}") {
        check(&json);
        let mut edited = small().to_json().unwrap();
        let at = at.min(edited.len());
        edited.splice(at..at, insert.bytes());
        check(&edited);
    }
}

#[test]
fn a_misspelt_option_is_refused() {
    let error = serde_json::from_str::<ProfileOptions>(r#"{"bin":5}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `bin`"), "{error}");
}
