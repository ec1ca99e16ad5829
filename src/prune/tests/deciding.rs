//! What a plan decides holds under the lock: more may stay than it said, and nothing else goes.

use jiff::tz::TimeZone;

use super::*;
use crate::manifest::Kind;
use crate::retention::{Candidate, KeepPolicy, Reason};

const DAY: i64 = 86_400;

fn id(number: u8) -> SnapshotId {
    SnapshotId([number; 32])
}

/// A snapshot of day `number`.
fn subject(number: u8) -> Subject {
    let at = Timestamp::new(i64::from(number) * DAY, 0);
    let candidate = Candidate {
        id: id(number),
        series: "home".to_owned(),
        machine: None,
        time: at,
        committed_at: at,
        counter: u64::from(number),
        kind: Kind::Incremental,
        base: None,
        files: 100,
        sources: Vec::new(),
        tags: Vec::new(),
        is_pinned: false,
        is_suspect: false,
    };
    Subject { id: id(number), is_forgotten: false, is_pinned: false, candidate: Some(candidate) }
}

fn by_rules(last: u64) -> Request {
    Request::by_rules(Rules { keep: KeepPolicy { last, ..KeepPolicy::default() }, series: Vec::new() })
}

fn try_decide(subjects: &[Subject], request: &Request, before: Option<&Decisions>) -> crate::error::Result<Decisions> {
    decide(subjects, request, before, &Moment { now: Timestamp::new(100 * DAY, 0), protect_seconds: 0, zone: &TimeZone::UTC })
}

fn decided(subjects: &[Subject], request: &Request, before: Option<&Decisions>) -> Decisions {
    try_decide(subjects, request, before).unwrap()
}

fn verdict(decisions: &Decisions, number: u8) -> &Verdict {
    &decisions.iter().find(|decision| decision.subject.id == id(number)).unwrap().verdict
}

#[test]
fn each_snapshot_has_its_reason_and_what_goes_has_its_cause() {
    let (mut forgotten, mut pinned) = (subject(1), subject(2));
    forgotten.is_forgotten = true;
    pinned.is_pinned = true;
    pinned.candidate.as_mut().unwrap().is_pinned = true;
    let subjects = [forgotten, pinned, subject(3), subject(4)];
    let decisions = decided(&subjects, &by_rules(1), None);
    assert_eq!(*verdict(&decisions, 1), Verdict::Goes(Cause::Forgotten));
    assert_eq!(*verdict(&decisions, 2), Verdict::Stays(vec![Reason::Pinned]));
    assert_eq!(*verdict(&decisions, 3), Verdict::Goes(Cause::NoRuleKeepsIt));
    assert!(matches!(verdict(&decisions, 4), Verdict::Stays(reasons) if reasons.contains(&Reason::Newest)));
    // Without rules, what is named goes and nothing else, and not what is pinned.
    let named = Request { remove: vec![id(2), id(4)], ..Request::default() };
    let decisions = decided(&subjects, &named, None);
    assert_eq!(decisions.going(), [id(4)]);
    assert_eq!(*verdict(&decisions, 4), Verdict::Goes(Cause::Named));
    assert_eq!(*verdict(&decisions, 1), Verdict::Stays(vec![Reason::NotAsked]));
}

#[test]
fn what_comes_after_the_first_decision_makes_the_rules_remove_nothing_more() {
    let before = decided(&[subject(1), subject(2), subject(3)], &by_rules(2), None);
    assert_eq!(before.going(), [id(1)]);
    let subjects = [subject(1), subject(2), subject(3), subject(4)];
    assert_eq!(decided(&subjects, &by_rules(2), None).going(), [id(1), id(2)]);
    let after = decided(&subjects, &by_rules(2), Some(&before));
    assert_eq!(after.going(), [id(1)]);
    assert_eq!(*verdict(&after, 2), Verdict::Stays(vec![Reason::DecidedBefore]));
}

#[test]
fn the_last_snapshot_before_a_loss_that_came_after_the_first_decision_stays() {
    let subjects = [subject(1), subject(2), subject(3)];
    let before = decided(&subjects, &by_rules(2), None);
    let mut lost = [subject(2), subject(3), subject(4)];
    lost.iter_mut().for_each(|subject| subject.candidate.as_mut().unwrap().files = 1);
    let [second, third, fourth] = lost;
    let after = decided(&[subject(1), second, third, fourth], &by_rules(2), Some(&before));
    assert_eq!((before.going(), after.going()), (vec![id(1)], vec![]));
    assert!(matches!(verdict(&after, 1), Verdict::Stays(reasons) if matches!(reasons[..], [Reason::LastWith { .. }])));
}

#[test]
fn what_was_forgotten_and_is_no_longer_stays_also_when_no_rule_keeps_it() {
    let mut forgotten = subject(1);
    forgotten.is_forgotten = true;
    let before = decided(&[forgotten, subject(2), subject(3)], &by_rules(1), None);
    assert_eq!(before.going(), [id(1), id(2)]);
    assert_eq!(decided(&[subject(1), subject(2), subject(3)], &by_rules(1), Some(&before)).going(), [id(2)]);
}

#[test]
fn nothing_goes_by_rules_that_counted_a_snapshot_which_is_gone_since() {
    let before = decided(&[subject(1), subject(2), subject(3)], &by_rules(1), None);
    let error = try_decide(&[subject(1), subject(2)], &by_rules(1), Some(&before)).unwrap_err();
    assert!(error.kind() == ErrorKind::Changed && error.to_string().contains("was removed after"), "{error}");
    // Of what goes anyway nothing depends on what went already.
    assert_eq!(decided(&[subject(2), subject(3)], &by_rules(1), Some(&before)).going(), [id(2)]);
}

#[test]
fn a_damaged_snapshot_goes_when_it_is_asked_for_and_nothing_may_protect_it() {
    let damaged = Subject { id: id(1), is_forgotten: true, is_pinned: false, candidate: None };
    let subjects = [damaged, subject(2)];
    assert_eq!(decided(&subjects, &by_rules(1), None).going(), [id(1)]);
    let moment = Moment { now: Timestamp::new(100 * DAY, 0), protect_seconds: 1, zone: &TimeZone::UTC };
    assert_eq!(decide(&subjects, &by_rules(1), None, &moment).unwrap().going(), []);
}

#[test]
fn a_plan_is_held_beside_other_prunes_and_removes_nothing_that_it_did_not_name() {
    let bench = Bench::new();
    let snapshots = age(&bench, 4);
    let ids: Vec<SnapshotId> = snapshots.iter().map(|(id, _)| *id).collect();
    let newest = |last| Request { clock: later, ..by_rules(last) };
    let held = plan(&bench.repository, &newest(2), &Silent).unwrap();
    assert_eq!(held.decisions().iter().filter(|decision| decision.goes()).count(), 2);
    assert_eq!(foresee(&bench.repository, &held, &Silent).unwrap().snapshots_removed, 2);
    // Another prune removes one of them, and a snapshot comes.
    assert_eq!(prune(&bench, &ids[..1]).snapshots_removed, 1);
    let late = bench.snapshot();
    assert_eq!(execute(&bench.repository, &held, &Silent).unwrap().snapshots_removed, 1);
    let left = bench.repository.objects().list_snapshots().unwrap();
    assert!([ids[2], ids[3], late.id.unwrap()].iter().all(|id| left.contains(id)) && left.len() == 3);
    bench.assert_same(&late);
}

#[test]
fn where_other_machines_may_not_see_a_lock_nothing_goes_until_the_user_says_that_none_is_at_work() {
    let bench = Bench::new();
    let snapshots = age(&bench, 2);
    let faults = Arc::new(Faults::new(Arc::clone(&bench.storage)));
    faults.claim_locks(crate::storage::LockKind::Here(crate::platform::Kind::FUSE));
    let repository = open(Arc::clone(&faults) as _);
    let asked = request(&[snapshots[0].0]);
    let error = run(&repository, &asked, &Silent).unwrap_err();
    let message = error.to_string();
    assert!(error.kind() == ErrorKind::Invalid && message.contains("(fuse)") && message.contains("lock"), "{message}");
    // Who only looks harms nobody.
    assert_eq!(expect(&repository, &asked).unwrap().snapshots_removed, 1);
    assert_eq!(run(&repository, &Request { alone: true, ..asked }, &Silent).unwrap().snapshots_removed, 1);
}
