//! Journals that earlier versions wrote are read, and mean the same.

use highway_wasm::engine::{Config, Engine, Journal, write_records};

/// Journals and snapshots, one entry a line, with an empty line between two of them.
const JOURNALS: &str = include_str!("../fixtures/journals.txt");

#[test]
fn journals_of_earlier_versions_are_read() {
    for journal in JOURNALS.trim_end().split("\n\n") {
        let mut reader = Journal::default();
        let mut engine = Engine::new(Config::default());
        for entry in journal.lines() {
            let records = reader.read(entry).unwrap();
            assert_eq!(write_records(&records), entry);
            engine.restore(records);
        }
        if journal.contains("state_kept") {
            assert_eq!(engine.snapshot().join("\n"), journal);
        }
    }
}

#[test]
fn every_record_is_in_these_journals() {
    let declared = include_str!("../../src/engine/journal/record.rs").lines();
    let words = declared.filter_map(|line| line.strip_prefix("        \"")?.split_once("\" "));
    let mut count = 0;
    for (word, _) in words {
        assert!(JOURNALS.contains(&format!(r#""type":"{word}""#)), "{word}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}
