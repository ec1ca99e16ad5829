//! Writes sealed objects that say whatever they are told to say.

use std::fs;
use std::sync::Arc;

use strongroom::codec::ZSTD;
use strongroom::crypto::{Associated, Purpose};
use strongroom::id::{ChunkId, PackId, RunId, SnapshotId};
use strongroom::index::{IndexSegment, IndexedPack};
use strongroom::manifest::{Content, Manifest, Metadata, Node, Page, TreeRef};
use strongroom::pack::{ChunkEntry, FrameEntry, ObjectKind, PackDirectory, PackKind, seal_object};
use strongroom::repository::{Credential, OpenOptions, Repository, Sink};
use strongroom::storage::LocalStorage;
use strongroom::wire::{self, Extensions};

use crate::cli_place::{Place, Ran, run};

/// The whole address space of a command: far below what the lies claim.
const ADDRESS_BYTES: u64 = 1 << 30;
const RUN: RunId = RunId([3; 16]);

/// A place whose repository has one honest snapshot, and its key.
pub struct Forger {
    pub place: Place,
    pub repository: Repository,
}

impl Forger {
    pub fn new() -> Self {
        let place = Place::with_snapshot();
        let key = fs::read(place.path("key")).unwrap();
        let options =
            OpenOptions { credential: Some(Credential::KeyFile(key.into())), allow_unencrypted: false, cache_root: None, no_catalog: true };
        let storage = Arc::new(LocalStorage::open(&place.path("repository")).unwrap());
        let repository = Repository::open(storage, options).unwrap();
        Self { place, repository }
    }

    /// Puts `bytes` into `folder` under their hash; returns the name.
    pub fn put(&self, folder: &str, bytes: &[u8]) -> String {
        let name = blake3::hash(bytes).to_hex().to_string();
        fs::write(self.place.path("repository").join(folder).join(&name), bytes).unwrap();
        name
    }

    /// A sealed object with this body.
    pub fn seal(&self, kind: ObjectKind, plain: &[u8]) -> Vec<u8> {
        seal_object(self.repository.keys(), kind, RUN, plain).unwrap()
    }

    /// A sealed object whose body claims to unpack to `plain_bytes` and is `packed`.
    pub fn seal_packed(&self, kind: ObjectKind, packed: &[u8], plain_bytes: u64) -> Vec<u8> {
        let (header, key) = self.repository.keys().new_object(kind, RUN, Purpose::Body).unwrap();
        let mut bytes = header.encode();
        let header_hash = *blake3::hash(&bytes).as_bytes();
        let mut sealed = [&vec![0; self.repository.keys().algorithm.nonce_bytes()], packed].concat();
        key.seal(&Associated { header_hash, purpose: Purpose::Body, number: 0, codec: ZSTD, plain_bytes }, &mut sealed);
        bytes.extend([&ZSTD.to_le_bytes()[..], &plain_bytes.to_le_bytes(), &sealed].concat());
        bytes
    }

    /// A data pack, named by the index, of one frame that is `packed` and claims to hold one chunk of
    /// `plain_bytes`.
    pub fn put_pack(&self, packed: &[u8], id: ChunkId, plain_bytes: u32) {
        let keys = self.repository.keys();
        let nonce = vec![0; keys.algorithm.nonce_bytes()];
        let (header, frame_key) = keys.new_object(ObjectKind::DataPack, RUN, Purpose::Frame).unwrap();
        let mut bytes = header.encode();
        let header_hash = *blake3::hash(&bytes).as_bytes();
        let data_begin = bytes.len() as u64;
        let mut sealed = [&nonce, packed].concat();
        let associated = Associated { header_hash, purpose: Purpose::Frame, number: 0, codec: ZSTD, plain_bytes: plain_bytes.into() };
        frame_key.seal(&associated, &mut sealed);
        let chunks = vec![ChunkEntry { id, bytes: plain_bytes }];
        let frame = FrameEntry { offset: data_begin, sealed_bytes: sealed.len() as u32, plain_bytes, codec: ZSTD, chunks };
        bytes.extend(&sealed);
        let data_end = bytes.len() as u64;
        let plain = wire::encode(&PackDirectory { frames: vec![frame.clone()], extensions: Extensions::none() });
        let mut directory = [nonce, plain.clone()].concat();
        let codec = strongroom::codec::RAW;
        let associated = Associated { header_hash, purpose: Purpose::Directory, number: 0, codec, plain_bytes: plain.len() as u64 };
        keys.object_key(&header, Purpose::Directory, "a pack").unwrap().seal(&associated, &mut directory);
        bytes.extend(&directory);
        let (sealed_bytes, plain_bytes) = (directory.len() as u64, plain.len() as u64);
        bytes.extend([&sealed_bytes.to_le_bytes()[..], &plain_bytes.to_le_bytes(), &codec.to_le_bytes(), &1u16.to_le_bytes()].concat());
        bytes.extend(b"\0\0\0\0STRONGRE");
        let folder = format!("packs/{}", &blake3::hash(&bytes).to_hex()[..2]);
        let pack = PackId::parse(&self.put(&folder, &bytes)).unwrap();
        let pack = IndexedPack { id: pack, kind: PackKind::Data, bytes: bytes.len() as u64, data_begin, data_end, frames: vec![frame] };
        self.repository.objects().publish_segment(RUN, &IndexSegment::new(vec![pack])).unwrap();
    }

    /// The honest manifest.
    pub fn manifest(&self) -> Manifest {
        self.repository.objects().read_manifest(&self.repository.objects().list_snapshots().unwrap()[0]).unwrap()
    }

    /// A snapshot whose source holds what `make` stores; returns its id.
    pub fn put_snapshot(&self, make: impl FnOnce(&Sink) -> TreeRef) -> String {
        let mut manifest = self.manifest();
        let sink = Sink::open(self.repository.chunks(), &self.repository.read_facts().unwrap(), RUN).unwrap();
        let tree = make(&sink);
        sink.commit().unwrap();
        manifest.entries.last_mut().unwrap().node.content = Content::Directory(tree);
        manifest.root = self.repository.keys().identify.root(&wire::encode(&manifest.entries));
        let id = self.put("snapshots", &self.seal(ObjectKind::Manifest, &manifest.encode()));
        SnapshotId::parse(&id).unwrap().to_string()
    }

    /// Runs a command that may have [`ADDRESS_BYTES`] of memory in all.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = assert_cmd::Command::new("prlimit");
        command.args([&format!("--as={ADDRESS_BYTES}"), env!("CARGO_BIN_EXE_repo")]).args(arguments).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("TZ", "UTC").env("RAYON_NUM_THREADS", "2");
        for (name, value) in [("REPO_CACHE_DIR", "cache"), ("REPO_REPOSITORY", "repository"), ("REPO_KEY_FILE", "key")] {
            command.env(name, self.place.path(value));
        }
        run(command.timeout(std::time::Duration::from_secs(120)))
    }

    /// Restores the source of a snapshot to `back`.
    pub fn restore(&self, id: &str) -> Ran {
        self.run(&["-q", "restore", &format!("{id}:{}", self.place.text("source")), &self.place.text("back")])
    }
}

/// An entry of a tree.
pub fn node(name: &[u8], content: Content) -> Node {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let metadata = Metadata { mode: 0o755, uid, gid, links: 1, ..Metadata::default() };
    Node { name: name.to_vec(), metadata, content, flags: 0, extensions: Extensions::none() }
}

/// Stores a page of entries, in whatever order.
pub fn store_leaf(sink: &Sink, nodes: Vec<Node>) -> TreeRef {
    let entries = nodes.len() as u64;
    TreeRef { id: sink.store_meta(&wire::encode(&Page::Leaf(nodes))).unwrap(), depth: 0, entries }
}

/// Some hundred kilobytes that unpack to `bytes` zeros.
pub fn bomb(bytes: u64) -> Vec<u8> {
    let mut packed = Vec::new();
    zstd::stream::copy_encode(std::io::Read::take(std::io::repeat(0), bytes), &mut packed, 1).unwrap();
    packed
}
