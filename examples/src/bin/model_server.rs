//! Serves the ONNX models of a directory, `MODELS/NAME/VERSION/model.onnx`, over the Open Inference
//! Protocol. A model is batched as the arguments say or, if there is one, as `MODELS/NAME/batcher.json`
//! says: the fields of `BatcherOptions`.
//!
//!     cargo run --release --bin model_server -- --models examples/data/digits/models
//!
//! It listens at once and is ready when every model is loaded and warm.
#![expect(clippy::print_stderr, reason = "a program talks to its terminal")]

use std::{
    collections::BTreeSet,
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use mlops_core::{
    clock::SystemClock,
    inference::Predict,
    observe::{Observed, PredictionObserver},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions, Placement},
    host::{
        HostOptions, LoadOptions, LoadedModel, LoaderFn, ModelControl, ModelDirectory, ModelHost,
        ModelStatistics, Models, RepositoryControl, ServedModel, VersionPolicy,
    },
    metrics::{self, ModelMetrics, ServeMetrics, prometheus_client::registry::Registry},
    protocol::{ServeOptions, axum::Router, health, oip, serve},
    session::onnxruntime::{DiscoverOptions, OnnxRuntime, OnnxSessionFactory, SessionOptions},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

#[derive(Parser)]
#[command(about = "Serves ONNX models over the Open Inference Protocol")]
struct Arguments {
    /// Directory of models: NAME/VERSION/model.onnx
    #[arg(long)]
    models: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8000")]
    http: SocketAddr,
    /// Address to serve gRPC on as well
    #[arg(long)]
    grpc: Option<SocketAddr>,
    /// Sessions of each model
    #[arg(long, default_value_t = 1)]
    instances: usize,
    /// Threads of each session
    #[arg(long, default_value_t = 1)]
    intra_threads: usize,
    /// Rows in a batch at most
    #[arg(long, default_value_t = 32)]
    max_batch_size: usize,
    /// How long a partial batch may wait to fill, such as 2ms or 500us
    #[arg(long, default_value = "0ms", value_parser = duration)]
    max_queue_delay: Duration,
    /// Who runs the sessions: auto, thread or caller-runs
    #[arg(long, default_value = "auto", value_parser = placement)]
    placement: Placement,
    /// The ONNX Runtime library [default: looked for beside the program and by the system's loader]
    #[arg(long, env = "ORT_DYLIB_PATH")]
    onnxruntime: Option<PathBuf>,
}

type Failure = Box<dyn Error + Send + Sync>;

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let count: u64 =
        digits.parse().map_err(|error| format!("`{text}` is not like 2ms: {error}"))?;
    match &text[digits.len()..] {
        "us" => Ok(Duration::from_micros(count)),
        "ms" => Ok(Duration::from_millis(count)),
        "s" => Ok(Duration::from_secs(count)),
        unit => Err(format!("the unit `{unit}` is not us, ms or s")),
    }
}

fn placement(text: &str) -> Result<Placement, String> {
    match text {
        "auto" => Ok(Placement::Auto),
        "thread" => Ok(Placement::Thread),
        "caller-runs" => Ok(Placement::CallerRuns),
        _ => Err("choose auto, thread or caller-runs".into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();

    let mut registry = Registry::default();
    let metrics = ServeMetrics::register(&mut registry);
    let host = Arc::new(ModelHost::start(HostOptions::default())?);
    let repository = models(&arguments, metrics.clone())?;
    let found = repository.models()?;
    if found.is_empty() {
        return Err(format!("no NAME/VERSION in {}", arguments.models.display()).into());
    }
    found.iter().try_for_each(|id| host.announce(id))?;
    // A model is served in every version there is, or, if one is broken, not at all.
    let control = RepositoryControl::new(Arc::clone(&host), Arc::new(repository))
        .with_policy(VersionPolicy::All);

    let control: Arc<dyn ModelControl> = Arc::new(control);
    let served: Arc<dyn Models> = Arc::<ModelHost>::clone(&host);
    let server = oip::Server::new(Arc::clone(&served))
        .with_recorder(Arc::new(metrics.clone()))
        .with_control(Arc::clone(&control));
    let router = oip::router(server.clone(), oip::RestOptions::default())
        .merge(health::router(served))
        .merge(metrics::router(Arc::new(registry)));
    let mut serving = JoinSet::new();
    listen(&mut serving, "http", arguments.http, router).await?;
    if let Some(address) = arguments.grpc {
        let router = oip::grpc_router(server, oip::GrpcOptions::default());
        listen(&mut serving, "grpc", address, router).await?;
    }

    let loading = async {
        for name in found.iter().map(|id| &id.name).collect::<BTreeSet<_>>() {
            // The others still serve; this one says why it does not.
            if let Err(error) = control.load(name.as_str(), LoadOptions::default()).await {
                eprintln!("{name}: {}", error.report());
            }
        }
    };
    tokio::select! {
        Some(served) = serving.join_next() => served??,
        () = loading => {
            eprintln!("ready");
        }
    }
    while let Some(served) = serving.join_next().await {
        served??;
    }
    host.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

async fn listen(
    serving: &mut JoinSet<mlops_core::Result<()>>,
    scheme: &str,
    address: SocketAddr,
    router: Router,
) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on {scheme}://{}", listener.local_addr()?);
    serving.spawn(serve(listener, router, ServeOptions::default(), stop()));
    Ok(())
}

/// Until the process is asked to end.
async fn stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime has signals");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    eprintln!("finishing what is under way");
}

/// The models `NAME/VERSION/model.onnx` of the directory.
fn models(arguments: &Arguments, metrics: ServeMetrics) -> Result<ModelDirectory, Failure> {
    let mut discover = DiscoverOptions::default();
    discover.path = arguments.onnxruntime.clone();
    let runtime = OnnxRuntime::discover(&discover)?;
    let options = BatcherOptions::default()
        .with_instances(arguments.instances)
        .with_max_batch_size(arguments.max_batch_size)
        .with_max_queue_delay(arguments.max_queue_delay)
        .with_placement(arguments.placement);
    let session = SessionOptions::default().with_intra_threads(arguments.intra_threads);
    Ok(ModelDirectory::new(&arguments.models, move |_, directory| {
        let path = directory.join("model.onnx");
        let factory = OnnxSessionFactory::from_file(&runtime, path, session.clone());
        let own = directory.with_file_name("batcher.json");
        let (options, metrics) = (options.clone(), metrics.clone());
        Ok(Arc::new(LoaderFn::new(move |id, _| {
            let watched = metrics.model(id);
            let statistics = Arc::new(ModelStatistics::new());
            let options = own_options(&own)?.unwrap_or_else(|| options.clone());
            let batcher = Batcher::builder(id.clone(), factory.clone(), options)
                .observer(Arc::<ModelMetrics>::clone(&watched))
                .observer(Arc::<ModelStatistics>::clone(&statistics))
                .start()?;
            let batcher = Arc::new(batcher);
            eprintln!("{id}: {:?}, {}", batcher.placement(), batcher.descriptor().signature);
            watched.watch_load(&batcher);
            let model = Arc::<Batcher>::clone(&batcher);
            let observers: Vec<Arc<dyn PredictionObserver>> =
                vec![watched, Arc::<ModelStatistics>::clone(&statistics)];
            let observed = Observed::wrap(model, observers, Arc::new(SystemClock));
            let served = ServedModel::new(observed).with_statistics(statistics);
            Ok(LoadedModel::new(served).with_batcher(batcher))
        })))
    }))
}

/// The options in a file, if there is one.
fn own_options(path: &Path) -> mlops_core::Result<Option<BatcherOptions>> {
    let text = match std::fs::read(path).map_err(|error| mlops_core::Error::file(path, error)) {
        Err(error) if error.is_not_found() => return Ok(None),
        read => read?,
    };
    let options = serde_json::from_slice(&text);
    options.map(Some).map_err(|error| {
        mlops_core::Error::corrupt("batcher options", path.display(), error.to_string())
    })
}
