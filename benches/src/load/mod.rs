//! A load generator, open or closed, free of coordinated omission.
//!
//! [`Arrivals`] says when requests are due, [`Mix`] what each of them is, a
//! [`Transport`](transport::Transport) carries them to a model in this process or to a server, and
//! [`LoadTest`] does it and [`Report`]s.
//!
//! Latency is counted from when a request was *due*, not from when it was sent. A server that stalls
//! holds up the requests behind the one it stalls on; a generator that starts its clock when it
//! finally gets to send them leaves that wait out, and the worst of the distribution with it. Here a
//! request that starts late is late, and one that is due and never answered counts as having waited
//! until the end.

mod arrivals;
mod histogram;
mod inputs;
mod instant_server;
mod mix;
mod recorder;
mod report;
mod run;
mod timer;
pub mod transport;
mod usage;

pub use self::{
    arrivals::{Arrivals, Process},
    histogram::Latencies,
    inputs::{Inputs, Lengths},
    instant_server::InstantServer,
    mix::{Corpus, Mix, Sizes, Ticket},
    report::{Outcome, Report},
    run::LoadTest,
    usage::{Usage, process_tree},
};
