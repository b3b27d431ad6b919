//! A server that describes its model rightly and answers inference with given bytes.

use std::sync::Arc;

use mlops_serve::remote::{Remote, RemoteOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// What it does with a request for inference.
#[derive(Clone)]
pub(crate) enum Script {
    /// Writes these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Writes these bytes, then the others again and again for as long as somebody reads.
    Endless(Vec<u8>, Vec<u8>),
    /// Does not answer; tells when it was asked, and when the client has gone.
    Silence { asked: Arc<Notify>, gone: Arc<Notify> },
}

pub(crate) struct Scripted {
    url: String,
    task: JoinHandle<()>,
}

const METADATA: &str = r#"{"name":"m","versions":["1"],"platform":"odd","unknown":[{}],
    "inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}],
    "outputs":[{"name":"y","datatype":"FP32","shape":[-1,4]}]}"#;

impl Scripted {
    pub(crate) async fn start(script: Script) -> Self {
        Self::with_metadata(script, METADATA.into()).await
    }

    pub(crate) async fn with_metadata(script: Script, metadata: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, script.clone(), metadata.clone()));
            }
        });
        Self { url, task }
    }

    pub(crate) async fn connect(&self, options: RemoteOptions) -> mlops_core::Result<Remote> {
        Remote::connect(&self.url, "m", options).await
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with these headers and this body, and the right length of it.
pub(crate) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// One request a connection; errors are the client's going away.
async fn answer(mut stream: TcpStream, script: Script, metadata: String) -> std::io::Result<()> {
    let mut seen = Vec::new();
    let head = loop {
        if let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
            break String::from_utf8_lossy(&seen[..end + 4]).to_lowercase();
        }
        if stream.read_buf(&mut seen).await? == 0 {
            return Ok(());
        }
    };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.map_or(0, |text| text.parse().unwrap());
    while seen.len() < head.len() + length {
        stream.read_buf(&mut seen).await?;
    }
    let close = "Connection: close\r\n";
    if head.starts_with("get") {
        let answer = match head.split_whitespace().nth(1).unwrap() {
            path if path.ends_with("/config") => http("404 Not Found", close, b""),
            path if path.ends_with("/ready") => http("200 OK", close, b""),
            _ => http("200 OK", close, metadata.as_bytes()),
        };
        return stream.write_all(&answer).await;
    }
    match script {
        Script::Bytes(bytes) => stream.write_all(&bytes).await,
        Script::Endless(first, again) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
        Script::Silence { asked, gone } => {
            asked.notify_one();
            let read = stream.read(&mut [0; 1]).await;
            gone.notify_one();
            read.map(drop)
        }
    }
}
