//! The page: one file, the same bytes for the same report, and nothing in it that a name put there.

use std::fs;

use mlops_core::Error;
use mlops_drift::{
    compare::{CategoryCounts, FeatureKind, Numbers, Shape},
    report::{Report, Section},
};

use crate::data::{customers, report};

/// Few features, of figures that are the same on every machine.
fn small() -> Report {
    let numbers = |rows: u32, shift: u32, nulls: u64| {
        let values = (0..rows).map(|row| f64::from(row * row % 997 + shift)).collect();
        Numbers::new(values, nulls).unwrap()
    };
    let counts = |rows: [u64; 3]| {
        let mut counts = CategoryCounts::new(0);
        ["free", "pro", "team"].iter().zip(rows).for_each(|(name, rows)| counts.add(name, rows));
        counts
    };
    report(|comparer| {
        comparer.numbers("age", &numbers(4000, 0, 0), &numbers(4000, 0, 0)).unwrap();
        comparer.numbers("income", &numbers(4000, 0, 0), &numbers(3000, 300, 1000)).unwrap();
        comparer
            .categories("plan", &counts([2400, 1200, 400]), &counts([2420, 1180, 400]))
            .unwrap();
        comparer.numbers("refund", &numbers(30, 0, 3970), &numbers(30, 5, 3970)).unwrap();
        comparer.failed("source", FeatureKind::Categorical, "the current data has no such column");
    })
}

#[test]
fn it_is_the_same_to_the_byte() {
    let page = small().to_html().unwrap();
    assert_eq!(page, small().to_html().unwrap());
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/report/golden.html");
    if fs::read_to_string(golden).unwrap_or_default() != page {
        let written = concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html");
        fs::write(written, page).unwrap();
        panic!("look at {written}, and if it is right copy it to {golden}");
    }
}

#[test]
fn it_is_rendered_from_what_the_json_says() {
    let report = customers();
    let read = Report::from_json("stored", &report.to_json().unwrap()).unwrap();
    assert_eq!(read.to_html().unwrap(), report.to_html().unwrap());
    let mut broken = report;
    let Section::Drift(comparison) = &mut broken.sections[0] else { panic!() };
    comparison.features[0].shape =
        Shape::Bars { low: 0.0, high: 1.0, reference: vec![1.0], current: vec![0.5, 0.5] };
    let error = broken.to_html().unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[test]
fn it_says_the_verdict_and_every_feature() {
    let report = customers();
    let page = report.to_html().unwrap();
    assert!(
        page.contains("<h2>8 of 20 features have drifted: <a href=\"#f0-0\"><bdi>days_since_login")
    );
    let Section::Drift(comparison) = &report.sections[0] else { panic!() };
    assert_eq!(page.matches("<tbody class=").count(), comparison.features.len());
    for feature in &comparison.features {
        let name = feature.name.replace('_', "_<wbr>").replace('.', ".<wbr>");
        assert!(page.contains(&format!("<th scope=\"row\"><bdi>{name}</bdi></th>")), "{name}");
    }
    for said in [
        "Nulls went from 0% to 43%",
        "14.2% of its values are of categories that the reference never had",
        "The reference has texts and the current data numbers",
        "Not in the reference, and so not compared: \u{2068}loyalty_tier\u{2069}",
        "adjusted by Benjamini and Hochberg for all tests of all features, at most 0.05",
        "<td class=\"wide fixed\" data-v=\"0.00e0\">&lt; 1e-12</td>",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn it_is_small() {
    let page = customers().to_html().unwrap();
    assert!(page.len() <= 300_000, "{} bytes of 20 columns", page.len());

    // Half numbers of irregular shape, half categories of the most that a picture has.
    let numbers = |seed: u64| {
        let value = |row: u64| (row * row * (seed + 7) % 7919) as f64 * 1.000_1;
        Numbers::new((0..500).map(value).collect(), seed % 40).unwrap()
    };
    let counts = |seed: u64| {
        let mut counts = CategoryCounts::new(seed % 40);
        (0..40).for_each(|index| {
            counts.add(&format!("a long category {index}"), 1 + seed * index % 97)
        });
        counts
    };
    let large = report(|comparer| {
        for column in 0..500 {
            let name = format!("feature_store.customers.rolling_mean_{column}");
            comparer.numbers(&name, &numbers(column), &numbers(column + 1)).unwrap();
            comparer
                .categories(&format!("category_{column}"), &counts(column), &counts(column + 3))
                .unwrap();
        }
    });
    let page = large.to_html().unwrap();
    assert!(page.len() <= 5_000_000, "{} bytes of 1000 columns", page.len());
    assert_eq!(page.matches("<tbody class=").count(), 1000);
}

#[test]
fn beyond_two_thousand_features_it_counts() {
    let side = CategoryCounts::new(1);
    let page = report(|comparer| {
        for index in 0..2003 {
            comparer.categories(&index.to_string(), &side, &side).unwrap();
        }
    })
    .to_html()
    .unwrap();
    assert_eq!(page.matches("<tbody class=").count(), 2000);
    assert!(page.contains("3 more features are in the report's JSON only"));
}

#[test]
fn it_asks_nobody_for_anything() {
    let page = customers().to_html().unwrap();
    for reference in
        ["http:", "https:", "src=", "url(", "@import", "<link rel=\"style", "<iframe", "//"]
    {
        let found =
            page.match_indices(reference).map(|(at, _)| &page[at.saturating_sub(40)..at + 20]);
        // The script's own comments have slashes.
        let found: Vec<&str> =
            found.filter(|text| !text.contains("\n  // ") && !text.contains("\n// ")).collect();
        assert!(found.is_empty(), "{reference}: {found:?}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn names_are_text_whatever_they_are() {
    let hostile = "<script>alert(1)</script>";
    let quotes = "\"onmouseover=\"alert(2)\" x='";
    let long = "n".repeat(10_000);
    let page = report(|comparer| {
        let mut counts = CategoryCounts::new(0);
        for (rows, name) in
            [hostile, quotes, "שלום", "", &long, "a & b", "\u{202e}txt.exe"].iter().enumerate()
        {
            counts.add(name, 500 + rows as u64);
        }
        for name in [hostile, quotes, "مرحبا", "", &long, "line\nbreak"] {
            comparer.categories(name, &counts, &counts).unwrap();
            comparer.failed(name, FeatureKind::Numeric, format!("because of {name}"));
            comparer.unexpected(name);
        }
    });
    let page = Report::new(hostile, crate::data::MADE_AT, quotes, &long)
        .with_section(page.sections[0].clone())
        .to_html()
        .unwrap();
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    // Every quote of the hostile name is escaped, so it never ends an attribute.
    assert!(!page.contains("\"onmouseover") && page.contains("&quot;onmouseover"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;"));
    assert!(page.contains("<bdi>مرحبا</bdi>") && page.contains("(empty)"));
    assert!(!page.contains('\u{202e}'));
    assert!(!page.contains(&"n".repeat(400)), "long names are shortened");
    assert!(page.len() < 150_000, "{}", page.len());
}

#[test]
fn figures_at_the_ends_of_their_range_make_a_page() {
    let odd = [
        vec![],
        vec![f64::NAN; 5],
        vec![1.0],
        vec![7.0; 40],
        vec![f64::MAX; 40],
        vec![f64::MIN; 40],
        vec![f64::MAX, f64::MIN, 0.0],
        vec![5e-324, 0.0, 1e-320],
        (0..90).map(|row| 1e15 + f64::from(row)).collect(),
    ];
    let page = report(|comparer| {
        for (index, reference) in odd.iter().enumerate() {
            for (other, current) in odd.iter().enumerate() {
                let [reference, current] =
                    [reference, current].map(|side| Numbers::new(side.clone(), 0).unwrap());
                comparer.numbers(&format!("{index} {other}"), &reference, &current).unwrap();
            }
        }
    })
    .to_html()
    .unwrap();
    assert_eq!(page.matches("<tbody class=").count(), odd.len() * odd.len());
    // In a path, in an attribute, in a cell.
    for wrong in ["VNaN", "hNaN", "Vinf", "\"NaN", "\"inf", ">NaN", ">inf"] {
        assert!(!page.contains(wrong), "{wrong}");
    }
}
