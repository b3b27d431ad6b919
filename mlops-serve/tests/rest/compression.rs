//! Compressed bodies, in both directions.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_compression::tokio::bufread::{
    GzipDecoder, GzipEncoder, ZlibDecoder, ZlibEncoder, ZstdDecoder, ZstdEncoder,
};
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use mlops_core::{signature::Dim, tensor::DataType};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{
    mock::identity,
    support::{Answer, Server, binary, f32s, good, server},
};

const ENCODINGS: [&str; 3] = ["gzip", "deflate", "zstd"];

async fn read(mut reader: Pin<Box<dyn AsyncRead + Send + '_>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn compress(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    read(match encoding {
        "gzip" => Box::pin(GzipEncoder::new(bytes)),
        "deflate" => Box::pin(ZlibEncoder::new(bytes)),
        _ => Box::pin(ZstdEncoder::new(bytes)),
    })
    .await
}

async fn decompress(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    read(match encoding {
        "gzip" => Box::pin(GzipDecoder::new(bytes)),
        "deflate" => Box::pin(ZlibDecoder::new(bytes)),
        _ => Box::pin(ZstdDecoder::new(bytes)),
    })
    .await
}

async fn send(server: &Server, model: &str, encoding: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(format!("/v2/models/{model}/infer"))
        .header("Content-Encoding", encoding)
        .body(body.into())
        .unwrap();
    server.send(request).await
}

#[tokio::test]
async fn requests_are_decompressed() {
    let server = server();
    let plain = server.infer("arithmetic", &good()).await.ok();
    for encoding in ENCODINGS {
        let body = compress(encoding, good().to_string().as_bytes()).await;
        let answer = send(&server, "arithmetic", encoding, body).await.ok();
        assert_eq!(answer.body, plain.body, "{encoding}");
        assert_eq!(answer.encoding, None);
    }
    send(&server, "arithmetic", "identity", good().to_string()).await.ok();
}

#[tokio::test]
async fn answers_are_compressed_and_lengths_are_those_before() {
    let server = server().with("identity", &identity(DataType::F32, &[Dim::Fixed(256)]));
    let numbers = f32s(&[1.5; 256]);
    let input = json!({ "name": "x", "datatype": "FP32", "shape": [256], "parameters": { "binary_data_size": 1024 } });
    let json = json!({ "inputs": [input], "parameters": { "binary_data_output": true } });
    let (body, length) = binary(&json, &[&numbers]);
    for encoding in ENCODINGS {
        let request = Request::post("/v2/models/identity/infer")
            .header("Content-Encoding", encoding)
            .header("Accept-Encoding", format!("{encoding}, br;q=0.1"))
            .header("Inference-Header-Content-Length", &length)
            .body(Body::from(compress(encoding, &body).await))
            .unwrap();
        let answer = server.send(request).await.ok();
        assert_eq!(answer.encoding.as_deref(), Some(encoding));
        assert_eq!(answer.content_type.as_deref(), Some("application/octet-stream"));
        assert!(answer.body.len() < 512, "{encoding}: {}", answer.body.len());
        let plain = decompress(encoding, &answer.body).await;
        assert_eq!(plain[answer.json_length.unwrap()..], numbers);
    }
}

#[tokio::test]
async fn a_bomb_is_cut_off_at_the_limit() {
    let server = server();
    for encoding in ENCODINGS {
        let bomb = compress(encoding, &vec![b' '; 16 << 20]).await;
        // In pieces, of which no more are taken than it needs to see how large it becomes.
        let pieces = bomb.chunks(16).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let (count, taken) = (pieces.len(), Arc::new(AtomicUsize::new(0)));
        let counted = pieces.into_iter().inspect({
            let taken = Arc::clone(&taken);
            move |_| _ = taken.fetch_add(1, Ordering::Relaxed)
        });
        let stream = futures_util::stream::iter(counted.map(Ok::<_, std::io::Error>));
        let answer = send(&server, "arithmetic", encoding, Body::from_stream(stream)).await;
        let error = answer.error(413);
        assert!(error.contains("4096"), "{error}");
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < count / 2, "{encoding}: {taken} of {count} pieces");
    }
    assert_eq!(server.refused.0.lock().values().sum::<usize>(), ENCODINGS.len());
}

#[tokio::test]
async fn broken_and_unknown_encodings_are_refused() {
    let server = server();
    for encoding in ENCODINGS {
        let whole = compress(encoding, good().to_string().as_bytes()).await;
        let half = whole[..whole.len() / 2].to_vec();
        for broken in [half, b"{\"inputs\":[]}".to_vec()] {
            let error = send(&server, "arithmetic", encoding, broken).await.error(400);
            assert!(error.contains(encoding), "{error}");
        }
    }
    for encoding in ["br", "gzip, gzip", "", "x-unknown"] {
        let answer = send(&server, "arithmetic", encoding, good().to_string()).await;
        let error = answer.error(501);
        assert!(error.contains("gzip, deflate, zstd"), "{error}");
        assert_eq!(answer.accepts.as_deref(), Some("gzip, deflate, zstd"));
    }
    assert_eq!(server.log.runs(), [0; 0]);
    // An empty body that claims to be compressed says nothing.
    send(&server, "arithmetic", "gzip", Body::empty()).await.error(400);
}
