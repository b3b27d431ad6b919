//! Requests as bytes: [`HttpRequest`].

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use mlops_core::{
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
};
use serde_json::{Value, json};

use crate::Result;

/// A POST of a body to a path.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    path: String,
    /// The length of the JSON in front of the binary part, if there is one.
    json_length: Option<usize>,
    body: Bytes,
}

impl HttpRequest {
    /// The Open Inference Protocol with its binary extension, both ways.
    ///
    /// # Errors
    /// For tensors of strings, which are not made here.
    pub fn oip_binary(model: &str, inputs: &NamedTensors) -> Result<Self> {
        let mut heads = Vec::new();
        let mut tail = Vec::new();
        for (name, tensor) in inputs.iter() {
            let bytes = tensor.bytes().ok_or("tensors of strings cannot be sent")?;
            let mut head = head(name, tensor);
            head["parameters"] = json!({ "binary_data_size": bytes.len() });
            heads.push(head);
            tail.extend_from_slice(bytes);
        }
        let json = json!({ "inputs": heads, "parameters": { "binary_data_output": true } });
        let mut body = json.to_string().into_bytes();
        let json_length = Some(body.len());
        body.append(&mut tail);
        Ok(Self { path: infer(model), json_length, body: body.into() })
    }

    /// The Open Inference Protocol in JSON alone.
    ///
    /// # Errors
    /// For tensors other than of 32-bit floats and 64-bit integers, which are not made here.
    pub fn oip_json(model: &str, inputs: &NamedTensors) -> Result<Self> {
        let heads: Result<Vec<_>> = inputs
            .iter()
            .map(|(name, tensor)| {
                let mut head = head(name, tensor);
                head["data"] = numbers(tensor)?.into();
                Ok(head)
            })
            .collect();
        Ok(Self::json(infer(model), &json!({ "inputs": heads? })))
    }

    /// Any JSON.
    #[must_use]
    pub fn json(path: impl Into<String>, body: &Value) -> Self {
        Self { path: path.into(), json_length: None, body: body.to_string().into() }
    }

    pub(super) fn into_hyper(self, host: &str) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::post(self.path).header("host", host);
        request = match self.json_length {
            Some(length) => request
                .header("inference-header-content-length", length)
                .header("content-type", "application/octet-stream"),
            None => request.header("content-type", "application/json"),
        };
        Ok(request.body(Full::new(self.body))?)
    }
}

/// The numbers of a tensor, in C order.
///
/// # Errors
/// For tensors other than of 32-bit floats and 64-bit integers.
pub fn numbers(tensor: &Tensor) -> Result<Vec<Value>> {
    match tensor.data_type() {
        DataType::F32 => Ok(tensor.as_slice::<f32>()?.iter().map(|x| json!(x)).collect()),
        DataType::I64 => Ok(tensor.as_slice::<i64>()?.iter().map(|x| json!(x)).collect()),
        other => Err(format!("{other} is not sent as JSON here").into()),
    }
}

fn infer(model: &str) -> String {
    format!("/v2/models/{model}/infer")
}

fn head(name: &str, tensor: &Tensor) -> Value {
    json!({ "name": name, "datatype": tensor.data_type().name(), "shape": tensor.shape() })
}

/// The signature in a model's metadata (`GET /v2/models/MODEL`).
///
/// # Errors
/// If it is not the protocol's.
pub fn read_metadata(json: &[u8]) -> Result<ModelSignature> {
    let metadata: Value = serde_json::from_slice(json)?;
    let specs = |key: &str| -> Result<Vec<TensorSpec>> {
        let tensors = metadata[key].as_array().ok_or(format!("no `{key}` in the metadata"))?;
        tensors
            .iter()
            .map(|tensor| spec(tensor).ok_or(format!("odd `{key}`: {tensor}").into()))
            .collect()
    };
    Ok(ModelSignature { inputs: specs("inputs")?, outputs: specs("outputs")? })
}

fn spec(tensor: &Value) -> Option<TensorSpec> {
    let name = tensor["datatype"].as_str()?;
    let data_type = DataType::ALL.into_iter().find(|data_type| data_type.name() == name)?;
    let dim =
        |size: &Value| Some(size.as_u64().map_or(Dim::Unknown, |size| Dim::Fixed(size as usize)));
    let shape: Option<Vec<Dim>> = tensor["shape"].as_array()?.iter().map(dim).collect();
    Some(TensorSpec::new(tensor["name"].as_str()?, data_type, shape?))
}
