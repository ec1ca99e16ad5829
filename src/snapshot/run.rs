//! One run from the lock to the manifest.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;

use super::account::{Account, Told};
use super::base::{Base, choose_base};
use super::build::Builder;
use super::content::Saver;
use super::deeds::Deeds;
use super::known::{check_still_there, tell_lost, tell_unreadable};
use super::outcome::Outcome;
use super::problems::Noting;
use super::request::Request;
use super::roots::ancestors;
use super::sources::{Sources, find_sources};
use super::stream::save_stream;
use super::surroundings::Surroundings;
use super::tally::Tally;
use super::walk::{SourceWalk, Walked};
use super::warnings::{tell_unmatched, warn_of_clock, warn_of_company, warn_of_rollback};
use crate::crypto::random_bytes;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ClientId, RunId, SnapshotId};
use crate::manifest::{Kind, MACHINE, Manifest, PIN, Pin, RootEntry};
use crate::progress::{Finding, FindingKind, Progress, Stage, Topic};
use crate::repository::{Catalogued, Facts, INDEX, Repository, Sink, make_reserve};
use crate::source::{Filter, Owners};
use crate::storage::{Lock, LockMode, Stale};
use crate::trees::{Ahead, read_ahead};
use crate::units::{Timestamp, lossy_text};
use crate::wire::{self, Extensions};

/// So many bundles of events wait between the walk and the builder: enough that all workers have files
/// to read, few enough that the folders of these files are open.
pub(super) const BUNDLES_MAX: usize = 32;

/// Takes a snapshot as `request` says. It exists when this returns an id, and not before.
///
/// # Errors
/// `Invalid` for an impossible request; `Interrupted` after what was read so far was made durable for
/// the next run; those of the repository. What goes wrong with single files is reported to `progress`
/// and counted.
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    let noting = Noting::new(progress);
    let progress: &dyn Progress = &noting;
    let started_at = (request.clock)();
    let time = request.time.unwrap_or(started_at);
    if time > started_at {
        return Err(Error::new(ErrorKind::Invalid, "the time of a snapshot cannot be in the future"));
    }
    let filter = Filter::following_links(&request.options.excludes)?;
    let stream = request.stream.as_ref();
    let sources = if stream.is_some() { Sources::default() } else { find_sources(&request.paths, progress)? };
    let series = request.series.clone().unwrap_or_else(|| default_series(request, &sources.names));
    let lock = if request.dry_run { None } else { Some(repository.wait_for_lock(LockMode::Shared, progress)?) };

    if !request.dry_run {
        // A copy of an empty repository may lack it; a run that stores nothing syncs it all the same.
        repository.storage().create_folder(INDEX)?;
        // What a run left that was killed: packs that were never complete. Where they cannot be removed they
        // harm nobody.
        let _ = repository.storage().remove_stale_temporaries(Stale::WhereBegun);
    }
    let run = RunId(random_bytes()?);
    // Read under the lock: what was recorded as lost since the repository was opened must not count as known.
    let facts = repository.read_facts()?;
    let mut sink = Sink::open(repository.chunks(), &facts, run)?;
    if let Some(chunks) = request.checkpoint_chunks {
        sink.set_checkpoint_chunks(chunks);
    }
    if request.dry_run {
        sink.set_dry();
    }
    let catalogued = repository.catalogued()?;
    warn_of_rollback(&catalogued, progress);
    warn_of_clock(&catalogued.listing, started_at, progress);
    let series = catalogued.marks.renamed(&series).map_or(series.clone(), str::to_owned);
    let reader = sink.reader();
    let wanted = if stream.is_some() { Kind::Full } else { request.kind };
    let machine = repository.keys().identify.machine(request.machine.as_deref());
    warn_of_company(&catalogued.listing, &series, machine, progress);
    let base = choose_base(repository, reader, &catalogued, &series, wanted, machine, progress)?;
    let kind = if base.is_some() { wanted } else { Kind::Full };
    if kind != wanted {
        let message = "there is no earlier snapshot to build on in this series, so this one is full: every file is read";
        progress.report(Finding::new(FindingKind::Note(Topic::Base), [], message));
    }

    progress.stage(Stage::Snapshot);
    let (tally, owners) = (Tally::default(), Owners::default());
    let saver = Saver::new(&sink, repository.cutter(), progress);
    let found = match (stream, request.options.stream.as_deref()) {
        (Some(stream), Some(name)) => save_stream(&saver, name, stream, started_at, &owners, &tally).map(|entry| (vec![entry], None)),
        (Some(_), None) => Err(Error::new(ErrorKind::Invalid, "a stream needs a name")),
        (None, _) => {
            let with = Surroundings {
                saver: &saver,
                owners: &owners,
                tally: &tally,
                filter: &filter,
                options: &request.options,
                unwanted: &request.unwanted,
                skip: &request.skip,
                inner: &sources.inner,
                base: base.as_ref().map(|base| (&base.manifest, reader)),
                base_is_whole: sink.is_whole()
                    && base.as_ref().is_some_and(|base| repository.chunks().is_noted_whole(&base.id, &sink.index())),
            };
            walk_and_build(repository, &with, &sources).map(|(entries, walked)| (entries, Some(walked)))
        }
    };
    let (mut entries, mut walked) = match found {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::Interrupted && !request.dry_run => {
            // What was stored is of use to the next run.
            saver.flush()?;
            sink.commit()?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if entries.is_empty() {
        return Err(Error::new(ErrorKind::Other, "none of the sources could be saved; nothing was committed"));
    }
    entries.extend(ancestors(&sources.roots, &owners));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    if !request.dry_run {
        saver.flush()?;
        sink.commit()?;
    }
    let root = repository.keys().identify.root(&wire::encode(&entries));
    // A full one stays the base of differentials.
    let replaced = base.as_ref().filter(|base| base.manifest.kind != Kind::Full).map(|base| base.id);
    let mut counts = tally.counts();
    counts.bytes_new = sink.counts().bytes_new.load(Ordering::Relaxed);
    counts.bytes_stored = sink.counts().bytes_stored.load(Ordering::Relaxed);
    counts.chunks_new = sink.counts().chunks_new.load(Ordering::Relaxed);
    tell_lost(tally.files_lost.load(Ordering::Relaxed), progress);
    tell_unreadable(tally.folders_lost.load(Ordering::Relaxed) + sink.counts().pages_unreadable.load(Ordering::Relaxed), progress);
    if !request.is_repeat && walked.is_some() {
        tell_unmatched(&filter, progress);
    }
    let other_file_systems = walked.as_mut().map(|walked| std::mem::take(&mut walked.other_file_systems)).unwrap_or_default();
    let mut extensions = Extensions::none();
    extensions.set(MACHINE, machine.0.to_vec());
    saver.writeback.note(&mut extensions);
    let told = walked.as_ref().map_or_else(Told::default, |walked| {
        let account = Account {
            repository,
            listing: &catalogued.listing,
            series: &series,
            base: base.as_ref(),
            paths: &request.paths,
            options: &request.options,
            unwanted: &request.unwanted,
            counts: &counts,
            walked,
        };
        account.tell(&mut extensions, progress)
    });
    // Others may have committed meanwhile: what comes later names what came before.
    let before: HashSet<SnapshotId> = catalogued.all.iter().copied().collect();
    let has_more = !request.dry_run && repository.objects().list_snapshots()?.into_iter().collect::<HashSet<_>>() != before;
    let now_there = if has_more { Some(repository.catalogued()?) } else { None };
    let latest = now_there.as_ref().unwrap_or(&catalogued);
    let previous = latest.listing.summaries().last().map(|summary| summary.id);
    let mut manifest = Manifest {
        run,
        client: repository.cache().map_or(ClientId([0; 16]), |cache| cache.client()),
        counter: latest.newest_counter.saturating_add(1),
        previous,
        kind,
        base: base.map(|Base { id, .. }| id),
        series,
        host: request.host.clone(),
        user: request.user.clone(),
        time,
        started_at,
        committed_at: (request.clock)(),
        clocks: walked.map_or_else(Vec::new, |walked| walked.clocks),
        paths: request.paths.iter().map(|path| serde_bytes::ByteBuf::from(path.clone())).collect(),
        options: request.options.clone(),
        tags: request.tags.clone(),
        program: format!("strongroom {}", env!("CARGO_PKG_VERSION")),
        root,
        entries,
        counts,
        extensions,
    };
    manifest.set_tells_unseen();
    manifest.set_unwanted(&request.unwanted);
    manifest.set_problems(&noting.problems());
    manifest.set_followed(filter.followed());
    let packs_adopted = sink.counts().packs_adopted.load(Ordering::Relaxed);
    if request.dry_run {
        return Ok(told.outcome(None, manifest, packs_adopted, (noting.counts(), tally.left_out(), other_file_systems)));
    }
    record_unnamed(repository, latest, previous, &manifest)?;
    check_still_there(repository, &sink, &manifest, None)?;
    // Without it a prune may have removed what this snapshot relies on.
    lock.as_deref().map_or(Ok(()), Lock::still_holds).map_err(|error| error.context("the snapshot was not committed"))?;
    let id = repository.objects().publish_manifest(&manifest)?;
    check_still_there(repository, &sink, &manifest, Some(&id))?;
    repository.chunks().note_whole(&id, &sink.segments(), replaced.as_ref());
    if manifest.counts.bytes_stored > 0 {
        // The snapshot is safe. Where space cannot be set aside, a later run tries again.
        let _ = make_reserve(&**repository.storage(), sink.pack_bytes());
    }
    repository.tell_catalog(&id, &manifest);
    // The snapshot is safe. What cannot be said here, a later run says.
    let _ = record_presence(repository, &facts, latest, &id, manifest.committed_at);
    repository.remember_snapshot(&id);
    if request.pin {
        // Still under the lock: no prune comes between.
        let pin = wire::encode(&Pin { snapshot: id, is_pinned: true });
        let pinned = repository.publish_pairs(vec![(PIN, pin)], manifest.committed_at);
        pinned.map_err(|error| error.context(format!("snapshot {} was saved, but it could not be pinned", id.short())))?;
    }
    let healed = sink.healed();
    if !healed.is_empty() {
        let count = healed.len();
        // The snapshot is safe; without this record the chunks are only stored once more.
        let message = match repository.publish_healed(healed, manifest.committed_at) {
            Ok(()) => format!("{count} chunks that were lost are stored again; earlier snapshots that need them are mended"),
            Err(error) => format!("{count} chunks that were lost are stored again, which could not be recorded: {error}"),
        };
        progress.report(Finding::new(FindingKind::Note(Topic::Healed), [], message));
    }
    Ok(told.outcome(Some(id), manifest, packs_adopted, (noting.counts(), tally.left_out(), other_file_systems)))
}

/// Says, before the snapshot exists, that those are there which neither it nor another manifest names: so each that is
/// lost from now on is missed by everybody.
fn record_unnamed(repository: &Repository, latest: &Catalogued, previous: Option<SnapshotId>, manifest: &Manifest) -> Result<()> {
    let unnamed: Vec<SnapshotId> = latest.unnamed.iter().filter(|id| Some(**id) != previous).copied().collect();
    if unnamed.is_empty() { Ok(()) } else { repository.record_presence(&unnamed, manifest.committed_at) }
}

/// Sees to it that records say of something that is there that it is, so that its loss is noticed: of the new
/// snapshot, where they name no other; of those that were put back; and of those that others committed at the same moment.
fn record_presence(repository: &Repository, facts: &Facts, latest: &Catalogued, id: &SnapshotId, now: Timestamp) -> Result<()> {
    let listing = &latest.listing;
    let has = |ids: &HashSet<SnapshotId>| listing.summaries().iter().any(|summary| ids.contains(&summary.id));
    if !has(facts.kept()) && !has(repository.read_facts()?.kept()) {
        repository.record_presence(&[*id], now)?;
        // So that the catalog knows what was just written.
        repository.catalogued()?;
    }
    let known: HashSet<SnapshotId> = latest.all.iter().copied().collect();
    if repository.objects().list_snapshots()?.iter().any(|listed| listed != id && !known.contains(listed)) {
        let mut unnamed = repository.catalogued()?.unnamed;
        // One of two that named the same is named by the next.
        unnamed.retain(|listed| listed != id);
        repository.record_presence(&unnamed, now)?;
    }
    if has(facts.removed()) { repository.recant_removals(now) } else { Ok(()) }
}

/// The line of snapshots of these paths on this host.
fn default_series(request: &Request, sources: &[Vec<u8>]) -> String {
    let mut names: VecDeque<String> = sources.iter().map(|path| lossy_text(path).into_owned()).collect();
    names.extend(request.options.stream.clone());
    format!("{}:{}", request.host, names.into_iter().collect::<Vec<_>>().join(","))
}

type Found = (Vec<RootEntry>, Walked);

fn walk_and_build(repository: &Repository, with: &Surroundings<'_, '_>, sources: &Sources) -> Result<Found> {
    let deeds = Deeds { tally: with.tally, progress: with.saver.progress };
    let builder = Builder::new(with.saver.sink, &repository.keys().identify, with.base, deeds);
    let (sender, receiver) = sync_channel(BUNDLES_MAX);
    std::thread::scope(|threads| {
        let building = std::thread::Builder::new()
            .spawn_scoped(threads, move || builder.run(&receiver))
            .map_err(|error| Error::new(ErrorKind::Other, "cannot start a thread").with_source(error))?;
        let walk =
            |ahead: Option<&Ahead<'_>>| rayon::in_place_scope(|scope| SourceWalk::new(with, scope, sender, ahead).run(&sources.roots));
        let walked = match with.base {
            Some((_, reader)) => read_ahead(reader, walk),
            None => walk(None),
        };
        let built = building.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the thread that builds trees has ended")));
        // An error of the builder is the cause when both failed.
        let entries = built?;
        Ok((entries, walked?))
    })
}
