//! Any bytes as a capsule: they decode to one spelling or say where they are wrong; what decodes is replayed, explained and
//! asked what other rules would have decided.
#![no_main]

use std::cell::RefCell;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use xd_core::capsule::{SettingsChange, WhatIf};
use xd_core::{Engine, Limits, RuleSource};
use xd_fuzz::recorded;

// Without the model, as the seeds are.
static BUILTIN: LazyLock<Engine> =
    LazyLock::new(|| Engine::builtin().expect("the rules that come with xd compile").with_model(None));

/// The same rules and some more, over what capsules tell and what they do not.
static OTHER: LazyLock<Engine> = LazyLock::new(|| {
    const MORE: &str = r#"
        family = "more"
        [[rule]]
        id = "more-causes"
        score = "2.00"
        why = "the host has a name of its own"
        when = { in = "envelope.ehlo", regex = "\\.example$" }
        [[rule]]
        id = "more-facts"
        score = "2.00"
        why = "a link names a page"
        when = { any = [{ in = "link.url", contains = [".php"] }, { in = "raw:received", contains = ["userid"] }] }
        [[rule]]
        id = "more-content"
        score = "2.00"
        why = "the text speaks of letters"
        when = { in = "text", words = ["letter", "letters"] }
    "#;
    let mut sources = BUILTIN.sources().to_vec();
    sources.push(RuleSource::new("more.toml", MORE));
    Engine::compile(sources).expect("the rules of this target compile")
});

thread_local! {
    static WHAT_IF: RefCell<WhatIf<'static>> =
        RefCell::new(WhatIf::new(&BUILTIN, &OTHER, SettingsChange::default(), Limits::default()));
}

fuzz_target!(|bytes: &[u8]| {
    WHAT_IF.with_borrow_mut(|what_if| {
        recorded::check(&recorded::of_engine(bytes, BUILTIN.hash()), &BUILTIN, what_if);
    });
});
