//! The same models and loads, put on servers that others have made.
//!
//! [`PEERS`] are the servers, [`cases`] the loads. A [`RunningPeer`] is one of the servers with one
//! model; a [`Table`] collects what came of each load in each round.

mod case;
mod drivers;
mod peer;
mod running;
mod table;

pub use self::{
    case::{Case, LENGTH, Load, MODELS, cases, corpus},
    drivers::{perf_analyzer, wrk},
    peer::{Form, PEERS, Peer, Places},
    running::RunningPeer,
    table::{Figures, Table},
};
