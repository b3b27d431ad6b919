//! Monitoring of generative models: what they write, scored, counted and watched.
//!
//! An [`Evaluator`] computes scores of an [`Exchange`]: how long the response is, whether it is JSON, whether it
//! refuses. A [`Judge`] is a model of the host's that says what takes understanding: whether the response is
//! faithful, safe, helpful. Either way a [`Score`] is a number, a yes or no, or a category, so that an
//! [`EvaluatorSet`] makes a [`Profile`](crate::profile::Profile) of them, and tests, distances, windows and
//! alerts are those of any other feature. A reference is only compared with what the same versions of evaluators
//! and judges scored ([`ReferenceKey`]).
//!
//! | evaluator | scores |
//! | --- | --- |
//! | [`Length`] | characters, words, sentences |
//! | [`JsonValidity`] | whether it is JSON, and has the keys it should |
//! | [`Refusal`] | whether it begins by refusing |
//! | [`PiiHits`] | e-mail addresses, telephone numbers, IBANs, card numbers, IP addresses |
//! | [`Language`] | script, and a guess at the language |
//! | [`Repetition`] | how much it repeats itself |
//! | [`Characters`] | what of it is not letters |
//! | [`ContextOverlap`] | how many of its words are in the context it was to answer from |
//! | [`Keywords`] | words on a list of the host's |
//!
//! | figure | |
//! | --- | --- |
//! | [`ScoreStream`] | the mean of a bounded score that may be looked at after every response |
//! | [`PredictionPowered`] | the mean that people would give, from judge scores of everything and labels of a few |
//! | [`PredictionPoweredSequence`] | the same, to be looked at after every response |
//! | [`Agreement`] | whether judge and people agree: Cohen's kappa |

mod agreement;
mod evaluator;
mod evaluator_set;
mod exchange;
mod judge;
mod prediction_powered;
mod prediction_powered_sequence;
mod reference_key;
mod score;
mod score_stream;
mod sums;
mod text;

pub use self::{
    agreement::{Agreement, Kappa},
    evaluator::Evaluator,
    evaluator_set::{EvaluatorSet, ScoreRow},
    exchange::Exchange,
    judge::Judge,
    prediction_powered::{PredictionPowered, PredictionPoweredEstimate, Tuning},
    prediction_powered_sequence::{PredictionPoweredSequence, PredictionPoweredSequenceOptions},
    reference_key::ReferenceKey,
    score::{Score, ScoreKind, ScoreSpec},
    score_stream::{ScoreStream, StreamOptions, StreamState},
    text::{
        Characters, ContextOverlap, JsonValidity, Keywords, Language, Length, PiiHits, Refusal,
        Repetition,
    },
};
