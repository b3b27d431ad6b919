//! Evaluators of text that need no model: deterministic, offline, in time proportional to the text.

mod characters;
mod json;
mod keywords;
mod language;
mod length;
mod overlap;
mod pii;
mod refusal;
mod refusal_phrases;
mod repetition;
mod script;
mod stop_words;
mod version;
mod words;

pub use self::{
    characters::Characters, json::JsonValidity, keywords::Keywords, language::Language,
    length::Length, overlap::ContextOverlap, pii::PiiHits, refusal::Refusal,
    repetition::Repetition,
};
