//! `repo repair`: mends what can be mended, and names what cannot.

use std::collections::VecDeque;
use std::time::Instant;

use serde::Serialize;

use super::bar::Bar;
use super::damage::{AffectedLine, ObjectLine, print_affected};
use super::exit::Status;
use super::global::{Global, open_storage};
use super::message;
use super::output::Output;
use super::text::{duration, grouped};
use crate::error::{ErrorKind, Result};
use crate::repair::{self, Outcome, Request, RestoredDescription};
use crate::repository::{Credential, Rollback};
use crate::storage::Storage;
use crate::units::PathText;

/// Mend a damaged repository; nothing is ever deleted
///
/// Reads everything. Damaged objects are set aside under damaged/ in the repository, what can be read of damaged packs is
/// saved, and the index is made again from the packs. What is lost is recorded, so that the next snapshot of a source that
/// still has it heals every older snapshot; the paths that wait for that are listed, and the exit code is then 4.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only say what would be done
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct ForeignLine {
    repository: String,
    objects: u64,
}

#[derive(Serialize)]
struct Repaired<'a> {
    is_dry_run: bool,
    found_damage: bool,
    has_loss: bool,
    damaged: Vec<ObjectLine<'a>>,
    foreign: Vec<ForeignLine>,
    missing_snapshots: Vec<String>,
    snapshots_lost: u64,
    records_lost: u64,
    restored_description: bool,
    restored_settings: bool,
    restored_records: u64,
    restored_key: bool,
    packs_indexed: u64,
    packs_unknown: u64,
    segments_replaced: u64,
    packs_salvaged: u64,
    chunks_salvaged: u64,
    chunks_lost: u64,
    chunks_newly_lost: u64,
    affected: Vec<AffectedLine>,
    affected_more: u64,
}

/// Mends, and says what was done.
pub fn run(args: Args, global: &Global, output: &mut Output) -> Result<Status> {
    let begun = Instant::now();
    let restored = restore_description(global, args.dry_run)?;
    let restored_description = restored.is_some();
    let (credential, description) = restored.map(|restored| (restored.credential, restored.description)).unzip();
    let repository = global.open_described(credential.flatten(), description)?;
    let bar = Bar::new(global);
    let outcome = repair::run(&repository, &Request { dry_run: args.dry_run, ..Request::default() }, &bar)?;
    for (id, count) in &outcome.foreign {
        message::warn(format_args!(
            "{count} objects that lie here are whole and of repository {id}; they were left where they are. Until they are moved into a \
             folder with the repository.json and the keys/ of that one, nothing is removed here"
        ));
    }
    let is_alone = if outcome.foreign.is_empty() { Status::Good } else { Status::Incomplete };
    let status = bar.finish().worst(is_alone).worst(if outcome.has_loss() { Status::Damage } else { Status::Good });
    output.report(|output| {
        if output.is_json {
            output.json(&line(&outcome, args.dry_run, restored_description))
        } else {
            print(&outcome, args.dry_run, begun, output)
        }
    })?;
    if outcome.has_loss() {
        advise(&outcome);
    }
    Ok(status)
}

/// Makes `repository.json` again if need be, which takes the password.
fn restore_description(global: &Global, is_dry: bool) -> Result<Option<RestoredDescription>> {
    let storage = open_storage(&global.location()?)?;
    let mut forms: Option<VecDeque<Credential>> = None;
    let restored = loop {
        let mut read = |is_encrypted| {
            if forms.is_none() {
                forms = Some(global.credentials(&storage.location(), is_encrypted)?.into());
            }
            Ok(forms.as_mut().and_then(VecDeque::pop_front))
        };
        match repair::restore_description(&*storage, is_dry, &mut read) {
            // It may have been meant in another form.
            Err(error) if error.kind() == ErrorKind::WrongKey && forms.as_ref().is_some_and(|forms| !forms.is_empty()) => {}
            restored => break restored?,
        }
    };
    if let Some(RestoredDescription { description, .. }) = &restored {
        let (is, was) = if is_dry { ("is", "would be") } else { ("was", "was") };
        message::warn(format_args!("repository.json {is} missing or damaged; it {was} made again for repository {}", description.id));
    }
    Ok(restored)
}

fn print(outcome: &Outcome, is_dry: bool, begun: Instant, output: &mut Output) -> Result<()> {
    for object in &outcome.damaged {
        output.line(format_args!("{}: {}", PathText(object.name.as_bytes()), object.problem))?;
    }
    print_affected(&outcome.affected, outcome.affected_more, output)?;
    if output.is_quiet {
        return Ok(());
    }
    let would = if is_dry { "would be " } else { "" };
    let steps = [
        (
            (outcome.damaged.len() as u64).saturating_sub(outcome.packs_unknown),
            "damaged or missing objects, set aside under damaged/ where they are there",
        ),
        (u64::from(outcome.restored_settings), "copy of the settings written again"),
        (outcome.restored_records, "records written again that others say the same as"),
        (u64::from(outcome.restored_key), "slot of the key in use written again"),
        (outcome.packs_indexed, "packs named by the index again"),
        (outcome.chunks_salvaged, "chunks of damaged packs saved in new ones"),
        (outcome.segments_replaced, "index segments replaced, which named what is not there"),
        (outcome.chunks_newly_lost, "chunks recorded as lost"),
    ];
    for (count, what) in steps.iter().filter(|(count, _)| *count > 0) {
        output.line(format_args!("{would}{} {what}", grouped(*count)))?;
    }
    let time = duration(begun.elapsed());
    match (outcome.found_damage(), outcome.has_loss()) {
        (false, false) => output.line(format_args!("nothing is damaged ({time})")),
        (true, false) => output.line(format_args!("every snapshot is whole ({time})")),
        (_, true) => {
            let paths = outcome.affected.len() as u64 + outcome.affected_more;
            output.line(format_args!("{} paths in snapshots cannot be restored whole ({time})", grouped(paths)))
        }
    }
}

/// What to do about loss.
fn advise(outcome: &Outcome) {
    if outcome.snapshots_lost > 0 {
        message::warn(format_args!("{} snapshots are lost: their manifests are damaged", grouped(outcome.snapshots_lost)));
    }
    if let Some(missing) = &outcome.missing {
        message::warn(missing);
        message::hint(format_args!("nothing is removed meanwhile; {}", Rollback::ADVICE));
    }
    if outcome.records_lost > 0 {
        let count = grouped(outcome.records_lost);
        message::warn(format_args!(
            "{count} records are lost; look at tags and pins with `repo snapshots`, a forgotten snapshot may be back"
        ));
    }
    if outcome.packs_unknown > 0 {
        message::warn(format_args!(
            "{} packs cannot be read and no index segment names them, so they are left where they are",
            grouped(outcome.packs_unknown)
        ));
    }
    if !outcome.affected.is_empty() {
        message::hint("where the files are still as they were, the next `repo snapshot` stores them again, for old snapshots too");
    }
    message::hint("another copy of the repository may have the objects whole, under the same names; copy them here and repair again");
}

fn line<'a>(outcome: &'a Outcome, is_dry_run: bool, restored_description: bool) -> Repaired<'a> {
    Repaired {
        is_dry_run,
        found_damage: outcome.found_damage() || restored_description,
        has_loss: outcome.has_loss(),
        damaged: outcome.damaged.iter().map(ObjectLine::of).collect(),
        foreign: outcome.foreign.iter().map(|(id, objects)| ForeignLine { repository: id.to_string(), objects: *objects }).collect(),
        missing_snapshots: outcome.missing.iter().flat_map(|rollback| &rollback.missing).map(ToString::to_string).collect(),
        snapshots_lost: outcome.snapshots_lost,
        records_lost: outcome.records_lost,
        restored_description,
        restored_settings: outcome.restored_settings,
        restored_records: outcome.restored_records,
        restored_key: outcome.restored_key,
        packs_indexed: outcome.packs_indexed,
        packs_unknown: outcome.packs_unknown,
        segments_replaced: outcome.segments_replaced,
        packs_salvaged: outcome.packs_salvaged,
        chunks_salvaged: outcome.chunks_salvaged,
        chunks_lost: outcome.chunks_lost,
        chunks_newly_lost: outcome.chunks_newly_lost,
        affected: outcome.affected.iter().map(AffectedLine::of).collect(),
        affected_more: outcome.affected_more,
    }
}
