//! The decision: each snapshot is kept, with every reason for it, or it is not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::tz::TimeZone;

use super::period::{in_zone, period, time_text};
use super::policy::{Candidate, KeepPolicy};
use super::reason::{Reason, Rule};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, SnapshotId};
use crate::manifest::{Kind, SourceCounts};
use crate::units::Timestamp;

/// A clock may be so many seconds behind that of the machine that wrote the newest snapshot.
pub const CLOCK_SKEW_SECONDS_MAX: i64 = 300;

/// Of fewer files than these a loss cannot be told from work, unless none is left or the sources tell more.
const LOSS_FILES_MIN: u64 = 20;
/// Less than one file in so many is left after a loss.
const LOSS_SHARE: u64 = 10;

/// What becomes of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The snapshot.
    pub id: SnapshotId,
    /// Its series.
    pub series: String,
    /// Whether it is kept.
    pub keep: bool,
    /// Why it is kept: all reasons, at least one. Empty when it is not.
    pub reasons: Vec<Reason>,
}

/// Decides about all `candidates`: series by series in the order of their names, in each the oldest
/// first. The order of the candidates does not matter. Where several machines have saved to one series, the rules
/// count each by itself.
///
/// The newest of a series is never removed: neither the one committed last, nor the one that is
/// newest by its time, where `--time` made them two. Where the newest has lost most of the files of a source, or nearly
/// all of all sources, neither is the last one that had them.
///
/// # Errors
/// `Invalid` when the clock is more than five minutes behind the newest snapshot that is kept: then nothing
/// can be said about ages; or when the policy makes no sense.
pub fn decide(
    candidates: &[Candidate],
    policy: &KeepPolicy,
    protect_seconds: u64,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Decision>> {
    policy.check()?;
    let mut series: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        series.entry(&candidate.series).or_default().push(candidate);
    }
    let (mut decisions, mut newest_kept) = (Vec::with_capacity(candidates.len()), None);
    for (name, mut members) in series {
        members.sort_by_key(|member| (member.time, member.counter, member.committed_at, member.id));
        members.reverse();
        let mut reasons = Reasons { of: vec![Vec::new(); members.len()] };
        for group in by_machine(&members) {
            reasons.add_group(&members, &group, policy, zone);
        }
        for (at, member) in members.iter().enumerate() {
            if member.is_pinned {
                reasons.of[at].push(Reason::Pinned);
            }
            if let Some(until) = protected_until(member.committed_at, protect_seconds, now, zone) {
                reasons.of[at].push(Reason::ProtectedUntil(until));
            }
        }
        if let Some(suspect) = members.iter().find(|member| member.is_suspect).filter(|_| !policy.is_empty()) {
            reasons.of.iter_mut().for_each(|reasons| reasons.push(Reason::Suspect(suspect.id)));
        }
        reasons.add_bases(&members);
        let kept = members.iter().zip(&reasons.of).filter(|(_, reasons)| !reasons.is_empty());
        newest_kept = newest_kept.max(kept.map(|(member, _)| (member.committed_at, member.id)).max());
        let decided = members.iter().zip(reasons.of).rev();
        decisions.extend(decided.map(|(member, reasons)| Decision {
            id: member.id,
            series: name.to_owned(),
            keep: !reasons.is_empty(),
            reasons,
        }));
    }
    // Without rules no age decides anything.
    if let Some((committed_at, id)) = newest_kept.filter(|_| !policy.is_empty()) {
        check_clock(committed_at, &id, now, || zone.clone())?;
    }
    Ok(decisions)
}

/// The places of the members that the rules count together: those of each machine, and with each of them those
/// that do not say where they were made, which may be its own. So these go when no machine would keep them, and
/// where only one machine is known, all count together.
fn by_machine(members: &[&Candidate]) -> Vec<Vec<usize>> {
    let machines: BTreeSet<MachineId> = members.iter().filter_map(|member| member.machine).collect();
    if machines.len() < 2 {
        return vec![(0..members.len()).collect()];
    }
    let is_of = |at: &usize, machine| members[*at].machine.is_none_or(|of| of == machine);
    machines.into_iter().map(|machine| (0..members.len()).filter(|at| is_of(at, machine)).collect()).collect()
}

/// The local time until which a snapshot that was committed at `committed_at` may not be removed;
/// none when it may.
pub fn protected_until(committed_at: Timestamp, protect_seconds: u64, now: Timestamp, zone: &TimeZone) -> Option<String> {
    let until = committed_at.plus_seconds(i64::try_from(protect_seconds).unwrap_or(i64::MAX));
    (protect_seconds > 0 && until > now).then(|| time_text(&in_zone(until, zone)))
}

/// Refuses a clock that is behind that of the machine that committed the newest snapshot `newest` at
/// `committed_at`: nothing can then be said about ages. `zone` is asked for the message alone: to find the
/// zone of the system, every folder of the time zone database is read.
///
/// # Errors
/// `Invalid`.
pub fn check_clock(committed_at: Timestamp, newest: &SnapshotId, now: Timestamp, zone: impl FnOnce() -> TimeZone) -> Result<()> {
    if committed_at <= now.plus_seconds(CLOCK_SKEW_SECONDS_MAX) {
        return Ok(());
    }
    let zone = zone();
    let (now, committed) = (time_text(&in_zone(now, &zone)), time_text(&in_zone(committed_at, &zone)));
    let message = format!(
        "clock says {now}, but snapshot {0} was committed at {committed}; set the clock, or if it is right and that of the snapshot \
         was not, `repo forget {0}` first",
        newest.short()
    );
    Err(Error::new(ErrorKind::Invalid, message))
}

/// Whether nearly all files are gone, from a snapshot with `before` files to one with `after`, whatever its sources were:
/// more than anybody is likely to delete in a tree of some size, or the last.
pub fn is_loss(before: u64, after: u64) -> bool {
    after == 0 && before > 0 || before >= LOSS_FILES_MIN && after.saturating_mul(LOSS_SHARE) < before
}

/// The reasons of the members of one series, which are sorted newest first.
struct Reasons {
    of: Vec<Vec<Reason>>,
}

impl Reasons {
    /// Adds what the rules say of the members at `group`, as if there were no others.
    fn add_group(&mut self, members: &[&Candidate], group: &[usize], policy: &KeepPolicy, zone: &TimeZone) {
        let members: Vec<&Candidate> = group.iter().map(|at| members[*at]).collect();
        let mut reasons = Self { of: vec![Vec::new(); members.len()] };
        reasons.add_rules(&members, policy, zone);
        reasons.add_newest(&members);
        for (at, reasons) in group.iter().zip(reasons.of) {
            for reason in reasons {
                if !self.of[*at].contains(&reason) {
                    self.of[*at].push(reason);
                }
            }
        }
    }

    fn add_rules(&mut self, members: &[&Candidate], policy: &KeepPolicy, zone: &TimeZone) {
        if policy.is_empty() {
            self.of.iter_mut().for_each(|reasons| reasons.push(Reason::NoRule));
            return;
        }
        let times: Vec<_> = members.iter().map(|member| in_zone(member.time, zone)).collect();
        for rule in Rule::ALL {
            let of = policy.number(rule);
            let (mut seen, mut number) = (HashSet::new(), 0);
            for (time, reasons) in times.iter().zip(&mut self.of) {
                if number == of {
                    break;
                }
                // A period that was met is over; without periods every snapshot is one.
                if period(rule, time).is_none_or(|period| seen.insert(period)) {
                    number += 1;
                    reasons.push(Reason::Period { rule, number, of });
                }
            }
        }
        if let (Some(within), Some(newest)) = (policy.within, times.first()) {
            let text =
                SpanPrinter::new().designator(Designator::Verbose).spacing(Spacing::BetweenUnitsAndDesignators).span_to_string(&within);
            // What reaches beyond the calendar reaches everything.
            let from = newest.checked_sub(within).ok();
            for (time, reasons) in times.iter().zip(&mut self.of) {
                if from.as_ref().is_none_or(|from| time >= from) {
                    reasons.push(Reason::Within(text.clone()));
                }
            }
        }
        for (member, reasons) in members.iter().zip(&mut self.of) {
            let wanted = policy.tags.iter().filter(|tag| member.tags.contains(tag));
            reasons.extend(wanted.map(|tag| Reason::Tag(tag.clone())));
        }
    }

    fn add_newest(&mut self, members: &[&Candidate]) {
        let by_order = (0..members.len()).max_by_key(|at| {
            let member = members[*at];
            (member.counter, member.committed_at, member.id)
        });
        let mut newest: Vec<usize> = by_order.into_iter().chain((!members.is_empty()).then_some(0)).collect();
        newest.dedup();
        newest.into_iter().for_each(|at| self.of[at].push(Reason::Newest));
        let Some(newest) = by_order else { return };
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_unstable_by_key(|at| {
            let member = members[*at];
            Reverse((member.counter, member.committed_at, member.id))
        });
        let all = |at: usize| Some(SourceCounts { files: members[at].files, ..SourceCounts::default() });
        self.add_last_with(&order, all, |before, after| is_loss(before.files, after.files));
        for path in members[newest].sources.iter().map(|source| &source.path) {
            let of_source = |at: usize| members[at].sources.iter().find(|source| source.path == *path).cloned();
            self.add_last_with(&order, of_source, |before, after| before.loss(after).is_some());
        }
    }

    /// Keeps the last of those that had what `counts` tells, which the newest has lost, and of those before it the last that
    /// had what this one had lost, and so on: a disk that is not mounted looks like a folder whose files were all deleted,
    /// night after night, until the rules let go of the last snapshot that has them. `order` is newest first. Each
    /// step at least halves the numbers, so few are kept.
    fn add_last_with(
        &mut self,
        order: &[usize],
        counts: impl Fn(usize) -> Option<SourceCounts>,
        is_lost: impl Fn(&SourceCounts, &SourceCounts) -> bool,
    ) {
        let mut told = order.iter().filter_map(|at| Some((*at, counts(*at)?)));
        let Some((_, mut left)) = told.next() else { return };
        for (at, had) in told {
            if is_lost(&had, &left) {
                let is_told = self.of[at].iter().any(|reason| matches!(reason, Reason::LastWith { .. }));
                if !is_told {
                    self.of[at].push(Reason::LastWith { had: had.clone(), left });
                }
                left = had;
            }
        }
    }

    /// A differential without the full that it refers to would lose its change view.
    fn add_bases(&mut self, members: &[&Candidate]) {
        let places: HashMap<SnapshotId, usize> = members.iter().enumerate().map(|(at, member)| (member.id, at)).collect();
        let mut named = HashSet::new();
        let mut waiting: Vec<usize> = (0..members.len()).filter(|at| !self.of[*at].is_empty()).collect();
        // A base that is kept may be a differential itself, so its own base is looked at too.
        while let Some(at) = waiting.pop() {
            let base = members[at].base.filter(|_| members[at].kind == Kind::Differential).and_then(|base| places.get(&base));
            if let Some(base) = base.filter(|base| named.insert(**base)) {
                self.of[*base].push(Reason::BaseOf(members[at].id));
                waiting.push(*base);
            }
        }
    }
}
