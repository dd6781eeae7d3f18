//! All benches in one program: linking the engine once is most of the time that building them takes.

#![allow(missing_docs, unreachable_pub, reason = "criterion_group! makes public functions")]
#![allow(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

mod capsule;
mod dkim;
mod dmarc;
mod files;
mod hostile;
mod html;
mod judge;
mod links;
mod parse;
mod rules;
mod spf;
mod startup;
mod store;

criterion::criterion_main!(
    parse::benches,
    dkim::benches,
    html::benches,
    links::benches,
    rules::benches,
    spf::benches,
    judge::benches,
    capsule::benches,
    files::benches,
    hostile::benches,
    startup::benches,
    store::benches,
    dmarc::benches
);
