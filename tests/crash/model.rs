//! Random operations against a plain map of what each snapshot holds, shrunk when they fail.
//!
//! `CRASH_MODEL_CASES=N` says how many; a failure prints the operations and the seed, and
//! `PROPTEST_RNG_SEED` takes it again.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use strongroom::manifest::Kind;
use strongroom::storage::faults::Lasts;

use super::endings::Ending;
use super::operations::{Action, Operation};
use super::play::Model;

const CASES: u32 = 40;

fn lasts() -> impl Strategy<Value = Lasts> {
    prop_oneof![Just(Lasts::Once), Just(Lasts::Forever)]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        4 => any::<u64>().prop_map(Ending::PowerCut),
        2 => Just(Ending::Killed(0)),
        1 => lasts().prop_map(Ending::Error),
        1 => lasts().prop_map(Ending::Full),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![Just(Kind::Incremental), Just(Kind::Differential), Just(Kind::Full)];
    prop_oneof![
        6 => (kind, any::<bool>()).prop_map(|(kind, with_checkpoints)| Action::Snapshot(kind, with_checkpoints)),
        1 => any::<u8>().prop_map(Action::Forget),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(number, is_pinned)| Action::Pin(number, is_pinned)),
        3 => (1..4_u8).prop_map(|keep_last| Action::Prune { keep_last }),
        1 => Just(Action::Check),
        1 => Just(Action::Repair),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..9_u8, any::<u8>()).prop_map(|(file, content)| Operation::Write { file, content }),
        2 => (0..9_u8).prop_map(|file| Operation::Remove { file }),
        5 => action().prop_map(|action| Operation::Run(action, None)),
        5 => (action(), any::<u8>(), ending()).prop_map(|(action, share, ending)| Operation::Run(action, Some((share, ending)))),
        1 => Just(Operation::LoseCache),
        1 => Just(Operation::LoseCatalog),
        1 => Just(Operation::Copy),
        1 => Just(Operation::Swap),
        1 => Just(Operation::RollBack),
    ]
}

#[test]
fn snapshots_restore_what_a_plain_map_says_whatever_happens_between() {
    let cases = std::env::var("CRASH_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let strategy = (0..4_u8, proptest::collection::vec(operation(), 1..24));
    let outcome = TestRunner::new(config).run(&strategy, |(catalog, operations)| {
        // sled waits for the disk, so it takes part in a fourth of the cases.
        Model::new(catalog == 0).run(&operations).map_err(TestCaseError::fail)
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
