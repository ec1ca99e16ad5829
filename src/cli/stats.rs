//! `repo stats`: what the repository, or one snapshot, is made of.

use std::ffi::OsString;

use super::bar::Bar;
use super::exit::Status;
use super::global::Global;
use super::message;
use super::output::Output;
use super::selection::{Chooser, Narrow, SNAPSHOT_HELP, status_of};
use super::text::{bytes, grouped};
use crate::browse::{self, RepositoryStats, SnapshotStats, json};
use crate::error::Result;
use crate::units::PathText;

/// So many endings of file names are printed; `--json` has all.
const ENDINGS_SHOWN: usize = 12;

/// Show what the repository, or one snapshot, holds and takes
#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "SNAP[:PATH]", help = SNAPSHOT_HELP)]
    snapshot: Option<OsString>,

    #[command(flatten)]
    narrow: Narrow,
}

/// Prints the numbers.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let repository = global.open()?;
    let listing = global.listing(&repository)?;
    let bar = Bar::hidden(global);
    let reader = global.reader(&repository)?;
    let mut found = Status::Good;
    match &args.snapshot {
        None => {
            let stats = browse::repository_stats(&reader, &listing, &bar)?;
            if stats.missing_packs > 0 {
                found = Status::Damage;
                message::warn("packs are missing that the index names; see `repo check`");
            }
            if output.is_json {
                output.json(&json::RepositoryStatsLine::from(&stats))?;
            } else {
                print_repository(&stats, output)?;
            }
        }
        Some(snapshot) => {
            let selected = Chooser::new(global, &repository, &listing, args.narrow)?.place(&reader, snapshot)?;
            let manifest = repository.objects().read_manifest(&selected.id)?;
            let stats = browse::snapshot_stats(&reader, &selected.place(&manifest)?, &bar)?;
            if output.is_json {
                output.json(&json::SnapshotStatsLine::from(&stats))?;
            } else {
                print_snapshot(&stats, output)?;
            }
        }
    }
    // A single snapshot lacks nothing of others.
    let listed = if args.snapshot.is_none() { status_of(&listing) } else { Status::Good };
    Ok(bar.finish().worst(listed).worst(found))
}

fn print_repository(stats: &RepositoryStats, output: &mut Output) -> Result<()> {
    let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    output.line(format_args!("snapshots       {}", grouped(stats.snapshots)))?;
    output.line(format_args!("files in them   {}", bytes(stats.source_bytes)))?;
    output.line(format_args!("stored          {}", bytes(stats.stored_bytes())))?;
    let part = |packs, stored, chunks, plain| {
        format!("{} in {} packs: {} chunks of {} plain bytes", bytes(stored), grouped(packs), grouped(chunks), bytes(plain))
    };
    output.line(format_args!(
        "  file content  {}",
        part(stats.data_packs, stats.data_stored_bytes, stats.data_chunks, stats.data_plain_bytes)
    ))?;
    output.line(format_args!(
        "  trees         {}",
        part(stats.meta_packs, stats.meta_stored_bytes, stats.meta_chunks, stats.meta_plain_bytes)
    ))?;
    if stats.unnamed_packs > 0 {
        output.line(format_args!("  left over     {} in {} packs", bytes(stats.unnamed_bytes), grouped(stats.unnamed_packs)))?;
    }
    output.line(format_args!(
        "saved by        deduplication {}, compression {}, together {}",
        ratio(stats.deduplication_ratio()),
        ratio(stats.compression_ratio()),
        ratio(stats.total_ratio())
    ))?;
    if stats.missing_packs > 0 {
        output.line(format_args!("missing packs   {}", grouped(stats.missing_packs)))?;
    }
    Ok(())
}

fn print_snapshot(stats: &SnapshotStats, output: &mut Output) -> Result<()> {
    output.line(format_args!("files        {}, {}", grouped(stats.files), bytes(stats.bytes)))?;
    output.line(format_args!("directories  {}", grouped(stats.directories)))?;
    output.line(format_args!("symlinks     {}", grouped(stats.symlinks)))?;
    output.line(format_args!("others       {}", grouped(stats.others)))?;
    let mut endings: Vec<_> = stats.by_ending.iter().collect();
    endings.sort_by_key(|(ending, counts)| (std::cmp::Reverse(counts.bytes), *ending));
    for (ending, counts) in endings.into_iter().take(ENDINGS_SHOWN) {
        let ending = if ending.is_empty() { "(none)".to_owned() } else { format!(".{}", PathText(ending)) };
        output.line(format_args!("  {ending:<12} {:>12} files  {:>10}", grouped(counts.files), bytes(counts.bytes).to_string()))?;
    }
    Ok(())
}
