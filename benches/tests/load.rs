//! The load generator against real sockets and real models.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use benches::load::{
    Arrivals, Corpus, Inputs, InstantServer, LoadTest, Mix, Outcome, Process, Ticket,
    transport::{Connection, HttpRequest, HttpTransport, InProcess, Transport, get, read_metadata},
};
use mlops_core::{
    inference::Predict,
    model::ModelId,
    signature::ModelSignature,
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions},
    host::{ModelTable, Models},
    protocol::{ServeOptions, oip, serve},
};
use tokio::io::AsyncReadExt;

const WIDTH: usize = 8;

fn model() -> Arc<dyn Predict> {
    let id = ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
    let factory = MockFactory::new(MockSession::identity(WIDTH));
    Arc::new(Batcher::start(id, factory, BatcherOptions::default()).unwrap())
}

fn corpus(signature: &ModelSignature) -> Corpus {
    Inputs::default().with_rows([1, 3]).with_count(16).corpus(signature, 1).unwrap()
}

fn short(arrivals: Arrivals) -> LoadTest {
    let (warm_up, duration) = (Duration::from_millis(20), Duration::from_millis(150));
    LoadTest::new(arrivals).with_duration(warm_up, duration)
}

const CLOSED: Arrivals = Arrivals::Closed { clients: 5 };
const OPEN: Arrivals = Arrivals::Open { rate: 300.0, process: Process::Poisson, connections: 5 };

#[test]
fn a_model_in_this_process_answers_every_request() {
    let model = model();
    let corpus = corpus(&model.descriptor().signature);
    let transport = Arc::new(InProcess::new(model, &corpus));
    for arrivals in [CLOSED, OPEN] {
        for threads in [1, 2, 9] {
            let report = short(arrivals).with_threads(threads).run(&transport).unwrap();
            assert_eq!(report.sound.get(&Outcome::Answered), Some(&report.due));
            assert!(report.answers > 0 && report.unfinished == 0);
            assert_eq!(report.latency.count(), report.due);
        }
    }
}

#[test]
fn a_server_of_the_protocol_answers_every_request() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let table = Arc::new(ModelTable::new());
    table.publish(model());
    let router = oip::router(table as Arc<dyn Models>, oip::RestOptions::default());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = serve(listener, router, ServeOptions::default(), std::future::pending());
    runtime.spawn(serving);

    let metadata = get(&format!("{url}/v2/models/m")).unwrap();
    let signature = read_metadata(&metadata).unwrap();
    let corpus = corpus(&signature);
    for encode in [HttpRequest::oip_binary, HttpRequest::oip_json] {
        let transport = HttpTransport::new(&url, &corpus, |inputs| encode("m", inputs)).unwrap();
        let transport = Arc::new(transport);
        let report = short(CLOSED).with_server(std::process::id()).run(&transport).unwrap();
        assert_eq!(report.sound.get(&Outcome::Answered), Some(&report.due));
        assert!(report.server.unwrap().resident_bytes > 0);

        let mix = Mix::default().with_disconnects(0.5);
        let report = short(CLOSED).with_mix(mix).run(&transport).unwrap();
        let [answered, left] =
            [Outcome::Answered, Outcome::Left].map(|outcome| report.sound[&outcome]);
        assert_eq!(answered + left, report.due, "those who stay are served");
        assert!(answered > 0 && left > 0);
    }
    let unknown =
        HttpTransport::new(&url, &corpus, |inputs| HttpRequest::oip_binary("unknown", inputs));
    let report = short(CLOSED).run(&Arc::new(unknown.unwrap())).unwrap();
    assert_eq!(report.sound.get(&Outcome::Refused(404)), Some(&report.due));
    assert_eq!((report.answers, report.failed()), (0, report.due));
    assert!(get(&format!("{url}/v2/models/unknown")).is_err());
}

#[test]
fn a_client_that_leaves_has_sent_its_request_and_closes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let model = model();
        let corpus = corpus(&model.descriptor().signature);
        let transport =
            HttpTransport::new(&url, &corpus, |inputs| HttpRequest::oip_binary("m", inputs));
        let mut connection = transport.unwrap().connect().await.unwrap();
        let ticket = Ticket { request: 0, is_poison: false, leaves: true };
        assert_eq!(connection.send(ticket).await, Outcome::Left);
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        let body = corpus.sound[0].iter().next().unwrap().1.bytes().unwrap();
        assert!(received.starts_with(b"POST /v2/models/m/infer HTTP/1.1\r\n"));
        assert!(received.ends_with(body), "all of it");
    });
}

/// A model that never answers and counts who has left.
#[derive(Debug)]
struct Silent {
    inner: Arc<dyn Predict>,
    waiting: Arc<AtomicU64>,
    left: Arc<AtomicU64>,
}

impl std::fmt::Display for Silent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Silent")
    }
}

struct Leaving(Arc<AtomicU64>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Predict for Silent {
    fn descriptor(&self) -> &mlops_core::inference::ModelDescriptor {
        self.inner.descriptor()
    }

    fn predict<'life, 'future>(
        &'life self,
        _: mlops_core::inference::InferenceRequest,
    ) -> std::pin::Pin<
        Box<
            dyn Future<Output = mlops_core::Result<mlops_core::inference::InferenceResponse>>
                + Send
                + 'future,
        >,
    >
    where
        'life: 'future,
        Self: 'future,
    {
        let leaving = Leaving(Arc::clone(&self.left));
        let waiting = Arc::clone(&self.waiting);
        Box::pin(async move {
            let _leaving = leaving;
            waiting.fetch_add(1, Ordering::Relaxed);
            std::future::pending().await
        })
    }
}

#[test]
fn a_caller_that_leaves_has_asked_and_drops_its_future() {
    let (waiting, left) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
    let silent = Silent { inner: model(), waiting: Arc::clone(&waiting), left: Arc::clone(&left) };
    let corpus = corpus(&silent.descriptor().signature);
    let transport = Arc::new(InProcess::new(Arc::new(silent), &corpus));
    let test = short(OPEN).with_mix(Mix::default().with_disconnects(1.0));
    let report = test.run(&transport).unwrap();
    assert_eq!(report.sound.get(&Outcome::Left), Some(&report.due));
    assert!(report.due > 0 && waiting.load(Ordering::Relaxed) >= report.due);
    assert_eq!(waiting.load(Ordering::Relaxed), left.load(Ordering::Relaxed));
}

#[test]
fn a_server_that_goes_away_is_counted_as_broken() {
    // It takes every connection, and closes it at the first byte.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        for stream in listener.incoming() {
            if stopped.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                return;
            }
            thread::spawn(move || std::io::Read::read(&mut stream.unwrap(), &mut [0]));
        }
    });
    let corpus = corpus(&model().descriptor().signature);
    let transport =
        HttpTransport::new(&url, &corpus, |inputs| HttpRequest::oip_binary("m", inputs)).unwrap();
    let transport = Arc::new(transport);
    let report = short(OPEN).run(&transport).unwrap();
    assert_eq!(report.sound.get(&Outcome::Broken), Some(&report.due));
    drop(stop);
    std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    server.join().unwrap();
    assert!(short(OPEN).run(&transport).is_err(), "nobody listens: no report");
}

#[test]
fn what_cannot_be_a_load_is_refused() {
    let model = model();
    let corpus = corpus(&model.descriptor().signature);
    let transport = Arc::new(InProcess::new(Arc::clone(&model), &corpus));
    let open = |rate| Arrivals::Open { rate, process: Process::Constant, connections: 1 };
    for arrivals in [Arrivals::Closed { clients: 0 }, open(0.0), open(f64::NAN), open(-1.0)] {
        assert!(short(arrivals).run(&transport).is_err(), "{arrivals:?}");
    }
    assert!(short(CLOSED).with_threads(0).run(&transport).is_err());
    let nothing = Arc::new(InProcess::new(model, &Corpus::default()));
    assert!(short(CLOSED).run(&nothing).is_err());
    for url in ["localhost", "ftp://localhost", "http://", "http://a b"] {
        let encode = |inputs: &_| HttpRequest::oip_binary("m", inputs);
        assert!(HttpTransport::new(url, &corpus, encode).is_err(), "{url}");
    }
}

#[test]
fn the_instant_server_answers_everything() {
    let server = InstantServer::start().unwrap();
    let corpus = corpus(&model().descriptor().signature);
    let transport =
        HttpTransport::new(&server.url(), &corpus, |inputs| HttpRequest::oip_binary("m", inputs));
    let report = short(CLOSED).run(&Arc::new(transport.unwrap())).unwrap();
    assert_eq!(report.sound.get(&Outcome::Answered), Some(&report.due));
}
