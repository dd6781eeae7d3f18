//! The gateway: accepts, judges, never loses, delivers.
#![forbid(unsafe_code)]

mod admin;
mod control;
mod gateway;
