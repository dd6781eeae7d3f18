//! Answers what judging and delivery ask of the world.
#![forbid(unsafe_code)]
