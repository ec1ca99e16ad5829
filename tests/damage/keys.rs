//! Key slots: one that is damaged is seen, and the other opens everything.

use super::{Bench, Way};

#[test]
fn whatever_happens_to_one_key_the_other_opens_everything() {
    let bench = Bench::new(true);
    for name in bench.files("keys") {
        for way in Way::ALL.into_iter().filter(|way| !matches!(way, Way::Swapped | Way::Older)) {
            let what = format!("{way:?} {name}");
            bench.damage(&name, way);
            let codes = ["key", "second"].map(|key| bench.restore_with(key, &what));
            // The one whose slot is damaged is let in nowhere, the other everywhere.
            assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{what}: {codes:?}");
            assert!(codes.iter().all(|code| [0, 4, 12].contains(code)), "{what}: {codes:?}");
            let checks = ["key", "second"].map(|key| bench.with_key(key, &["-q", "check"]).code);
            let expected = if way == Way::Deleted { 0 } else { 4 };
            assert!(checks.contains(&expected) && checks.iter().all(|code| [expected, 4, 12].contains(code)), "{what}: {checks:?}");
        }
    }
}

#[test]
fn without_any_key_slot_nothing_is_opened_and_nothing_is_written() {
    let bench = Bench::new(true);
    for way in [Way::Deleted, Way::Emptied, Way::Zeroed, Way::FlippedInTheMiddle] {
        let names = bench.files("keys");
        bench.damage(&names[0], way);
        bench.damage_also(&names[1], way);
        for key in ["key", "second"] {
            let code = bench.restore_with(key, "no slot");
            assert!([4, 12].contains(&code), "{way:?}: {code}");
        }
    }
}

#[test]
fn slots_that_changed_places_are_seen_and_both_keys_are_told_the_truth() {
    let bench = Bench::new(true);
    bench.damage(&bench.files("keys")[0], Way::Swapped);
    for key in ["key", "second"] {
        let code = bench.restore_with(key, "swapped");
        assert!([0, 4, 12].contains(&code), "{code}");
    }
    // A folder of keys from before the second key was added: the first opens it.
    bench.damage(&bench.files("keys")[0], Way::Older);
    assert_eq!((bench.restore_with("key", "older"), bench.restore_with("second", "older")), (0, 12));
}
