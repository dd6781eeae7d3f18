//! What must hold of any message, any rule file, any judgement and any segment, stated once for all fuzz targets.
//!
//! Each target turns bytes into an input and calls these checks. They use the public interface of engine and store alone, so
//! that they stay true when it is rebuilt inside. A check that fails panics: that is how a target reports.
#![forbid(unsafe_code)]

pub mod judged;
pub mod mail;
pub mod parsed;
pub mod recorded;
pub mod ruled;
pub mod spooled;
pub mod stored;
pub mod tight;
