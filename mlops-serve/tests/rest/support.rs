//! A server of mock models, asked without a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode},
    response::Response,
};
use http_body_util::BodyExt;
use mlops_core::testing::session::{MockLog, MockSession};
use mlops_serve::{
    host::ModelTable,
    protocol::{health, oip},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::mock::{Refused, arithmetic, batcher, id};

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) table: Arc<ModelTable>,
    pub(crate) session: MockSession,
    pub(crate) log: Arc<MockLog>,
    pub(crate) refused: Arc<Refused>,
}

/// `arithmetic` in version 1 and 2, of which 2 is being loaded.
pub(crate) fn server() -> Server {
    server_with(|server| server)
}

pub(crate) fn server_with(change: impl FnOnce(oip::Server) -> oip::Server) -> Server {
    let table = Arc::new(ModelTable::new());
    let session = arithmetic();
    table.publish(batcher(id("arithmetic", "1"), &session));
    table.announce(&id("arithmetic", "2"));
    let refused = Arc::new(Refused::default());
    let recorder = Arc::<Refused>::clone(&refused);
    let server = oip::Server::new(Arc::<ModelTable>::clone(&table)).with_recorder(recorder);
    let options = oip::RestOptions::default().with_max_body_bytes(4096);
    let router = oip::router(change(server), options)
        .merge(health::router(Arc::<ModelTable>::clone(&table)));
    Server { router, table, log: session.log(), session, refused }
}

impl Server {
    pub(crate) fn with(self, name: &str, session: &MockSession) -> Self {
        self.table.publish(batcher(id(name, "1"), session));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::post(path).body(body.into()).unwrap()).await
    }

    pub(crate) async fn infer(&self, model: &str, body: &Value) -> Answer {
        self.infer_bytes(model, body.to_string().into(), None).await
    }

    pub(crate) async fn infer_bytes(
        &self,
        model: &str,
        body: Bytes,
        json_length: Option<&str>,
    ) -> Answer {
        let mut request = Request::post(format!("/v2/models/{model}/infer"));
        if let Some(length) = json_length {
            request = request.header("Inference-Header-Content-Length", length);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let headers = parts.headers;
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: parts.status,
            content_type: header("content-type"),
            encoding: header("content-encoding"),
            accepts: header("accept-encoding"),
            json_length: header("inference-header-content-length")
                .map(|text| text.parse().unwrap()),
            allow: header("allow"),
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<String>,
    pub(crate) json_length: Option<usize>,
    pub(crate) allow: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) accepts: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body[..self.json_length.unwrap_or(self.body.len())]).unwrap()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The error's text, after checking that it is an error of this status in the protocol's form.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(self.content_type.as_deref(), Some("application/json"));
        let json = self.json();
        assert_eq!(json.as_object().unwrap().len(), 1, "{text}");
        json["error"].as_str().unwrap().to_owned()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes it in place")]
pub(crate) fn tensor(name: &str, shape: &[i64], data: Value) -> Value {
    json!({ "name": name, "datatype": "FP32", "shape": shape, "data": data })
}

pub(crate) fn good() -> Value {
    json!({ "inputs": [
        tensor("a", &[2, 2], json!([1, 2, 3, 4])),
        tensor("b", &[2, 2], json!([[10.5, 20], [30, 40]])),
    ]})
}

/// A request with binary data: the JSON, and the bytes behind it.
pub(crate) fn binary(json: &Value, tensors: &[&[u8]]) -> (Bytes, String) {
    let mut body = json.to_string().into_bytes();
    let length = body.len().to_string();
    tensors.iter().for_each(|tensor| body.extend_from_slice(tensor));
    (body.into(), length)
}

pub(crate) fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
