//! What a run tells at its end about its sources, beside the entries: how many files each has, how many
//! are gone, and whether that looks like a loss.

use std::collections::HashSet;

use super::base::Base;
use super::loss::{Before, judge, judge_removed, with_inner};
use super::outcome::{LeftOut, Outcome};
use super::problems::ProblemCounts;
use super::walk::Walked;
use crate::catalog::Listing;
use crate::id::SnapshotId;
use crate::manifest::{Counts, Manifest, SOURCE_COUNTS, SnapshotOptions, SourceCounts, Unwanted};
use crate::progress::Progress;
use crate::repository::Repository;
use crate::wire::{self, Extensions};

/// What was asked for, and what came of it.
pub(super) struct Account<'r> {
    pub repository: &'r Repository,
    pub listing: &'r Listing,
    pub series: &'r str,
    pub base: Option<&'r Base>,
    pub paths: &'r [Vec<u8>],
    pub options: &'r SnapshotOptions,
    pub unwanted: &'r Unwanted,
    pub counts: &'r Counts,
    pub walked: &'r Walked,
}

/// What is told.
#[derive(Default)]
pub(super) struct Told {
    pub sources: Vec<SourceCounts>,
    pub files_removed: Option<u64>,
    pub has_loss: bool,
}

impl Told {
    pub(super) fn outcome(
        self,
        id: Option<SnapshotId>,
        manifest: Manifest,
        packs_adopted: u64,
        beside: (ProblemCounts, LeftOut, Vec<Vec<u8>>),
    ) -> Outcome {
        let (problems, left_out, other_file_systems) = beside;
        let Self { sources, files_removed, has_loss } = self;
        Outcome { id, manifest, packs_adopted, sources, files_removed, has_loss, problems, left_out, other_file_systems }
    }
}

impl Account<'_> {
    /// Tells the owner of a loss, and the manifest what the sources have.
    pub(super) fn tell(&self, extensions: &mut Extensions, progress: &dyn Progress) -> Told {
        let base = self.base.map(|base| Before { id: base.id, manifest: &base.manifest });
        let files_removed = base.as_ref().map(|base| base.manifest.files().saturating_sub(self.walked.base_files_met));
        // The newest snapshot is what people remember; it need not be the base.
        let newest = self.listing.newest(self.series).map(|summary| summary.id);
        let read: Option<Manifest> = match newest {
            Some(id) if base.as_ref().is_none_or(|base| base.id != id) => self.repository.objects().read_manifest(&id).ok(),
            _ => None,
        };
        let before = match (&read, newest) {
            (Some(manifest), Some(id)) => Some(Before { id, manifest }),
            _ => base,
        };
        let sources = with_inner(&self.walked.sources);
        let mut kept = sources.clone();
        let mut has_loss = false;
        if let Some(before) = &before {
            let is_same = self.is_same_request(before.manifest);
            // What is not looked at any more is not gone.
            let mut found = judge(&with_inner(&self.walked.with_unknown()), before, is_same);
            if let (true, true, Some(removed), None) = (found.is_empty(), is_same, files_removed, &read) {
                found.extend(judge_removed(removed, self.counts.files_new, before));
            }
            has_loss = !found.is_empty();
            found.into_iter().for_each(|finding| progress.report(finding));
            // Of a source that could not be looked at, the last that is known.
            let known: HashSet<&[u8]> = sources.iter().map(|source| source.path.as_slice()).collect();
            kept.extend(before.manifest.source_counts().into_iter().filter(|source| !known.contains(source.path.as_slice())));
        }
        extensions.set(SOURCE_COUNTS, wire::encode(&kept));
        Told { sources, files_removed, has_loss }
    }

    fn is_same_request(&self, before: &Manifest) -> bool {
        let (now, then) = (self.options, &before.options);
        let same_filters =
            (&now.excludes, now.exclude_caches, now.one_file_system) == (&then.excludes, then.exclude_caches, then.one_file_system);
        same_filters
            && before.unwanted().is_ok_and(|then| then == *self.unwanted)
            && before.paths.iter().map(|path| path.as_slice()).eq(self.paths.iter().map(Vec::as_slice))
    }
}
