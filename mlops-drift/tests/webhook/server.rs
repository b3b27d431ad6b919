//! A server that answers each request as the test says.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use serde_json::Value;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// It gets this answer, status line and all.
    Answer(&'static str),
    /// It gets no answer until the test has dropped the server or [`Server::release`]d it.
    Hold,
    /// The connection is closed before anything was read.
    Reset,
    /// The connection is closed in the middle of the answer's head.
    Half,
}

pub(crate) const OK: Act = Act::Answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) struct Server {
    port: u16,
    /// Requests, as they come. The last act stands for all that follow.
    pub(crate) requests: Receiver<Request>,
    release: Sender<()>,
}

impl Server {
    pub(crate) fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, requests) = channel();
        let (release, released) = channel();
        thread::spawn(move || {
            let mut acts = acts.into_iter().peekable();
            // One connection at a time is all that a sink has.
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                while let Some(act) = acts.peek() {
                    if matches!(act, Act::Reset) {
                        acts.next();
                        break;
                    }
                    let Some(request) = read(&mut stream) else { break };
                    let act = acts.next().unwrap();
                    if acts.peek().is_none() {
                        acts = vec![act.clone()].into_iter().peekable();
                    }
                    // The test may be over.
                    seen.send(request).ok();
                    let stream = stream.get_mut();
                    match act {
                        Act::Answer(answer) => stream.write_all(answer.as_bytes()).unwrap(),
                        Act::Hold => {
                            released.recv().ok();
                            break;
                        }
                        Act::Half => {
                            stream.write_all(b"HTTP/1.1 200").unwrap();
                            break;
                        }
                        Act::Reset => unreachable!("handled above"),
                    }
                }
            }
        });
        Self { port, requests, release }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook/T0KEN?a=1", self.port)
    }

    /// Lets go of a request that is held.
    pub(crate) fn release(&self) {
        self.release.send(()).unwrap();
    }
}

/// A request, or `None` at the end of the connection.
fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if stream.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let line = line.trim_end().to_owned();
    Some(Request { line, headers, body: String::from_utf8(body).unwrap() })
}
