//! What people write about how long to keep snapshots, and what is decided by it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Span;
use jiff::tz::TimeZone;
use strongroom::cli::times;
use strongroom::id::{MachineId, SnapshotId};
use strongroom::manifest::Kind;
use strongroom::retention::{CLOCK_SKEW_SECONDS_MAX, Candidate, Decision, KeepPolicy, decide};
use strongroom::units::Timestamp;

use crate::choices::Choices;

/// So many snapshots are decided about.
const CANDIDATES_MAX: usize = 64;
/// A text of more bytes is no time that anybody writes.
const TEXT_BYTES_MAX: usize = 256;

/// Lines: the time of `--keep-within`, a length of protection, the time of now. What follows chooses the
/// rules and the snapshots. The newest of each series stays, in any order of the snapshots the same ones
/// do, each for a reason, and none goes that is pinned, protected or the base of one that stays.
pub fn keep_policy(bytes: &[u8]) {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let mut text = || parts.next().and_then(|text| std::str::from_utf8(text).ok()).filter(|text| text.len() <= TEXT_BYTES_MAX);
    let (within, protection, now) = (text(), text(), text());
    let within = within.and_then(|text| text.parse::<Span>().ok());
    let protect_seconds = protection.and_then(read_length).unwrap_or_default();
    let now = now.and_then(read_time).unwrap_or(Timestamp::new(4_000_000_000, 0));
    let mut choices = Choices::new(parts.next().unwrap_or_default());
    let zone = match choices.byte() % 4 {
        0 => TimeZone::UTC,
        1 => TimeZone::fixed(jiff::tz::offset((choices.byte() % 26) as i8)),
        _ => TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("it is the rule of Central Europe"),
    };
    let policy = policy(&mut choices, within);
    let mut candidates = Vec::new();
    while !choices.is_over() && candidates.len() < CANDIDATES_MAX {
        candidates.push(candidate(&mut choices, candidates.len() as u8));
    }
    let limit = now.plus_seconds(CLOCK_SKEW_SECONDS_MAX);
    let goes_back = within.is_none_or(|span| span.is_positive());
    let decided = decide(&candidates, &policy, protect_seconds, now, &zone);
    let Ok(decisions) = decided else {
        let is_ahead = !policy.is_empty() && candidates.iter().any(|candidate| candidate.committed_at > limit);
        assert!(!goes_back || is_ahead, "it is refused for the clock and for a time that does not go back, and for nothing else");
        return;
    };
    let kept_ahead = candidates.iter().any(|candidate| {
        candidate.committed_at > limit && decisions.iter().any(|decision| decision.id == candidate.id && decision.keep)
    });
    assert!(goes_back && (policy.is_empty() || !kept_ahead), "no rule decides by a clock that is behind a snapshot that stays");
    check(&candidates, &decisions, |committed_at| {
        protect_seconds > 0 && committed_at.plus_seconds(i64::try_from(protect_seconds).unwrap_or(i64::MAX)) > now
    });
    candidates.reverse();
    let middle = bytes.len() % candidates.len().max(1);
    candidates.rotate_left(middle);
    assert_eq!(decide(&candidates, &policy, protect_seconds, now, &zone).ok().as_ref(), Some(&decisions), "in another order");
}

/// A length of time prints as what is read as the same length.
fn read_length(text: &str) -> Option<u64> {
    let seconds = times::parse_length(text).ok()?;
    assert_eq!(times::parse_length(&times::length(seconds)), Ok(seconds));
    Some(seconds)
}

fn read_time(text: &str) -> Option<Timestamp> {
    let time = times::parse(text).ok()?;
    assert!(time.nanoseconds < 1_000_000_000 && !times::local(time).is_empty());
    Some(time)
}

fn check(candidates: &[Candidate], decisions: &[Decision], is_protected: impl Fn(Timestamp) -> bool) {
    let kept: BTreeSet<SnapshotId> = decisions.iter().filter(|decision| decision.keep).map(|decision| decision.id).collect();
    let decided: BTreeSet<SnapshotId> = decisions.iter().map(|decision| decision.id).collect();
    assert!(decided.len() == decisions.len() && decided.len() == candidates.len(), "each is decided about once");
    for decision in decisions {
        assert_eq!(decision.keep, !decision.reasons.is_empty(), "what is kept has a reason");
        assert!(decision.reasons.iter().all(|reason| !reason.to_string().is_empty()));
    }
    let mut series: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    candidates.iter().for_each(|candidate| series.entry(&candidate.series).or_default().push(candidate));
    for members in series.values() {
        let last = members.iter().max_by_key(|member| (member.counter, member.committed_at, member.id));
        let newest = members.iter().max_by_key(|member| (member.time, member.counter, member.committed_at, member.id));
        for member in last.into_iter().chain(newest) {
            assert!(kept.contains(&member.id), "the newest of a series stays");
        }
        for member in members.iter().filter(|member| member.is_pinned || is_protected(member.committed_at)) {
            assert!(kept.contains(&member.id), "what is pinned or protected stays");
        }
        for member in members.iter().filter(|member| member.kind == Kind::Differential && kept.contains(&member.id)) {
            let base = member.base.filter(|base| members.iter().any(|other| other.id == *base));
            assert!(base.is_none_or(|base| kept.contains(&base)), "the base of one that stays does");
        }
    }
}

fn policy(choices: &mut Choices<'_>, within: Option<Span>) -> KeepPolicy {
    let mut numbers = [0; 6];
    let which = choices.byte();
    for (at, number) in numbers.iter_mut().enumerate() {
        if which >> at & 1 == 1 {
            *number = choices.length();
        }
    }
    let [last, hourly, daily, weekly, monthly, yearly] = numbers;
    let tags = if which & 64 == 64 { vec!["tax".to_owned()] } else { Vec::new() };
    KeepPolicy { last, hourly, daily, weekly, monthly, yearly, within, tags }
}

fn candidate(choices: &mut Choices<'_>, number: u8) -> Candidate {
    let how = choices.byte();
    let time = |choices: &mut Choices<'_>| match choices.byte() {
        255 => Timestamp::new(choices.number() as i64, choices.number() as u32),
        days => Timestamp::new(1_700_000_000 + i64::from(days) * 86_400 + i64::from(choices.byte()) * 339, 0),
    };
    let id = |number: u8| SnapshotId([number; 32]);
    let (time, committed_at) = (time(choices), time(choices));
    Candidate {
        id: id(number),
        series: if how & 1 == 1 { "home" } else { "shop" }.to_owned(),
        machine: (how & 128 == 128).then_some(MachineId([how >> 4 & 1; 16])),
        time,
        committed_at,
        counter: choices.length(),
        kind: [Kind::Full, Kind::Incremental, Kind::Differential, Kind::Differential][usize::from(how >> 1 & 3)],
        base: (how & 8 == 8).then(|| id(choices.byte() % CANDIDATES_MAX as u8)),
        files: choices.length(),
        sources: Vec::new(),
        tags: if how & 16 == 16 { vec!["tax".to_owned()] } else { Vec::new() },
        is_pinned: how & 96 == 96,
        is_suspect: how & 48 == 48,
    }
}
