//! Placeholder until its work lands.
fn main() {}
