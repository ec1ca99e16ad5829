//! Tests of the repair, against a repository in memory that is damaged in every way.

mod objects;
mod packs;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::check::tests::{Bench, credential, noise};
use crate::check::{self, Data};
use crate::crypto::Algorithm;
use crate::error::ErrorKind;
use crate::id::SnapshotId;
use crate::manifest::Content;
use crate::progress::Silent;
use crate::repository::{OpenOptions, Repository};
use crate::storage::Storage;
use crate::trees::{Piece, SnapshotView, Step, visit_content};
use crate::units::Timestamp;

const NOW: Timestamp = Timestamp::new(1_800_000_000, 0);

/// The content of every file of a snapshot that can be read, by path; none where it cannot.
type Files = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Bench {
    fn repair(&self) -> Outcome {
        run(&self.open().unwrap(), &Request { dry_run: false, clock: || NOW }, &Silent).unwrap()
    }

    fn files(&self, snapshot: &SnapshotId) -> Files {
        files_of(&self.open().unwrap(), snapshot)
    }

    fn every_object(&self) -> BTreeMap<String, Vec<u8>> {
        self.names("").into_iter().map(|name| (name.clone(), self.read(&name))).collect()
    }

    /// Inverts a byte of an object.
    fn flip(&self, name: &str, at: usize) {
        let mut bytes = self.read(name);
        bytes[at] ^= 0xff;
        self.replace(name, &bytes);
    }
}

/// The files of a snapshot; folders that cannot be read are passed over.
fn files_of(repository: &Repository, snapshot: &SnapshotId) -> Files {
    let (reader, manifest) = (repository.reader().unwrap(), repository.objects().read_manifest(snapshot).unwrap());
    let view = SnapshotView::new(&reader, &manifest);
    let (mut walk, mut files) = (view.walk(), BTreeMap::new());
    loop {
        match walk.next_step() {
            Ok(None) => return files,
            Ok(Some(Step::Entry(node))) => {
                if let Content::File(_, list) = &node.content {
                    let mut plain = Vec::new();
                    let read = visit_content(&reader, list, &mut |piece: Piece| {
                        if let Piece::Chunk { id, .. } = piece {
                            plain.extend_from_slice(&reader.data_chunk(&id)?);
                        }
                        Ok(())
                    });
                    files.insert(walk.path().to_vec(), read.ok().map(|()| plain));
                }
            }
            Ok(Some(Step::Leave)) => {}
            Err(error) => assert!(error.is_damage(), "{error}"),
        }
    }
}

/// Fails unless a check finds nothing.
#[track_caller]
fn assert_whole(bench: &Bench) {
    let checked = bench.check(Data::All);
    assert!(!checked.is_damaged(), "{checked:?}");
}
