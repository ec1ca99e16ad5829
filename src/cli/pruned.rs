//! What `repo prune` says: what becomes of each snapshot and why, and at the end what was freed, and
//! what was not and why.

use std::collections::HashSet;

use serde::Serialize;

use super::output::Output;
use super::text;
use super::times;
use crate::browse::json;
use crate::error::Result;
use crate::prune::{Cause, Decision, Decisions, Outcome, Verdict};
use crate::units::PathText;

/// One snapshot and what becomes of it.
#[derive(Serialize)]
struct Line {
    id: String,
    series: Option<String>,
    time: Option<String>,
    decision: &'static str,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct SummaryLine {
    summary: Freed,
}

#[derive(Serialize)]
struct Freed {
    dry_run: bool,
    snapshots_removed: u64,
    snapshots_protected: u64,
    packs_removed: u64,
    packs_rewritten: u64,
    packs_named: u64,
    packs_unreadable: u64,
    pages_given_up: u64,
    bytes_before: u64,
    bytes_after: u64,
    bytes_freed: u64,
    bytes_kept_unused: u64,
    bytes_kept_for_space: u64,
}

/// Prints each series with its snapshots, and then what is forgotten.
pub fn print_decisions(decisions: &Decisions, output: &mut Output) -> Result<()> {
    for series in decisions.ruled.chunk_by(|a, b| series_of(a) == series_of(b)) {
        if !output.is_json {
            let kept = series.iter().filter(|decision| !decision.goes()).count();
            let name = PathText(series_of(&series[0]).unwrap_or_default().as_bytes());
            let machines: HashSet<_> = series.iter().filter_map(|decision| decision.subject.candidate.as_ref()?.machine).collect();
            let of = if machines.len() > 1 { format!(" of {} machines", machines.len()) } else { String::new() };
            output.line(format_args!("series {name}{of}: {}, {kept} kept", text::counted(series.len() as u64, "snapshot")))?;
        }
        for decision in series {
            let (word, reasons) = words(decision);
            let (id, candidate) = (decision.subject.id, decision.subject.candidate.as_ref());
            if output.is_json {
                let time = candidate.map(|candidate| json::time_text(candidate.time));
                let series = series_of(decision).map(str::to_owned);
                output.json(&Line { id: id.to_string(), series, time, decision: word, reasons })?;
            } else if let Some(candidate) = candidate {
                let (id, time, kind) = (id.short(), times::local(candidate.time), candidate.kind.name());
                output.line(format_args!("  {word:<6}  {id}  {time}  {kind:<12}  {}", reasons.join(", ")))?;
            }
        }
    }
    if !output.is_json && !decisions.forgotten.is_empty() {
        output.line(format_args!("forgotten: {}", text::counted(decisions.forgotten.len() as u64, "snapshot")))?;
    }
    for decision in &decisions.forgotten {
        let ((word, mut reasons), id) = (words(decision), decision.subject.id);
        if output.is_json {
            if !decision.goes() {
                reasons.insert(0, "forgotten".to_owned());
            }
            output.json(&Line { id: id.to_string(), series: None, time: None, decision: word, reasons })?;
        } else {
            let reasons: String = reasons.iter().filter(|_| !decision.goes()).map(|reason| format!("  {reason}")).collect();
            output.line(format_args!("  {word:<6}  {}{reasons}", id.short()))?;
        }
    }
    Ok(())
}

fn series_of(decision: &Decision) -> Option<&str> {
    decision.subject.candidate.as_ref().map(|candidate| &candidate.series[..])
}

fn words(decision: &Decision) -> (&'static str, Vec<String>) {
    match &decision.verdict {
        Verdict::Stays(reasons) => ("keep", reasons.iter().map(ToString::to_string).collect()),
        Verdict::Goes(Cause::NoRuleKeepsIt) => ("remove", vec!["no rule keeps it".to_owned()]),
        Verdict::Goes(Cause::Forgotten) => ("remove", vec!["forgotten".to_owned()]),
        Verdict::Goes(Cause::Named) => ("remove", vec!["named".to_owned()]),
    }
}

/// Prints what was freed.
pub fn print_outcome(outcome: &Outcome, dry_run: bool, is_verbose: bool, output: &mut Output) -> Result<()> {
    let Outcome { snapshots_removed, snapshots_protected, packs_removed, packs_rewritten, .. } = *outcome;
    let Outcome { packs_named, packs_unreadable, pages_given_up, .. } = *outcome;
    let Outcome { bytes_before, bytes_after, bytes_freed, bytes_kept_unused, bytes_kept_for_space, .. } = *outcome;
    if output.is_json {
        let summary = Freed {
            dry_run,
            snapshots_removed,
            snapshots_protected,
            packs_removed,
            packs_rewritten,
            packs_named,
            packs_unreadable,
            pages_given_up,
            bytes_before,
            bytes_after,
            bytes_freed,
            bytes_kept_unused,
            bytes_kept_for_space,
        };
        return output.json(&SummaryLine { summary });
    }
    let would = if dry_run { "would be " } else { "" };
    let (snapshots, removed, rewritten) =
        (text::counted(snapshots_removed, "snapshot"), text::counted(packs_removed, "pack"), text::grouped(packs_rewritten));
    output.line(format_args!("{snapshots} {would}removed; {removed} {would}removed, {rewritten} {would}written again"))?;
    let (freed, before, after) = (text::bytes(bytes_freed), text::bytes(bytes_before), text::bytes(bytes_after));
    output.line(format_args!("{would}freed now: {freed} ({before} before, {after} after)"))?;
    if packs_named > 0 {
        let named = text::counted(packs_named, "pack");
        output.line(format_args!("{named} that snapshots need {would}named again: the index had lost them"))?;
    }
    if pages_given_up > 0 {
        let pages = text::counted(pages_given_up, "lost page");
        output.line(format_args!("given up: what only {pages} of trees may have named"))?;
    }
    if packs_unreadable > 0 {
        let unreadable = text::counted(packs_unreadable, "pack");
        output.line(format_args!("left alone: {unreadable} that no segment names and that cannot be read; see `repo repair`"))?;
    }
    // Every healthy repository has some.
    if bytes_kept_unused > 0 && is_verbose {
        let unused = text::bytes(bytes_kept_unused);
        output.line(format_args!(
            "not freed: {unused} that nothing needs, in packs that are mostly needed; it is freed when more of them is unused"
        ))?;
    }
    if bytes_kept_for_space > 0 {
        let unused = text::bytes(bytes_kept_for_space);
        output.line(format_args!(
            "not freed: about {unused} that nothing needs, in packs that there was no room to write again; prune again when there is"
        ))?;
    }
    if snapshots_protected > 0 {
        let protected = text::counted(snapshots_protected, "protected snapshot");
        output.line(format_args!("not removed: {protected}, and what only these need"))?;
    }
    Ok(())
}
