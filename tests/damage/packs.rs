//! Packs hold everything: what was in a damaged one is lost and named, all else comes back.

use super::{Bench, Way};

#[test]
fn whatever_happens_to_a_pack_is_seen_and_costs_only_what_lies_in_it() {
    for is_encrypted in [true, false] {
        let bench = Bench::new(is_encrypted);
        let packs = bench.files("packs");
        assert_eq!(packs.len(), 4, "two of each kind");
        for name in &packs {
            // The fifth byte of the magic says data or meta; the header is plain.
            let is_data = bench.good(name)[8] == 1;
            for way in Way::all(is_encrypted) {
                let what = format!("{way:?} {name}, data: {is_data}, encrypted: {is_encrypted}");
                bench.damage(name, way);
                assert_eq!(bench.check(), 4, "{what}");
                let outcomes = [bench.restore(0, &what), bench.restore(1, &what)];
                for (code, _) in outcomes {
                    assert!(code == 0 || code == 4, "{what}: exit code {code}");
                }
                // The second snapshot's packs are not needed by the first; `Swapped` meets two packs.
                let whole = outcomes.iter().filter(|(code, _)| *code == 0).count();
                if way == Way::Older {
                    assert_eq!(outcomes[0].0, 0, "{what}: the older packs are all there");
                } else if is_data && way != Way::Swapped {
                    // Of each snapshot at most the files of one run are lost, and the folder with them.
                    assert!(outcomes.iter().all(|(_, right)| *right >= 2), "{what}: {outcomes:?}");
                    assert!(whole <= 1 || way.is_a_flip(), "{what}: a pack was damaged that nobody needs");
                }
            }
        }
    }
}

#[test]
fn without_reading_data_check_sees_packs_that_lost_their_length_head_or_end() {
    let bench = Bench::new(true);
    for name in bench.files("packs") {
        for way in Way::ALL.into_iter().filter(|way| !way.is_a_flip()) {
            bench.damage(&name, way);
            assert_eq!(bench.run(&["-q", "check"]).code, 4, "{way:?} {name}");
        }
    }
}

#[test]
fn a_pack_that_is_lost_is_stored_again_by_a_full_snapshot_of_a_source_that_still_has_it() {
    let bench = Bench::new(true);
    for name in bench.files("packs") {
        bench.damage(&name, Way::Deleted);
        bench.run(&["snapshot", "--kind", "full"]).expect(0);
        // The newest snapshot is whole again, whatever the older ones lost.
        let (code, _) = bench.restore(1, &name);
        let back = bench.run(&["-q", "restore", "latest", &bench.target("newest")]);
        assert_eq!(back.code, 0, "{name}: {} {code}", back.stderr);
    }
}
