//! Key slots: one that is damaged is seen, and the other opens everything.

use super::{Bench, Way};

#[test]
fn whatever_happens_to_one_slot_both_keys_open_everything() {
    let bench = Bench::new(true);
    for name in bench.files("keys") {
        for way in Way::ALL.into_iter().filter(|way| !matches!(way, Way::Swapped | Way::Older)) {
            let what = format!("{way:?} {name}");
            bench.damage(&name, way);
            for key in ["key", "second"] {
                assert_eq!(bench.restore_with(key, &what), 0, "{what}");
                assert_eq!(bench.with_key(key, &["-q", "check"]).code, 4, "{what}");
            }
        }
    }
}

#[test]
fn without_any_key_slot_nothing_is_opened_and_nothing_is_written() {
    let bench = Bench::new(true);
    for way in [Way::Deleted, Way::Emptied, Way::Zeroed, Way::FlippedInTheMiddle] {
        let names = bench.files("keys");
        bench.damage(&names[0], way);
        for name in &names[1..] {
            bench.damage_also(name, way);
        }
        for key in ["key", "second"] {
            let code = bench.restore_with(key, "no slot");
            assert_eq!(code, 4, "{way:?}: {code}");
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
