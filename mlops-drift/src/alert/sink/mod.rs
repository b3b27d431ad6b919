//! Where alerts go.

mod channel;
mod log;

pub use self::{channel::ChannelSink, log::LogSink};
