//! Reports: what was found, for people and for programs.
//!
//! A [`Report`] is a list of [`Section`]s under a title. Its JSON is the source: it has a version, is read
//! back by later releases, and has everything that was found. Text for a terminal and, with cargo feature
//! `html`, a page for a browser are rendered from it and show the same. The page is one file: styles,
//! script and pictures are in it, and it asks nobody for anything. Nothing here reads a clock, so the same
//! findings give the same bytes.
//!
//! ```
//! use mlops_core::timestamp::Timestamp;
//! use mlops_drift::compare::{CategoryCounts, CompareOptions, Comparer};
//! use mlops_drift::report::{Report, Section};
//!
//! # fn main() -> mlops_core::Result<()> {
//! let (mut october, mut november) = (CategoryCounts::new(0), CategoryCounts::new(0));
//! october.add("free", 900);
//! october.add("pro", 100);
//! november.add("free", 500);
//! november.add("pro", 500);
//! let mut comparer = Comparer::new(&CompareOptions::default(), 1000, 1000)?;
//! comparer.categories("plan", &october, &november)?;
//!
//! let report = Report::new("Customers", Timestamp::EPOCH, "october.csv", "november.csv")
//!     .with_section(Section::Drift(comparer.finish()?));
//! assert!(report.to_text().contains("1 of 1 feature has drifted: plan"));
//! let json = report.to_json()?;
//! assert_eq!(Report::from_json("customers.json", &json)?, report);
//! # Ok(())
//! # }
//! ```

mod check;
mod degradation;
mod figure;
mod headline;
#[cfg(feature = "html")]
mod html;
mod performance;
mod quality;
#[expect(clippy::module_inception, reason = "the main type of the folder is called like it")]
mod report;
mod row;
mod table;
mod text;

pub use self::report::{Report, Section};
