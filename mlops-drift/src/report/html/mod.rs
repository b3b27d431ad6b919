//! A report as a page for a browser: one file that asks nobody for anything.
//!
//! `page` has the templates and what is around the sections, `drift` the section of a comparison, `feature`
//! a row of its table, `table` the sections of which each finding is a line, and `svg` the pictures, from
//! numbers.

mod drift;
mod feature;
mod page;
mod svg;
mod table;
