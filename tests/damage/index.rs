//! The index says where chunks lie, and the packs know it too: whatever happens to it, everything
//! restores, and nothing is written until it is whole.

use super::{Bench, Way};

#[test]
fn whatever_happens_to_the_index_everything_restores() {
    for is_encrypted in [true, false] {
        let bench = Bench::new(is_encrypted);
        for name in bench.files("index") {
            for way in Way::all(is_encrypted) {
                let what = format!("{way:?} {name}, encrypted: {is_encrypted}");
                bench.damage(&name, way);
                assert_eq!(bench.check(), 4, "{what}");
                assert_eq!((bench.restore(0, &what).0, bench.restore(1, &what).0), (0, 0), "{what}");
            }
        }
    }
}

#[test]
fn without_any_index_everything_is_listed_compared_and_printed() {
    let bench = Bench::new(true);
    let commands = |bench: &Bench| {
        let source = bench.source("steady");
        let ids: Vec<String> = bench.snapshots.iter().map(|(id, _)| id.clone()).collect();
        let arguments: [Vec<String>; 5] = [
            vec!["ls".into(), "-R".into(), "latest".into()],
            vec!["diff".into(), ids[0].clone(), ids[1].clone()],
            vec!["changes".into(), "latest".into()],
            vec!["find".into(), "stead*".into()],
            vec!["history".into(), source],
        ];
        arguments.map(|words| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            bench.run(&words).expect(0)
        })
    };
    let before = commands(&bench).map(|ran| ran.stdout);
    bench.damage(&bench.files("index")[0], Way::Deleted);
    for name in &bench.files("index")[1..] {
        bench.replace(name, b"nonsense");
    }
    let after = commands(&bench);
    assert_eq!(after.each_ref().map(|ran| ran.stdout.clone()), before);
    assert!(after[0].stderr.contains("warning: ") && after[0].stderr.contains("the packs are asked instead"), "{}", after[0].stderr);
}

#[test]
fn with_a_segment_that_cannot_be_read_nothing_is_stored_and_nothing_removed() {
    let bench = Bench::new(true);
    let name = &bench.files("index")[0];
    for way in [Way::Emptied, Way::Zeroed, Way::FlippedInTheMiddle] {
        bench.damage(name, way);
        bench.run(&["snapshot"]).expect(4);
        bench.run(&["prune", "--keep-last", "1"]).expect(4);
        assert_eq!((bench.restore(0, "after").0, bench.restore(1, "after").0), (0, 0), "{way:?}");
    }
}

#[test]
fn a_segment_that_is_gone_is_made_again_by_the_next_snapshot() {
    let bench = Bench::new(true);
    for name in bench.files("index") {
        bench.damage(&name, Way::Deleted);
        assert_eq!(bench.check(), 4);
        bench.run(&["snapshot"]).expect(0);
        assert_eq!(bench.check(), 0, "{name}");
    }
}
