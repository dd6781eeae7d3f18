//! What must hold of any message, any container, any rule file, any judgement, any segment and any dialogue, stated once for all fuzz targets.
//!
//! Each target turns bytes into an input and calls these checks. They use the public interface of engine, store and gateway alone, so
//! that they stay true when it is rebuilt inside. A check that fails panics: that is how a target reports.
#![forbid(unsafe_code)]

pub mod carried;
pub mod judged;
pub mod mail;
pub mod opened;
pub mod parsed;
pub mod recorded;
pub mod replied;
pub mod ruled;
pub mod said;
pub mod spooled;
pub mod stored;
pub mod tight;
