//! The proof can fail: where the storage breaks a promise, or a verb forgets a sync, schedules fail.

use std::sync::Arc;

use strongroom::storage::Promise;

use super::endings::{Follows, recover};
use super::verbs::{ALL, FIRST, FORGET, PRUNE, Verb};

/// How many of some crashes after `verb`, with `promise` broken below `prefix`, lose something.
fn losses(verb: &Verb, promise: Promise, prefix: &str) -> usize {
    let start = (verb.start)();
    let disk = start.disk.image();
    disk.break_promise(promise, prefix);
    let reported = (verb.run)(&start, Arc::new(disk.clone())).unwrap();
    let is_lost = |seed: &u64| {
        let mut expected = start.expected.clone();
        reported.iter().for_each(|id| expected.add(*id, &start.source));
        recover(verb, &start, disk.after_crash(*seed), &mut expected, true, Follows::Random(*seed)).is_err()
    };
    (0..10).filter(is_lost).count()
}

#[test]
fn with_every_promise_kept_no_crash_after_a_verb_loses_anything() {
    for verb in &ALL {
        assert_eq!(losses(verb, Promise::Names, "no such folder"), 0, "{}", verb.name);
    }
}

#[test]
fn a_sync_of_names_that_does_nothing_is_noticed_wherever_it_stands() {
    for (verb, prefix) in
        [(&FIRST, "packs"), (&FIRST, "index"), (&FIRST, "snapshots"), (&FORGET, "records"), (&PRUNE, "index"), (&PRUNE, "snapshots")]
    {
        assert!(losses(verb, Promise::Names, prefix) > 0, "{} without a sync of {prefix}", verb.name);
    }
    for name in ["init", "key add", "key remove", "key change"] {
        let verb = ALL.iter().find(|verb| verb.name == name).unwrap();
        assert!(losses(verb, Promise::Names, "keys") > 0, "{name} without a sync of keys");
    }
}

#[test]
fn bytes_that_are_not_synced_before_they_get_their_name_are_noticed() {
    for prefix in ["packs", "index", "snapshots"] {
        assert!(losses(&FIRST, Promise::Bytes, prefix) > 0, "{prefix}");
    }
    assert!(losses(&FORGET, Promise::Bytes, "records") > 0);
    assert!(losses(&ALL[0], Promise::Bytes, "repository.json") > 0);
}
