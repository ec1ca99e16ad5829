//! What `repo prune` says: what becomes of each snapshot and why, and at the end what was freed, and
//! what was not and why.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::output::Output;
use super::text;
use super::times;
use crate::browse::json;
use crate::catalog::{Listing, Summary};
use crate::error::Result;
use crate::id::SnapshotId;
use crate::prune::Outcome;
use crate::retention::{Decision, Reason};
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

/// A snapshot that is forgotten and still there.
pub struct Forgotten {
    /// The snapshot.
    pub id: SnapshotId,
    /// The local time until which it stays all the same.
    pub protected_until: Option<String>,
}

/// Prints each series with its snapshots, and then what is forgotten.
pub fn print_decisions(listing: &Listing, decisions: &[Decision], forgotten: &[Forgotten], output: &mut Output) -> Result<()> {
    let summaries: HashMap<SnapshotId, &Summary> = listing.summaries().iter().map(|summary| (summary.id, summary)).collect();
    for series in decisions.chunk_by(|a, b| a.series == b.series) {
        if !output.is_json {
            let kept = series.iter().filter(|decision| decision.keep).count();
            let name = PathText(series[0].series.as_bytes());
            let machines: HashSet<_> =
                series.iter().filter_map(|decision| summaries.get(&decision.id).and_then(|summary| summary.machine)).collect();
            let of = if machines.len() > 1 { format!(" of {} machines", machines.len()) } else { String::new() };
            output.line(format_args!("series {name}{of}: {}, {kept} kept", text::counted(series.len() as u64, "snapshot")))?;
        }
        for decision in series {
            let (word, reasons) = words(decision);
            let summary = summaries.get(&decision.id);
            if output.is_json {
                let time = summary.map(|summary| json::time_text(summary.time));
                let line = Line { id: decision.id.to_string(), series: Some(decision.series.clone()), time, decision: word, reasons };
                output.json(&line)?;
            } else if let Some(summary) = summary {
                let (id, time, kind) = (decision.id.short(), times::local(summary.time), summary.kind.name());
                output.line(format_args!("  {word:<6}  {id}  {time}  {kind:<12}  {}", reasons.join(", ")))?;
            }
        }
    }
    if !output.is_json && !forgotten.is_empty() {
        output.line(format_args!("forgotten: {}", text::counted(forgotten.len() as u64, "snapshot")))?;
    }
    for Forgotten { id, protected_until } in forgotten {
        let (word, mut reasons) = (if protected_until.is_some() { "keep" } else { "remove" }, vec!["forgotten".to_owned()]);
        reasons.extend(protected_until.iter().map(|until| Reason::ProtectedUntil(until.clone()).to_string()));
        if output.is_json {
            output.json(&Line { id: id.to_string(), series: None, time: None, decision: word, reasons })?;
        } else {
            output.line(format_args!(
                "  {word:<6}  {}{}",
                id.short(),
                reasons[1..].iter().map(|r| format!("  {r}")).collect::<String>()
            ))?;
        }
    }
    Ok(())
}

fn words(decision: &Decision) -> (&'static str, Vec<String>) {
    if decision.keep {
        ("keep", decision.reasons.iter().map(ToString::to_string).collect())
    } else {
        ("remove", vec!["no rule keeps it".to_owned()])
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
