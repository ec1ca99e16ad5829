//! What was written is read, however often it is gathered, and whatever breaks off in between.

use std::sync::Arc;

use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::id::{MachineId, RunId};
use crate::manifest::{LedgerEntry, LedgerStep, Occasion, StepKind, StepState};
use crate::progress::Silent;
use crate::repository::{CreateOptions, OpenOptions, RECORDS, Repository, create};
use crate::storage::{MemoryStorage, Storage};
use crate::units::Timestamp;

fn repository() -> (Arc<MemoryStorage>, Repository) {
    let storage = Arc::new(MemoryStorage::new());
    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
    create(&*storage, &CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: Timestamp::new(1, 0) }).unwrap();
    let repository = open(&storage);
    (storage, repository)
}

fn open(storage: &Arc<MemoryStorage>) -> Repository {
    Repository::open(storage.clone() as Arc<dyn Storage>, OpenOptions::default()).unwrap()
}

fn entry(number: u8, job: &str) -> LedgerEntry {
    let now = Timestamp::new(1000 + i64::from(number), 0);
    let mut entry = LedgerEntry::new(RunId([number; 16]), MachineId([1; 16]), "desk", job, Occasion::Hand, now);
    let mut step = LedgerStep::new(StepKind::Snapshot, "", now);
    step.set_state(StepState::Failed);
    step.message = "a tool complained ".repeat(1000);
    entry.steps.push(step);
    entry
}

fn runs(ledger: &Ledger) -> Vec<u8> {
    ledger.entries.iter().map(|entry| entry.run.0[0]).collect()
}

#[test]
fn entries_are_read_in_the_order_of_their_beginning_and_long_complaints_are_cut() {
    let (_, repository) = repository();
    for number in [3, 1, 2] {
        append(&repository, entry(number, if number == 2 { "pictures" } else { "shop" }), Timestamp::new(2000, 0), &Silent).unwrap();
    }
    let ledger = read(&repository).unwrap();
    assert_eq!((runs(&ledger), ledger.records, ledger.unreadable.len()), (vec![1, 2, 3], 3, 0));
    assert_eq!(ledger.of_job("shop").map(|entry| entry.run.0[0]).collect::<Vec<_>>(), [3, 1]);
    assert!(ledger.entries[0].steps[0].message.len() < 5000 && ledger.entries[0].steps[0].message.ends_with('…'));
}

#[test]
fn gathered_entries_are_the_same_and_stand_in_few_records() {
    let (storage, repository) = repository();
    for number in 1..=40 {
        append(&repository, entry(number, "shop"), Timestamp::new(2000, 0), &Silent).unwrap();
    }
    let before = read(&repository).unwrap();
    assert_eq!(gather(&repository, 41, Timestamp::new(3000, 0)).unwrap(), 0);
    assert_eq!(gather(&repository, 40, Timestamp::new(3000, 0)).unwrap(), 40);
    let after = read(&open(&storage)).unwrap();
    assert_eq!((after.entries.clone(), after.records), (before.entries, 1));
    // What comes later stands above, and goes into one page with the rest.
    append(&repository, entry(50, "shop"), Timestamp::new(4000, 0), &Silent).unwrap();
    assert_eq!(gather(&repository, 2, Timestamp::new(5000, 0)).unwrap(), 2);
    assert_eq!(runs(&read(&repository).unwrap()).len(), 41);
}

#[test]
fn an_entry_that_is_there_twice_counts_once() {
    let (storage, repository) = repository();
    for number in 1..=3 {
        append(&repository, entry(number, "shop"), Timestamp::new(2000, 0), &Silent).unwrap();
    }
    let kept: Vec<(String, Vec<u8>)> = storage
        .list(RECORDS)
        .unwrap()
        .into_iter()
        .map(|listed| (listed.name.clone(), storage.read(&listed.name, 1 << 20).unwrap()))
        .collect();
    gather(&repository, 2, Timestamp::new(3000, 0)).unwrap();
    for (name, bytes) in kept {
        if storage.read(&name, 1 << 20).is_err() {
            let mut upload = storage.create(RECORDS).unwrap();
            upload.write(&bytes).unwrap();
            upload.publish(&name).unwrap();
        }
    }
    let ledger = read(&open(&storage)).unwrap();
    assert_eq!((runs(&ledger), ledger.records), (vec![1, 2, 3], 4));
    assert_eq!(gather(&repository, 2, Timestamp::new(4000, 0)).unwrap(), 4);
    assert_eq!(runs(&read(&repository).unwrap()), [1, 2, 3]);
}
