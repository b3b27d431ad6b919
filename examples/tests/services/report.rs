//! A report in a browser: it shows what was found, sorts and filters, and asks nobody for anything.

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    compare::{CategoryCounts, CompareOptions, Comparer, FeatureKind, Numbers},
    report::{Report, Section},
};
use serde_json::{Value, json};

use crate::browser::visit;

/// Opens the report as people do, and writes down what it saw.
const VISITOR: &str = r#"<!doctype html><link rel="icon" href="data:,"><pre></pre><iframe src="report.html" width="400" height="900"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument;
  const names = () => [...page.querySelectorAll(".features > tbody")].filter((each) => !each.hidden)
    .map((each) => each.rows[0].cells[0].textContent);
  const head = (text) => [...page.querySelectorAll(".features thead button")]
    .find((each) => each.textContent.startsWith(text));
  const background = () => frame.contentWindow.getComputedStyle(page.body).backgroundColor;
  const seen = { title: page.title, verdict: page.querySelector("h2").textContent, rows: names() };
  seen.overflow = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  for (const column of ["Feature", "Effect", "Nulls", "Verdict"]) {
    head(column).click();
    seen[column] = [names()];
    head(column).click();
    seen[column].push(names());
  }
  seen.sorted = [...page.querySelectorAll(".features [aria-sort]")].map((each) => [each.textContent, each.ariaSort]);
  const few = page.querySelector("[data-filter=few]");
  few.click();
  seen.few = [names(), page.querySelector(".shown").textContent];
  few.click();
  const search = page.querySelector("input[type=search]");
  search.value = "IN";
  search.dispatchEvent(new Event("input", { bubbles: true }));
  seen.found = names();
  search.value = "";
  search.dispatchEvent(new Event("input", { bubbles: true }));
  seen.all = names().length;
  const before = background();
  page.getElementById("theme").click();
  seen.dark = before !== background();
  page.querySelector("h2 a").click();
  setTimeout(() => {
    seen.open = [...page.querySelectorAll(".features details")].filter((each) => each.open)
      .map((each) => each.closest("tbody").rows[0].cells[0].textContent);
    document.querySelector("pre").textContent = JSON.stringify(seen);
  }, 1000);
};
</script>"#;

/// Seven features, of which two have drifted.
fn report() -> String {
    let numbers = |rows: u32, shift: u32, nulls: u64| {
        let values = (0..rows).map(|row| f64::from(row * row % 997 + shift)).collect();
        Numbers::new(values, nulls).unwrap()
    };
    let mut plans = CategoryCounts::new(0);
    plans.add("free", 1500);
    plans.add("<b>pro</b>", 500);
    let mut comparer = Comparer::new(&CompareOptions::default(), 2000, 2000).unwrap();
    comparer.numbers("age", &numbers(2000, 0, 0), &numbers(2000, 3, 0)).unwrap();
    comparer.numbers("income", &numbers(2000, 0, 0), &numbers(2000, 250, 0)).unwrap();
    comparer.categories("plan", &plans, &plans).unwrap();
    comparer.numbers("login", &numbers(2000, 0, 0), &numbers(1100, 0, 900)).unwrap();
    comparer.numbers("refund", &numbers(30, 0, 1970), &numbers(30, 5, 1970)).unwrap();
    comparer.failed("source", FeatureKind::Categorical, "there is none");
    comparer.categories("<script>alert(1)</script>", &plans, &plans).unwrap();
    Report::new("Customers & others", Timestamp::EPOCH, "october", "november")
        .with_section(Section::Drift(comparer.finish().unwrap()))
        .to_html()
        .unwrap()
}

#[test]
fn it_shows_sorts_and_filters_and_no_request_leaves_it() {
    let seen = visit(&[("a.html", VISITOR), ("report.html", &report())]);
    assert_eq!(
        seen.requests,
        ["GET http://report.test/a.html", "GET http://report.test/report.html"]
    );
    let text = seen.document.split_once("<pre>").unwrap().1.split_once("</pre>").unwrap().0;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let seen: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let script = "<script>alert(1)</script>";
    assert_eq!(seen["title"], "Customers & others");
    assert_eq!(seen["verdict"], "2 of 7 features have drifted: login, income");
    let rows = json!(["login", "income", "source", "refund", "age", "plan", script]);
    assert_eq!(seen["rows"], rows);
    assert_eq!(seen["overflow"], 0, "it is wider than a telephone");
    assert_eq!(
        seen["Feature"],
        json!([
            [script, "age", "income", "login", "plan", "refund", "source"],
            ["source", "refund", "plan", "login", "income", "age", script]
        ])
    );
    let first_and_last = |column: &str, turn: usize| {
        let rows = seen[column][turn].as_array().unwrap();
        (rows[0].as_str().unwrap().to_owned(), rows[6].as_str().unwrap().to_owned())
    };
    // What has no figure is last both ways.
    assert_eq!(first_and_last("Effect", 1), ("login".to_owned(), "source".to_owned()));
    assert_eq!(first_and_last("Effect", 0).1, "source");
    assert_eq!(first_and_last("Nulls", 1).0, "login");
    assert_eq!(seen["Verdict"][0], rows);
    assert_eq!(seen["sorted"], json!([["Verdict", "descending"]]));
    assert_eq!(seen["few"], json!([["refund"], "1 of 7 features are shown"]));
    assert_eq!(
        seen["found"],
        json!(["login", "income"]).as_array().map_or(json!(null), |names| {
            // In the order that the table was last sorted in.
            json!([names[1], names[0]])
        })
    );
    assert_eq!((&seen["all"], &seen["dark"]), (&json!(7), &json!(true)));
    assert_eq!(seen["open"], json!(["login"]));
}

#[test]
fn it_is_all_there_without_script() {
    // Scripts do not run in such a frame.
    let visitor = r#"<!doctype html><link rel="icon" href="data:,"><pre></pre>
<iframe src="report.html" sandbox="allow-same-origin"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const rows = [...frame.contentDocument.querySelectorAll(".features > tbody")];
  const names = rows.map((each) => each.rows[0].cells[0].textContent);
  const controls = frame.contentDocument.querySelectorAll("thead button, label:not([hidden]), button:enabled:not([hidden])");
  document.querySelector("pre").textContent = JSON.stringify([names.length, names[0], controls.length]);
};
</script>"#;
    let seen = visit(&[("a.html", visitor), ("report.html", &report())]);
    assert_eq!(seen.requests.len(), 2, "{:?}", seen.requests);
    assert!(seen.document.contains("<pre>[7,\"login\",0]</pre>"), "{}", seen.document);
}

/// That the tests above would see a request.
#[test]
fn a_page_that_asks_for_something_is_seen_to() {
    let page = "<!doctype html><img src=\"http://elsewhere.test/pixel.png\"><link rel=\"stylesheet\" \
                href=\"https://fonts.test/font.css\">";
    let seen = visit(&[("page.html", page)]);
    for asked in ["GET http://elsewhere.test/pixel.png", "CONNECT fonts.test:443"] {
        assert!(seen.requests.iter().any(|request| request == asked), "{:?}", seen.requests);
    }
}
