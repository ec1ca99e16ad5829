//! The one set of rules for what goes: a pure function of what is there, what is asked for, and now.
//!
//! It is asked twice. A plan is decided by a look at the repository that others may change afterwards: rules, pins, tags,
//! protection, forgetting, bases. So under the lock it is decided again, with the first answer beside: what has a reason
//! to stay by then stays, and nothing goes that was not to go before. What was forgotten or removed meanwhile and had been
//! counted by the rules would have made them keep another one: then nothing goes at all.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use super::decision::{Cause, Decision, Decisions, Subject, Verdict};
use super::refuse::refuse_stale;
use super::request::{Request, Rules};
use crate::catalog::series_key;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::manifest::Kind;
use crate::retention::{self, Candidate, Reason, check_clock, protected_until, saved_once};
use crate::units::Timestamp;

/// What ages are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'z> {
    /// The time.
    pub now: Timestamp,
    /// For how long a snapshot is protected after it was committed.
    pub protect_seconds: u64,
    /// The calendar of the rules.
    pub zone: &'z TimeZone,
}

impl Moment<'_> {
    fn protection_of(&self, candidate: &Candidate) -> Option<Reason> {
        protected_until(candidate.committed_at, self.protect_seconds, self.now, self.zone).map(Reason::ProtectedUntil)
    }
}

/// Decides about all `subjects`; `before` is what was decided of them before, if that was. The order of the subjects does
/// not matter.
///
/// # Errors
/// `Invalid` when ages matter and the clock is behind the newest snapshot that stays, or when the rules make no sense;
/// `Changed` when one was forgotten or removed since that the rules had counted.
pub fn decide(subjects: &[Subject], request: &Request, before: Option<&Decisions>, moment: &Moment<'_>) -> Result<Decisions> {
    let candidates = candidates(subjects, request, moment.now);
    let mut decisions = apply_rules(subjects, &candidates, request.rules.as_ref(), moment)?;
    let named: HashSet<&SnapshotId> = request.remove.iter().collect();
    for decision in decisions.iter_mut().filter(|decision| named.contains(&decision.subject.id)) {
        decision.verdict = Verdict::Goes(Cause::Named);
    }
    let first = before;
    let before = first.map(|first| first.iter().map(|decision| (decision.subject.id, decision)).collect::<Before<'_>>());
    let wanted: HashSet<SnapshotId> =
        decisions.iter().filter(|decision| is_wanted(decision, request, before.as_ref())).map(|decision| decision.subject.id).collect();
    let keep_tags = request.rules.as_ref().map_or(&[][..], |rules| &rules.keep.tags);
    let mut protected = 0;
    for decision in decisions.iter_mut() {
        let reasons = reasons_to_stay(&decision.subject, keep_tags, moment);
        let is_protected = matches!(reasons[..], [Reason::ProtectedUntil(_)]);
        protected += u64::from(is_protected && wanted.contains(&decision.subject.id));
        if decision.goes() && !reasons.is_empty() {
            decision.verdict = Verdict::Stays(reasons);
        } else if decision.goes() && !may_go(decision, &wanted, before.as_ref()) {
            decision.verdict = Verdict::Stays(vec![Reason::DecidedBefore]);
        }
    }
    decisions.protected = protected;
    if let (Some(first), Some(before)) = (first, &before) {
        check_counted(&decisions, first, before, &wanted)?;
    }
    keep_bases(&mut decisions);
    if !wanted.is_empty() && !request.override_protection {
        check_clock_of_rest(&decisions, moment)?;
    }
    Ok(decisions)
}

/// What the rules choose among. Where protection is overridden, a clock that is behind decides nothing, and a time in the
/// future is no better: all others would be long ago beside it.
fn candidates(subjects: &[Subject], request: &Request, now: Timestamp) -> Vec<Candidate> {
    let counted = subjects.iter().filter(|subject| !subject.is_forgotten).filter_map(|subject| subject.candidate.clone());
    let at_most_now =
        |candidate: Candidate| Candidate { committed_at: candidate.committed_at.min(now), time: candidate.time.min(now), ..candidate };
    if request.override_protection { counted.map(at_most_now).collect() } else { counted.collect() }
}

/// What the rules say alone: of what is forgotten, that it goes.
fn apply_rules(subjects: &[Subject], candidates: &[Candidate], rules: Option<&Rules>, moment: &Moment<'_>) -> Result<Decisions> {
    let mut left: HashMap<SnapshotId, &Subject> = subjects.iter().map(|subject| (subject.id, subject)).collect();
    let mut decisions = Decisions::default();
    if let Some(Rules { keep, series }) = rules {
        let keys: Vec<_> = series.iter().map(|series| series_key(series)).collect();
        for decided in retention::decide(candidates, keep, moment.protect_seconds, moment.now, moment.zone)? {
            // The clock is held against all, and the rules are applied to those that were named.
            if !keys.is_empty() && !keys.iter().any(|key| *key == decided.series) {
                continue;
            }
            let Some(subject) = left.remove(&decided.id) else { continue };
            let verdict = if decided.keep { Verdict::Stays(decided.reasons) } else { Verdict::Goes(Cause::NoRuleKeepsIt) };
            decisions.ruled.push(Decision { subject: subject.clone(), verdict });
        }
        if !keep.is_empty() {
            decisions.saved_once = saved_once(candidates);
        }
    }
    let mut left: Vec<&Subject> = left.into_values().collect();
    left.sort_unstable_by_key(|subject| subject.id);
    for subject in left {
        let verdict = match (&subject.candidate, subject.is_forgotten) {
            (_, true) if rules.is_some() => Verdict::Goes(Cause::Forgotten),
            (None, false) => Verdict::Stays(vec![Reason::Unreadable]),
            _ => Verdict::Stays(vec![Reason::NotAsked]),
        };
        let group = if subject.is_forgotten { &mut decisions.forgotten } else { &mut decisions.others };
        group.push(Decision { subject: subject.clone(), verdict });
    }
    Ok(decisions)
}

/// What was decided of each snapshot before.
type Before<'d> = HashMap<SnapshotId, &'d Decision>;

/// Whether it is to go, before anything holds it: by what was decided before, if that was, and nobody who asked for what
/// was forgotten then asked for what is no longer.
fn is_wanted(decision: &Decision, request: &Request, before: Option<&Before<'_>>) -> bool {
    let was_wanted = |before: &Before<'_>| {
        before.get(&decision.subject.id).is_some_and(|before| {
            let Subject { id, is_forgotten, .. } = &before.subject;
            (before.goes() || request.asks_for(id, *is_forgotten)) && (decision.subject.is_forgotten || !is_forgotten)
        })
    };
    !decision.subject.is_pinned && before.map_or_else(|| decision.goes(), was_wanted)
}

/// Whether it was to go when that was decided before: nothing else does.
fn may_go(decision: &Decision, wanted: &HashSet<SnapshotId>, before: Option<&Before<'_>>) -> bool {
    let id = &decision.subject.id;
    wanted.contains(id) && before.is_none_or(|before| before.get(id).is_some_and(|before| before.goes()))
}

/// What holds a snapshot, whoever asks for its removal.
fn reasons_to_stay(subject: &Subject, keep_tags: &[String], moment: &Moment<'_>) -> Vec<Reason> {
    let mut reasons = if subject.is_pinned { vec![Reason::Pinned] } else { Vec::new() };
    let Some(candidate) = &subject.candidate else {
        // What is damaged can be forgotten, unless it may be protected.
        reasons.extend((moment.protect_seconds > 0).then_some(Reason::Unreadable));
        return reasons;
    };
    if !subject.is_forgotten {
        let kept = keep_tags.iter().filter(|tag| candidate.tags.contains(tag));
        reasons.extend(kept.map(|tag| Reason::Tag(tag.clone())));
    }
    reasons.extend(moment.protection_of(candidate));
    reasons
}

/// Refuses to go on when something was forgotten or removed that the rules had counted, and something goes that is not
/// forgotten.
fn check_counted(decisions: &Decisions, first: &Decisions, before: &Before<'_>, wanted: &HashSet<SnapshotId>) -> Result<()> {
    if !decisions.ruled.iter().chain(&decisions.others).any(|decision| wanted.contains(&decision.subject.id)) {
        return Ok(());
    }
    let is_newly_forgotten = |id: &SnapshotId| {
        let before = before.get(id);
        before.is_some_and(|before| !before.subject.is_forgotten && !before.goes() && !wanted.contains(id))
    };
    if let Some(id) = decisions.forgotten.iter().map(|decision| decision.subject.id).find(is_newly_forgotten) {
        return Err(refuse_stale(&id, false));
    }
    let there: HashSet<SnapshotId> = decisions.iter().map(|decision| decision.subject.id).collect();
    match first.ruled.iter().find(|decision| !decision.goes() && !there.contains(&decision.subject.id)) {
        Some(gone) => Err(refuse_stale(&gone.subject.id, true)),
        None => Ok(()),
    }
}

/// Keeps what a differential that stays is measured against, unless somebody has forgotten that.
fn keep_bases(decisions: &mut Decisions) {
    let base_of = |decision: &Decision| {
        let candidate = decision.subject.candidate.as_ref().filter(|candidate| candidate.kind == Kind::Differential)?;
        Some((candidate.base?, decision.subject.id))
    };
    loop {
        let bases: HashMap<SnapshotId, SnapshotId> = decisions.iter().filter(|decision| !decision.goes()).filter_map(base_of).collect();
        let mut is_same = true;
        for decision in decisions.iter_mut().filter(|decision| decision.goes() && !decision.subject.is_forgotten) {
            if let Some(differential) = bases.get(&decision.subject.id) {
                decision.verdict = Verdict::Stays(vec![Reason::BaseOf(*differential)]);
                is_same = false;
            }
        }
        // A base that stays may be a differential itself.
        if is_same {
            return;
        }
    }
}

/// Holds the clock against what stays. What goes says nothing about it, nor does what somebody has forgotten and is
/// protected still: it may have been forgotten because its own clock was wrong.
fn check_clock_of_rest(decisions: &Decisions, moment: &Moment<'_>) -> Result<()> {
    let stays = decisions.iter().filter(|decision| !decision.goes() && !decision.subject.is_forgotten);
    let newest = stays.filter_map(|decision| decision.subject.candidate.as_ref().map(|seen| (seen.committed_at, seen.id))).max();
    newest.map_or(Ok(()), |(committed_at, id)| check_clock(committed_at, &id, moment.now, || moment.zone.clone()))
}

/// Refuses a series that is not there.
///
/// # Errors
/// `NotFound`.
pub(super) fn check_series(subjects: &[Subject], rules: &Rules) -> Result<()> {
    let has = |key: &str| {
        let counted = subjects.iter().filter(|subject| !subject.is_forgotten).filter_map(|subject| subject.candidate.as_ref());
        counted.map(|candidate| &candidate.series).any(|series| *series == key)
    };
    match rules.series.iter().map(|series| series_key(series)).find(|key| !has(key)) {
        None => Ok(()),
        Some(key) => Err(Error::new(ErrorKind::NotFound, format!("there is no snapshot of series `{}`", key.escape_debug()))),
    }
}
