//! A small fuzzer of everything that reads text or plain data from strangers: it changes golden vectors, byte by byte and
//! part by part, and sees that nothing panics and that what was accepted can be written and read again.
//!
//! `cargo test --test fuzz` runs for 5 seconds. `HIGHWAY_FUZZ_SECONDS` sets the time, `HIGHWAY_FUZZ_SEED` the first case;
//! a failure tells the seed of its case, which is the first one then.

#![cfg(feature = "engine")]

mod mutate;
mod targets;

use mutate::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use targets::{Corpus, TARGETS};

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn nothing_panics() {
    let corpus = Corpus::load();
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let first = number("HIGHWAY_FUZZ_SEED").unwrap_or_else(|| u64::try_from(clock() & 0xffff_ffff).unwrap());
    let end = Instant::now() + Duration::from_secs(number("HIGHWAY_FUZZ_SECONDS").unwrap_or(5));
    let mut counts = vec![0_u64; TARGETS.len()];
    let mut seed = first;
    println!("HIGHWAY_FUZZ_SEED={first}");
    while Instant::now() < end {
        let mut rng = Rng::new(seed);
        let at = rng.below(TARGETS.len());
        let (name, target) = TARGETS[at];
        let run = catch_unwind(AssertUnwindSafe(|| target(&corpus, &mut rng)));
        assert!(run.is_ok(), "{name} failed; once more: HIGHWAY_FUZZ_SEED={seed} cargo test --test fuzz");
        counts[at] += 1;
        seed += 1;
    }
    for ((name, _), count) in TARGETS.iter().zip(&counts) {
        println!("{name}: {count} cases");
    }
    assert!(counts.iter().all(|count| *count > 0) || seed - first < 100);
}
