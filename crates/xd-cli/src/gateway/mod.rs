//! Commands about a gateway. What is on disk is read there, whether the gateway runs or not; what changes its queue is asked of it.

mod arguments;
mod log;
mod queue;
mod socket;
mod status;

pub(crate) use arguments::{Log, Queue, Status};
pub(crate) use log::run as log;
pub(crate) use queue::run as queue;
pub(crate) use status::run as status;
