//! The page around the sections, and [`Report::to_html`].

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use mlops_core::{Error, Result};
use serde::Serialize;

use super::{drift::DriftView, table::TableView};
use crate::report::{
    Report, Section, degradation,
    figure::{minute, shortened},
    performance, quality,
};

const PAGE: &str = include_str!("page.html");
const DRIFT: &str = include_str!("drift.html");
const TABLE: &str = include_str!("table.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The SHA-256 of the script in base64: the page's policy lets no other run.
const SCRIPT_DIGEST: &str = "81d3nDysMdURPKCzhfn0ndji7l8d4ldYDuJuGz/3P9U=";

/// A section, by the template that shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum SectionView {
    Drift(DriftView),
    Table(TableView),
}

impl Report {
    /// The report as a page for a browser, rendered from its [JSON](Self::to_json): one file, which asks
    /// nobody for anything. At most 2000 features are on it, those that need it most.
    ///
    /// # Errors
    /// [`Error::Corrupt`], naming the part, if the report contradicts itself; [`Error::Backend`] if a template
    /// fails, which none is known to.
    pub fn to_html(&self) -> Result<String> {
        let report = Self::from_json("html", &self.to_json()?)?;
        let sections: Vec<SectionView> = report
            .sections
            .iter()
            .enumerate()
            .map(|(index, section)| match section {
                Section::Drift(comparison) => SectionView::Drift(DriftView::of(comparison, index)),
                Section::Quality(report) => SectionView::Table(quality::table(report).into()),
                Section::Degradation(found) => SectionView::Table(degradation::table(found).into()),
                Section::Performance(found) => SectionView::Table(performance::table(found).into()),
            })
            .collect();
        let context = context! {
            title => shortened(&report.title, 200),
            made_at => minute(report.made_at),
            reference => shortened(&report.reference, 200),
            current => shortened(&report.current, 200),
            sections => sections,
            style => Value::from_safe_string(STYLE.to_owned()),
            script => Value::from_safe_string(SCRIPT.to_owned()),
            script_digest => SCRIPT_DIGEST,
        };
        environment()
            .and_then(|environment| environment.get_template("page.html")?.render(context))
            .map_err(|error| Error::backend("minijinja", error))
    }
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    // A misspelt name is an error, not an empty place.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_template("page.html", PAGE)?;
    environment.add_template("drift.html", DRIFT)?;
    environment.add_template("table.html", TABLE)?;
    Ok(environment)
}
