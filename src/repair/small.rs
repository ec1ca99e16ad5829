//! Mends what stands beside the packs: key slots, records, manifests, and the settings among the
//! records.

use super::outcome::Outcome;
use super::request::Request;
use crate::error::{ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::Content;
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::repository::{KEYS, RECORDS, Repository, SNAPSHOTS, lone_problem, set_aside, with_reserve};
use crate::verify::{self, check_keys_and_records, check_manifests, expected_hash};

/// Sets damaged small objects aside and sees to it that there are settings. Returns the repository with
/// what its records say then, and what the top-level entries of its snapshots hold.
///
/// # Errors
/// `Unsupported` when a record says something critical that this version does not know: then nothing
/// was changed; those of the storage; `Interrupted`.
pub(super) fn mend_small_objects(
    repository: Repository,
    request: &Request,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<(Repository, Vec<Content>)> {
    match repository.facts().check_writable() {
        Err(error) if error.kind() != ErrorKind::Damaged => return Err(error),
        _ => {}
    }
    let mut found = verify::Outcome::default();
    check_keys_and_records(&repository, &mut found, progress)?;
    let roots = check_manifests(&repository, &mut found, progress)?;
    let is_in = |name: &str, folder: &str| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let count = |folder| found.damaged.iter().filter(|object| is_in(&object.name, folder)).count() as u64;
    let names = found.damaged.iter().filter(|object| is_in(&object.name, SNAPSHOTS));
    let lost: Vec<SnapshotId> = names.filter_map(|object| expected_hash(SNAPSHOTS, &object.name).map(SnapshotId)).collect();
    outcome.snapshots_lost = count(SNAPSHOTS);
    outcome.records_lost = count(RECORDS);
    outcome.restored_records = repository.facts().lone_records().len() as u64;
    // What they said is known from the others.
    outcome.records_lost = outcome.records_lost.saturating_sub(outcome.restored_records);
    outcome.restored_settings = repository.facts().lacks_settings();
    let repository = if request.dry_run {
        repository
    } else {
        let (manifests, others): (Vec<&str>, Vec<&str>) =
            found.damaged.iter().map(|object| object.name.as_str()).partition(|name| is_in(name, SNAPSHOTS));
        set_aside(&**repository.storage(), others)?;
        if outcome.restored_settings {
            with_reserve(&**repository.storage(), || repository.restore_settings((request.clock)()))?;
        }
        let repository = repository.read_again()?;
        with_reserve(&**repository.storage(), || repository.restore_lone_records())?;
        // Said before they go, so that everybody misses them, and nothing is freed that they need until somebody gives
        // them up. What was forgotten is given up already, unless it may be protected.
        let (marks, protection) = (repository.facts().marks(), repository.facts().protection());
        let may_give_up = protection.seconds_at((request.clock)()) == 0;
        let (given_up, missed): (Vec<SnapshotId>, Vec<SnapshotId>) = lost.iter().partition(|id| may_give_up && marks.is_forgotten(id));
        // And what only they may have named, there or missing.
        let there = repository.catalogued_from_sealed()?;
        let missing = there.rollback.map_or_else(Vec::new, |rollback| rollback.missing);
        let has_lost = !lost.is_empty();
        let others = there.unnamed.into_iter().chain(missing).filter(|id| has_lost && !lost.contains(id));
        repository.record_presence(&missed.into_iter().chain(others).collect::<Vec<_>>(), (request.clock)())?;
        // In this order: they are there still, and what is there was not removed.
        repository.recant_removals((request.clock)())?;
        if !given_up.is_empty() {
            repository.record_removal(&given_up, (request.clock)())?;
        }
        set_aside(&**repository.storage(), manifests)?;
        repository
    };
    mend_keys(&repository, request, outcome, progress)?;
    outcome.damaged.append(&mut found.damaged);
    Ok((repository, roots))
}

/// Makes the second slot of the key in use again, where it is lost. That of another key takes that key.
fn mend_keys(repository: &Repository, request: &Request, outcome: &mut Outcome, progress: &dyn Progress) -> Result<()> {
    for key in repository.lone_keys()? {
        if !repository.is_in_use(&key) {
            if !key.is_changing() {
                progress.report(Finding::new(FindingKind::Note(Topic::Object), KEYS.as_bytes(), lone_problem(&key)));
            }
            continue;
        }
        outcome.restored_key = true;
        if !request.dry_run {
            with_reserve(&**repository.storage(), || repository.restore_twin(&key))?;
        }
    }
    Ok(())
}
