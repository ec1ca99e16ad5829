//! Long walks: random verbs, each ended at a random call, each followed by the next.
//!
//! `CRASH_SCHEDULES=N` says how many endings are tried, `CRASH_SEED=S` where the seeds begin. Names
//! of objects are random, so a seed gives the same operations and nearly the same calls, not the same
//! bytes.

use strongroom::manifest::Kind;
use strongroom::storage::Choices;
use strongroom::storage::faults::Lasts;

use super::endings::Ending;
use super::operations::{Action, Figures, Operation};
use super::play::Model;

const SCHEDULES: u64 = 60;
/// So many endings are tried on one repository.
const ENDINGS: u64 = 10;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn operations(choices: &mut Choices) -> Vec<Operation> {
    let mut operations = Vec::new();
    for _ in 0..ENDINGS {
        for _ in 0..1 + choices.below(3) {
            operations.push(match choices.below(4) {
                0 => Operation::Remove { file: choices.below(9) as u8 },
                _ => Operation::Write { file: choices.below(9) as u8, content: choices.below(256) as u8 },
            });
        }
        if choices.eighths(3) {
            operations.push(Operation::Run(action(choices), None));
        }
        if choices.eighths(2) {
            let machine = [Operation::LoseCache, Operation::LoseCatalog, Operation::Copy, Operation::Swap, Operation::RollBack];
            operations.push(machine[choices.below(5) as usize].clone());
        }
        let lasts = [Lasts::Once, Lasts::Forever][choices.below(2) as usize];
        let ending = match choices.below(8) {
            0..=4 => Ending::PowerCut(choices.bits()),
            5 => Ending::Killed(0),
            6 => Ending::Error(lasts),
            _ => Ending::Full(lasts),
        };
        let action = match action(choices) {
            Action::Check => Action::Prune { keep_last: 1 },
            action => action,
        };
        operations.push(Operation::Run(action, Some((choices.below(256) as u8, ending))));
    }
    operations
}

fn action(choices: &mut Choices) -> Action {
    match choices.below(13) {
        0..=5 => {
            let kind = [Kind::Incremental, Kind::Differential, Kind::Full][choices.below(3) as usize];
            Action::Snapshot(kind, choices.eighths(4))
        }
        6 => Action::Forget(choices.below(256) as u8),
        7 => Action::Pin(choices.below(256) as u8, choices.eighths(5)),
        8..=10 => Action::Prune { keep_last: 1 + choices.below(3) as u8 },
        11 => Action::Repair,
        _ => Action::Check,
    }
}

#[test]
fn random_schedules_lose_nothing() {
    let (schedules, first) = (number("CRASH_SCHEDULES", SCHEDULES), number("CRASH_SEED", 1));
    let mut total = Figures::default();
    for seed in first..first + schedules.div_ceil(ENDINGS) {
        let operations = operations(&mut Choices::new(seed));
        let mut model = Model::new(seed % 4 == 0);
        if let Err(problem) = model.run(&operations) {
            panic!("CRASH_SEED={seed}: {problem}\n{operations:#?}");
        }
        let Figures { done, struck, power_cuts, reported, compared } = model.figures;
        total.done += done;
        total.struck += struck;
        total.power_cuts += power_cuts;
        total.reported += reported;
        total.compared += compared;
    }
    println!("{} schedules from seed {first}: {total:?}", schedules.div_ceil(ENDINGS) * ENDINGS);
    assert!(total.struck * 3 > schedules, "too few endings struck: {total:?}");
}
