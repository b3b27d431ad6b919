//! A browser without a window, all of whose requests come to the test.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Where pages are, as far as the browser knows.
const SITE: &str = "http://report.test/";

/// Where the browser is told to ask for what it wants to know itself: updates, accounts.
const VENDOR: &str = "http://browser.test/";

/// What came of a visit.
pub(crate) struct Visit {
    /// The page when it had come to rest.
    pub(crate) document: String,
    /// What pages asked for, in order: a method and an address.
    pub(crate) requests: Vec<String>,
}

/// Opens the first of these pages. The test is its proxy for everything:
/// it answers with the pages, and with nothing for other addresses.
pub(crate) fn visit(pages: &[(&str, &str)]) -> Visit {
    let pages: BTreeMap<String, &str> =
        pages.iter().map(|(name, page)| (format!("{SITE}{name}"), *page)).collect();
    let first = pages.keys().next().unwrap().clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let (pages, asked, ended) = (&pages, &requests, &over);
    let document = thread::scope(|scope| {
        scope.spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                let stream = stream.unwrap();
                // Each its own: browsers open connections that they may not use.
                scope.spawn(move || answer(&stream, pages, asked));
            }
        });
        let document = browse(&first, address);
        over.store(true, Ordering::Release);
        drop(TcpStream::connect(address).unwrap());
        document
    });
    Visit { document, requests: requests.into_inner().unwrap() }
}

fn answer(mut stream: &TcpStream, pages: &BTreeMap<String, &str>, requests: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let _headers = lines.take_while(|line| !line.is_empty()).count();
    let (request, _) = request.rsplit_once(' ').unwrap();
    if !request.contains(VENDOR) {
        requests.lock().unwrap().push(request.to_owned());
    }
    let page = request.strip_prefix("GET ").and_then(|address| pages.get(address));
    let (status, body) = page.map_or(("404 Not Found", ""), |page| ("200 OK", *page));
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A browser that has gone away has what it wanted.
    let _sent = stream.write_all((head + body).as_bytes());
}

fn browse(page: &str, proxy: SocketAddr) -> String {
    let profile = tempfile::tempdir().unwrap();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let run = |name: &str| {
        Command::new(name)
            // The pages are ours, and its sandbox does not work in containers.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            // As little as possible but what the page asks for.
            .args(["--no-first-run", "--disable-sync", "--disable-extensions"])
            .args(["--disable-background-networking", "--disable-default-apps"])
            .arg("--disable-features=AutofillServerCommunication,NetworkTimeServiceQuerying")
            .arg(format!("--component-updater=url-source={VENDOR}"))
            .arg(format!("--gaia-url={VENDOR}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--proxy-server=http://{proxy}"))
            .args(["--proxy-bypass-list=<-loopback>", "--virtual-time-budget=20000"])
            .args(["--dump-dom", page])
            .stderr(Stdio::null())
            .output()
            .ok()
    };
    let output = names.into_iter().find_map(run).expect(
        "chromium is installed: `cargo xtask setup --system`, or `apt-get install chromium`",
    );
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
