//! Reports: their JSON, their text and their page.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod data;
#[cfg(feature = "html")]
mod html;
mod json;
mod sections;
mod text;
