//! [`Case`]: a load to compare servers under.

use std::time::Duration;

use mlops_core::{
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::DataType,
};

use crate::{
    Result,
    load::{Arrivals, Corpus, Inputs, Lengths, LoadTest, Mix, Process},
};

/// The models, from the least work to the most varied.
pub const MODELS: [&str; 4] = ["small", "big", "cnn", "encoder"];

/// A load to compare servers under.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Case {
    /// What it is called in the table.
    pub label: &'static str,
    /// When requests are due.
    pub load: Load,
    /// What they are.
    pub mix: Mix,
    /// Lengths of requests, for a model that has them.
    pub lengths: Lengths,
}

/// When requests are due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// From so many clients, each when its last one is answered.
    Closed(usize),
    /// By themselves, at this share of the most that the server has answered in the closed loops
    /// before.
    Open(f64),
}

/// The length of requests that are not of mixed lengths, in tokens.
pub const LENGTH: Lengths = Lengths::Fixed(24);
const LENGTHS: Lengths = Lengths::LogNormal { median: 24.0, sigma: 0.7, max: 128 };

/// The loads for a model, those that measure capacity first.
#[must_use]
pub fn cases(model: &str) -> Vec<Case> {
    let case = |label, load| Case { label, load, mix: Mix::default(), lengths: LENGTH };
    let mut cases = vec![
        case("1 client", Load::Closed(1)),
        case("16 clients", Load::Closed(16)),
        case("256 clients", Load::Closed(256)),
        case("open, 50 %", Load::Open(0.5)),
        case("open, 80 %", Load::Open(0.8)),
        case("open, 120 %", Load::Open(1.2)),
    ];
    if matches!(model, "big" | "encoder") {
        let mix = Mix::default().with_disconnects(0.1);
        cases.push(Case { mix, ..case("16 clients, 10 % disconnect", Load::Closed(16)) });
    }
    // Only here is there a length to vary, and a value that is wrong.
    if model == "encoder" {
        cases
            .push(Case { lengths: LENGTHS, ..case("16 clients, mixed lengths", Load::Closed(16)) });
        let mix = Mix::default().with_poison(0.01);
        cases.push(Case { mix, ..case("16 clients, 1 % poison", Load::Closed(16)) });
    }
    cases
}

/// Requests of one row for a model.
///
/// # Errors
/// None for a model of [`MODELS`].
pub fn corpus(model: &str, lengths: Lengths) -> Result<Corpus> {
    let fixed = |sizes: &[usize]| sizes.iter().copied().map(Dim::Fixed).collect::<Vec<_>>();
    let (data_type, row) = match model {
        "small" => (DataType::F32, fixed(&[64])),
        "big" => (DataType::F32, fixed(&[512])),
        "cnn" => (DataType::F32, fixed(&[1, 28, 28])),
        "encoder" => (DataType::I64, vec![Dim::Unknown]),
        other => return Err(format!("no model `{other}`: {}", MODELS.join(", ")).into()),
    };
    let shape = [vec![Dim::Symbolic("batch".into())], row].concat();
    let signature = ModelSignature {
        inputs: vec![TensorSpec::new("input", data_type, shape)],
        outputs: vec![],
    };
    Inputs::default().with_lengths(lengths).corpus(&signature, 0)
}

impl Case {
    /// The load test, for a server that answers at most `capacity` requests a second.
    #[must_use]
    pub fn test(&self, capacity: f64, seconds: f64) -> LoadTest {
        let arrivals = match self.load {
            Load::Closed(clients) => Arrivals::Closed { clients },
            Load::Open(share) => Arrivals::Open {
                rate: share * capacity,
                process: Process::Poisson,
                connections: 256,
            },
        };
        let duration = Duration::from_secs_f64(seconds);
        LoadTest::new(arrivals)
            .with_mix(self.mix)
            .with_duration(duration / 4, duration)
            .with_drain(duration)
    }
}
