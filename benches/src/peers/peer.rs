//! [`Peer`]: a server to be compared.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use hyper::Response;
use mlops_core::tensor::NamedTensors;
use serde_json::{Value, json};

use crate::{
    Result,
    load::transport::{HttpRequest, numbers},
};

/// A server to be compared.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// What it speaks.
    pub form: Form,
    /// The models it can serve.
    pub models: &'static [&'static str],
    pub(super) program: Program,
    pub(super) batches: Batches,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The Open Inference Protocol with its binary extension.
    OipBinary,
    /// The Open Inference Protocol in JSON alone.
    OipJson,
    /// JSON of its own: `{"input": rows}` to this path.
    Json(&'static str),
}

/// How a server is started.
#[derive(Debug, Clone, Copy)]
pub(super) enum Program {
    ModelServer,
    AxumOrt,
    Furnace,
    /// `benches/peers/NAME/serve.py` in an environment of the same name.
    Python,
}

/// Where a server tells how many batches it has run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Batches {
    /// In the file it was given: runs and rows, 64 bits each.
    File,
    /// At this path: runs and rows in text.
    Route(&'static str),
    /// In the histogram of batch sizes among its metrics.
    Metrics,
    /// Nowhere.
    Untold,
}

const ALL: &[&str] = &["small", "big", "cnn", "encoder"];

/// The servers, ours first.
pub const PEERS: [Peer; 7] = [
    peer("model_server", Form::OipBinary, Program::ModelServer, Batches::Metrics),
    Peer {
        // It does nothing that it does not have to, other models included.
        models: &["small", "big"],
        ..peer("axum_ort", Form::OipBinary, Program::AxumOrt, Batches::Untold)
    },
    peer("furnace", Form::OipBinary, Program::Furnace, Batches::Route("/batches")),
    peer("triton", Form::OipBinary, Program::Python, Batches::File),
    peer("mlserver", Form::OipJson, Program::Python, Batches::File),
    peer("bentoml", Form::Json("/infer"), Program::Python, Batches::File),
    peer("litserve", Form::Json("/predict"), Program::Python, Batches::File),
];

const fn peer(name: &'static str, form: Form, program: Program, batches: Batches) -> Peer {
    Peer { name, form, models: ALL, program, batches }
}

/// Where things are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Places {
    /// The ONNX Runtime library.
    pub library: PathBuf,
    /// The folder of the models.
    pub models: PathBuf,
    /// The project's folder.
    pub root: PathBuf,
    /// The folder of the programs that the workspace builds.
    pub programs: PathBuf,
    /// The folder of the peers' environments.
    pub environments: PathBuf,
    /// A folder for what servers write.
    pub scratch: PathBuf,
}

impl Places {
    /// All in their usual place under the project's folder and its build folder.
    #[must_use]
    pub fn new(root: &Path, target: &Path, library: &Path) -> Self {
        Self {
            library: library.into(),
            models: target.join("bench-models"),
            root: root.into(),
            programs: target.join("release"),
            environments: target.join("peers"),
            scratch: target.join("peers/scratch"),
        }
    }

    fn model(&self, name: &str) -> PathBuf {
        self.models.join(name).join("1/model.onnx")
    }
}

impl Peer {
    /// The command that serves a model at a port. Two sessions of one thread would be unfair: each
    /// has one, and batches of up to 64 rows.
    pub(super) fn command(
        &self,
        places: &Places,
        model: &str,
        port: u16,
        counts: &Path,
    ) -> Command {
        let address = format!("127.0.0.1:{port}");
        match self.program {
            Program::ModelServer => {
                let mut command = Command::new(places.programs.join("model_server"));
                command.args(["--max-batch-size", "64", "--http", &address]);
                // Only the one model, as everywhere.
                command.arg("--models").arg(alone(places, model, counts));
                command.arg("--onnxruntime").arg(&places.library);
                command
            }
            Program::AxumOrt => {
                let mut command = Command::new(places.programs.join("axum_ort"));
                command.arg(&places.library).arg(&places.models).arg(address);
                command
            }
            Program::Furnace => {
                let program = places.environments.join("furnace/release/furnace-peer");
                let mut command = Command::new(program);
                command.arg(model).arg(places.model(model)).arg(address).arg(&places.library);
                command
            }
            Program::Python => {
                let environment = places.environments.join(self.name);
                let mut command = Command::new(environment.join("bin/python"));
                command.arg(places.root.join("benches/peers").join(self.name).join("serve.py"));
                command.arg(model).arg(places.model(model)).arg(port.to_string()).arg(counts);
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        }
    }

    /// A request for it.
    ///
    /// # Errors
    /// For tensors that it does not take.
    pub fn encode(&self, model: &str, inputs: &NamedTensors) -> Result<HttpRequest> {
        match self.form {
            Form::OipBinary => HttpRequest::oip_binary(model, inputs),
            Form::OipJson => HttpRequest::oip_json(model, inputs),
            Form::Json(path) => {
                Ok(HttpRequest::json(path, &json!({ "input": nested(inputs.require("input")?)? })))
            }
        }
    }
}

/// The numbers of an answer.
pub(super) fn decode(form: Form, answer: &Response<Bytes>) -> Result<Vec<f32>> {
    if form == Form::OipBinary {
        let length = answer.headers().get("inference-header-content-length");
        let length = length.ok_or("no binary part")?.to_str()?.parse::<usize>()?;
        let tail = answer.body().get(length..).ok_or("the JSON is longer than the answer")?;
        let chunks = tail.chunks_exact(4).filter_map(|chunk| chunk.try_into().ok());
        return Ok(chunks.map(f32::from_le_bytes).collect());
    }
    let json: Value = serde_json::from_slice(answer.body())?;
    let mut numbers = Vec::new();
    let nested = [&json["outputs"][0]["data"], &json["output"], &json];
    let nested = nested.into_iter().find(|value| value.is_array());
    flatten(nested.ok_or(format!("no numbers in {json}"))?, &mut numbers);
    Ok(numbers)
}

fn flatten(value: &Value, numbers: &mut Vec<f32>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, numbers)),
        other => numbers.extend(other.as_f64().map(|number| number as f32)),
    }
}

/// A folder that holds this model alone.
fn alone(places: &Places, model: &str, counts: &Path) -> PathBuf {
    let folder = counts.with_extension("models");
    // It may be there from the round before; a server without its model says so itself.
    std::fs::create_dir_all(&folder).ok();
    std::os::unix::fs::symlink(places.models.join(model), folder.join(model)).ok();
    folder
}

/// A tensor as JSON arrays in arrays.
fn nested(tensor: &mlops_core::tensor::Tensor) -> Result<Value> {
    let mut values = numbers(tensor)?;
    for size in tensor.shape().iter().skip(1).rev() {
        values = values.chunks(*size).map(|chunk| chunk.to_vec().into()).collect();
    }
    Ok(values.into())
}

#[cfg(test)]
mod tests {
    use mlops_core::{ndarray::Array3, tensor::Tensor};

    use super::*;

    #[test]
    fn arrays_nest_like_axes() {
        let array = Array3::from_shape_fn((2, 1, 2), |(a, _, c)| (10 * a + c) as f32);
        let json = nested(&Tensor::from_array(array)).unwrap();
        assert_eq!(json, json!([[[0.0, 1.0]], [[10.0, 11.0]]]));
    }

    #[test]
    fn every_form_of_answer_is_read() {
        let json = |text: &'static str| Response::new(Bytes::from(text));
        for (form, answer) in [
            (Form::OipJson, json(r#"{"outputs":[{"name":"output","data":[1.5,-2]}]}"#)),
            (Form::Json("/infer"), json("[[1.5,-2.0]]")),
            (Form::Json("/predict"), json(r#"{"output":[[1.5],[-2.0]]}"#)),
        ] {
            assert_eq!(decode(form, &answer).unwrap(), [1.5, -2.0]);
        }
        let mut body = b"{}".to_vec();
        body.extend([1.5_f32, -2.0].iter().flat_map(|x| x.to_le_bytes()));
        let binary = |length: &str| {
            let answer = Response::builder().header("inference-header-content-length", length);
            decode(Form::OipBinary, &answer.body(Bytes::from(body.clone())).unwrap())
        };
        assert_eq!(binary("2").unwrap(), [1.5, -2.0]);
        assert!(binary("11").is_err() && binary("x").is_err());
        assert!(decode(Form::OipBinary, &json("{}")).is_err());
        assert!(decode(Form::OipJson, &json(r#"{"error":"no"}"#)).is_err());
    }
}
