//! The live monitor, over a search and a count of the same values.

use std::{hint::black_box, sync::Arc, thread, time::Duration};

use benches::rounds::Rounds;
use mlops_core::{
    inference::InferenceResponse,
    model::{ModelId, ModelName, ModelVersion},
    ndarray::Array2,
    observe::{PredictionObserver, PredictionRecord},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    timestamp::Timestamp,
};
use mlops_drift::{
    monitor::{FeatureMap, Monitor, MonitorOptions},
    profile::{Column, FeatureProfile, Origin, Profile, ProfileOptions},
};

use crate::{Result, bars::CHECKED, seconds};

const VALUES: usize = 20_000_000;
const BINS: usize = 64;
const BATCHES: usize = 64;

/// Prints nanoseconds a value, of requests with one row and with 64, from one thread and from two.
pub(crate) fn run(columns: &[Vec<f64>]) -> Result<()> {
    println!(
        "\n| live monitor, {} features, {BINS} bins | CPU, ns a value | bare | ratio |",
        columns.len()
    );
    println!("| --- | --- | --- | --- |");
    let names: Vec<String> = (0..columns.len()).map(|index| format!("x[{index}]")).collect();
    let named: Vec<(&str, Column<'_>)> = names
        .iter()
        .zip(columns)
        .map(|(name, values)| (&**name, Column::numeric(&values[..5000])))
        .collect();
    let origin = Origin::new("benchmark", Timestamp::EPOCH);
    let reference = Profile::fit(&named, origin, &ProfileOptions::default().with_bins(BINS))?;
    for (rows, threads) in [(64, 1), (64, 2), (1, 1), (1, 2)] {
        let requests = Requests::new(columns, rows);
        let watched = Watched::new(&reference, columns.len())?;
        let edges = edges(&reference);
        let each = |work: &(dyn Fn() + Sync)| {
            let all = || -> Result<()> {
                thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
                Ok(())
            };
            seconds(all).expect(CHECKED) / (VALUES * threads) as f64 * 1e9
        };
        let rounds = Rounds::measure(
            5,
            || each(&|| watched.observe(&requests)),
            || each(&|| search_and_count(&requests, &edges)),
        );
        println!(
            "| {rows} rows a request, {threads} threads | {:.1} | {:.1} | {:.2} |",
            rounds.ours(),
            rounds.theirs(),
            rounds.ratio()
        );
    }
    Ok(())
}

/// Requests of so many rows each, again and again.
struct Requests {
    rows: usize,
    width: usize,
    values: Vec<Vec<f32>>,
    tensors: Vec<NamedTensors>,
}

impl Requests {
    fn new(columns: &[Vec<f64>], rows: usize) -> Self {
        let width = columns.len();
        let batch = |batch: usize| -> Vec<f32> {
            let values = (0..rows).flat_map(|row| columns.iter().map(move |column| (row, column)));
            values.map(|(row, column)| column[batch * rows + row] as f32).collect()
        };
        let values: Vec<Vec<f32>> = (0..BATCHES).map(batch).collect();
        let tensors = values.iter().map(|values| {
            let rows = Array2::from_shape_vec((rows, width), values.clone()).expect(CHECKED);
            NamedTensors::single("x", Tensor::from_array(rows))
        });
        Self { rows, width, tensors: tensors.collect(), values }
    }

    fn count(&self) -> usize {
        VALUES / (self.rows * self.width)
    }
}

/// A monitor, and what its records are made of.
struct Watched {
    monitor: Monitor,
    model: Arc<ModelId>,
    response: InferenceResponse,
}

impl Watched {
    fn new(reference: &Profile, width: usize) -> Result<Self> {
        let batch = || Dim::Symbolic("batch".into());
        let signature = ModelSignature {
            inputs: vec![TensorSpec::new("x", DataType::F32, [batch(), Dim::Fixed(width)])],
            outputs: vec![TensorSpec::new("y", DataType::F32, [batch()])],
        };
        let map = FeatureMap::new::<&str>(reference, &signature, [])?;
        let name: ModelName = "model".parse()?;
        let model = Arc::new(ModelId::new(name, "1".parse::<ModelVersion>()?));
        Ok(Self {
            monitor: Monitor::new(reference, map, &MonitorOptions::default())?,
            response: InferenceResponse::new(NamedTensors::new(), Arc::clone(&model)),
            model,
        })
    }

    fn observe(&self, requests: &Requests) {
        let Self { monitor, model, response } = self;
        for request in 0..requests.count() {
            let at = Timestamp::from_micros(request as i64);
            let record = PredictionRecord::new(model, Ok(response), Duration::from_millis(1), at)
                .with_inputs(&requests.tensors[request % BATCHES]);
            monitor.observe(black_box(&record));
        }
    }
}

fn edges(reference: &Profile) -> Vec<Vec<f64>> {
    let features = reference.features().filter_map(|(_, feature)| match feature {
        FeatureProfile::Numeric(profile) => Some(profile.edges().as_slice().to_vec()),
        _ => None,
    });
    features.collect()
}

/// The least that counting values in bins takes.
fn search_and_count(requests: &Requests, edges: &[Vec<f64>]) {
    let mut counts = vec![[0_u64; 256]; edges.len()];
    for request in 0..requests.count() {
        let values = &requests.values[request % BATCHES];
        for (column, (edges, counts)) in edges.iter().zip(&mut counts).enumerate() {
            for value in values[column..].iter().step_by(requests.width) {
                counts[edges.partition_point(|edge| *edge <= f64::from(*value))] += 1;
            }
        }
    }
    black_box(counts);
}
