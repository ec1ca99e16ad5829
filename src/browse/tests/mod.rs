//! Snapshots made by hand in memory, and what the verbs of looking say about them.
//!
//! Each folder that is stored here goes into a pack of its own, so that the packs that were read tell
//! which folders were.

mod contents;
mod differences;
mod lines;
mod many;
mod views;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::Listing;
use crate::chunker::Class;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::id::{ClientId, RunId, SnapshotId};
use crate::manifest::{
    Content, ContentList, Counts, Item, Kind, ListWriter, Manifest, Metadata, Node, RootEntry, SnapshotOptions, TreeWriter,
};
use crate::repository::{CreateOptions, FrameGatherer, OpenOptions, Repository, Sink, SinkPages, create};
use crate::storage::MemoryStorage;
use crate::storage::recorder::{Recorder, Verb};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// A repository in memory whose calls are recorded.
struct Fixture {
    storage: Arc<Recorder<MemoryStorage>>,
    repository: Repository,
    counter: Cell<u64>,
}

impl Fixture {
    fn new() -> Self {
        let storage = Arc::new(Recorder::new(MemoryStorage::new()));
        let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let options = CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: Timestamp::default() };
        create(&*storage, &options).unwrap();
        let repository = Repository::open(storage.clone(), OpenOptions::default()).unwrap();
        Self { storage, repository, counter: Cell::new(0) }
    }

    fn sink(&self) -> Sink {
        Sink::open(self.repository.chunks(), &self.repository.read_facts().unwrap(), RunId([1; 16])).unwrap()
    }

    /// A regular file of one chunk, or none when it is empty.
    fn file(&self, name: &str, plain: &[u8]) -> Node {
        let sink = self.sink();
        let mut gatherer = FrameGatherer::default();
        let mut items = Vec::new();
        if !plain.is_empty() {
            let id = sink.store_data(&mut gatherer, Class::General, plain).unwrap();
            items.push(Item::Chunk(id, plain.len() as u64));
        }
        sink.flush(&mut gatherer).unwrap();
        sink.commit().unwrap();
        node(name, Content::File(plain.len() as u64, ContentList { depth: 0, items }))
    }

    /// A regular file of these pieces; the list goes through pages where it is long.
    fn pieces(&self, name: &str, pieces: &[Piece]) -> Node {
        let sink = self.sink();
        let (mut gatherer, mut writer, mut bytes) = (FrameGatherer::default(), ListWriter::default(), 0);
        let mut store = |page: &crate::manifest::ListPage| sink.store_meta(&wire::encode(page));
        for piece in pieces {
            let item = match piece {
                Piece::Plain(plain) => Item::Chunk(sink.store_data(&mut gatherer, Class::General, plain).unwrap(), plain.len() as u64),
                Piece::Hole(bytes) => Item::Hole(*bytes),
            };
            bytes += item.bytes();
            writer.push(item, &mut store).unwrap();
        }
        let list = writer.finish(&mut store).unwrap();
        sink.flush(&mut gatherer).unwrap();
        sink.commit().unwrap();
        node(name, Content::File(bytes, list))
    }

    /// A folder of these entries, in a pack of its own.
    fn folder(&self, name: &str, mut entries: Vec<Node>) -> Node {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let sink = self.sink();
        let mut pages = SinkPages { sink: &sink, identify: &self.repository.keys().identify };
        let mut writer = TreeWriter::default();
        for entry in entries {
            writer.push(entry, &mut pages).unwrap();
        }
        let tree = writer.finish(&mut pages).unwrap();
        sink.commit().unwrap();
        node(name, Content::Directory(tree))
    }

    /// A manifest of these sources, which lie in `/`.
    fn manifest(&self, kind: Kind, base: Option<SnapshotId>, sources: Vec<Node>) -> Manifest {
        let entries = sources.into_iter().map(|node| RootEntry { path: [b"/", &node.name[..]].concat(), node }).collect::<Vec<_>>();
        self.counter.set(self.counter.get() + 1);
        let time = Timestamp::new(self.counter.get() as i64 * 60, 7);
        Manifest {
            run: RunId([1; 16]),
            client: ClientId([2; 16]),
            counter: self.counter.get(),
            previous: None,
            kind,
            base,
            series: "home".into(),
            host: "host".into(),
            user: "user".into(),
            time,
            started_at: time,
            committed_at: time,
            clocks: Vec::new(),
            paths: entries.iter().map(|entry| entry.path.clone().into()).collect(),
            options: SnapshotOptions::default(),
            tags: Vec::new(),
            program: "test".into(),
            root: self.repository.keys().identify.root(&wire::encode(&entries)),
            entries,
            counts: Counts::default(),
            extensions: Extensions::none(),
        }
    }

    /// A full manifest of one source, not published.
    fn full(&self, source: Node) -> Manifest {
        self.manifest(Kind::Full, None, vec![source])
    }

    fn publish(&self, manifest: &Manifest) -> SnapshotId {
        self.repository.objects().publish_manifest(manifest).unwrap()
    }

    fn listing(&self) -> Listing {
        self.repository.catalogued().unwrap().listing
    }

    /// Which packs were read since the last call of [`Fixture::forget_reads`].
    fn packs_read(&self) -> BTreeSet<String> {
        let calls = self.storage.calls();
        let is_pack = |call: &&crate::storage::recorder::Call| call.verb == Verb::ReadRange && call.name.starts_with("packs/");
        calls.iter().filter(is_pack).map(|call| call.name.clone()).collect()
    }

    fn forget_reads(&self) {
        self.storage.clear();
    }

    /// Removes the pack that holds the root page of `folder`.
    fn lose(&self, folder: &Node) {
        let Content::Directory(tree) = &folder.content else { panic!("not a folder") };
        let reader = self.repository.reader().unwrap();
        let place = reader.places(&tree.id).unwrap()[0];
        crate::storage::Storage::remove(&*self.storage, &crate::repository::pack_name(&place.pack)).unwrap();
    }
}

/// A piece of a file.
enum Piece {
    Plain(Vec<u8>),
    Hole(u64),
}

fn node(name: &str, content: Content) -> Node {
    let metadata = Metadata { mode: 0o644, links: 1, ..Metadata::default() };
    Node { name: name.into(), metadata, content, flags: 0, extensions: Extensions::none() }
}

fn with_mode(mut node: Node, mode: u32) -> Node {
    node.metadata.mode = mode;
    node
}

fn named(mut node: Node, name: &[u8]) -> Node {
    node.name = name.to_vec();
    node
}
