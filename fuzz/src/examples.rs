//! Well-formed inputs: what the seeds are made from, and the surroundings that some targets need.

use std::sync::{Arc, OnceLock};

use strongroom::catalog::{Listing, Summary};
use strongroom::codec;
use strongroom::crypto::{Algorithm, Argon2Cost, Secret};
use strongroom::id::{ChunkId, ClientId, PackId, RepositoryId, RootId, RunId, SnapshotId};
use strongroom::index::{IndexSegment, IndexedPack};
use strongroom::manifest::{
    ABSENT, AbsentChunks, Content, ContentList, Counts, HEALED, HealedChunks, Item, Kind, ListPage, Manifest, Metadata, Node, PIN, Page,
    PageRef, Pin, REMOVED, Record, Removed, RootEntry, SETTING, Setting, SnapshotOptions, StatTrust, TAG, TOMBSTONE, TagChange, Tombstone,
    TreeRef, Xattr,
};
use strongroom::pack::{ChunkEntry, FinishedPack, KeyRing, ObjectHeader, ObjectKind, PackDirectory, PackKind, PackWriter, seal_object};
use strongroom::repository::{CreateOptions, Credential, Description, KeySlot, SecretBundle, create};
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::units::Timestamp;
use strongroom::wire::{self, Extensions};
use zeroize::Zeroizing;

const RUN: RunId = RunId([2; 16]);
const CLIENT: ClientId = ClientId([3; 16]);
const TIME: Timestamp = Timestamp::new(1_700_000_000, 5);

/// The keys of the example repository: secrets known to all.
pub fn keys(algorithm: Algorithm) -> KeyRing {
    SecretBundle::public().key_ring(algorithm, RepositoryId([1; 16]))
}

/// An empty repository without encryption, each time another copy of the same one: making one anew
/// writes a reserve of 16 MiB.
pub fn repository() -> Arc<MemoryStorage> {
    static EMPTY: OnceLock<MemoryStorage> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| {
        let storage = MemoryStorage::default();
        let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let options = CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: TIME };
        create(&storage, &options).expect("memory takes a repository");
        storage
    });
    Arc::new(empty.copy())
}

/// Snapshots of two series, some of whose ids begin alike.
pub fn listing() -> Listing {
    let summary = |n: u8| {
        let mut manifest = manifest();
        manifest.counter = u64::from(n);
        manifest.series = if n.is_multiple_of(2) { "home:/srv" } else { "db@night" }.to_owned();
        let mut id = [0xab; 32];
        id[usize::from(n)] = n;
        Summary::of(&SnapshotId(id), &manifest)
    };
    Listing::new((0..6).map(summary).collect(), Vec::new())
}

/// Stores `bytes` as a pack of that name and returns the name.
pub fn publish(storage: &dyn Storage, bytes: &[u8]) -> Option<String> {
    let name = "packs/00/pack".to_owned();
    let mut upload = storage.create("packs").ok()?;
    upload.write(bytes).ok()?;
    upload.publish(&name).ok()?;
    Some(name)
}

/// The seeds of every target, each with a name. Those of `key_slot`, `pack` and `sealed_object` hold
/// random salts and differ at every call.
pub fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (snapshot, chunks, words) = (SnapshotId([4; 32]), || vec![ChunkId([1; 32]), ChunkId([2; 32])], || vec!["tax".to_owned()]);
    let mut seeds: Vec<(&str, &str, Vec<u8>)> = vec![
        ("index_segment", "two_packs", IndexSegment::new(vec![indexed_pack(1), indexed_pack(9)]).encode()),
        ("index_segment", "empty", IndexSegment::default().encode()),
        ("key_slot", "password", key_slot(Credential::Password(Zeroizing::new(b"password".to_vec())))),
        ("key_slot", "key_file", key_slot(Credential::KeyFile(Zeroizing::new(vec![7; 32])))),
        ("list_page", "chunks_and_holes", wire::encode(&ListPage { depth: 0, items: items() })),
        ("list_page", "above", wire::encode(&ListPage { depth: 1, items: vec![Item::Chunk(ChunkId([1; 32]), 1 << 30); 3] })),
        ("manifest", "full", manifest().encode()),
        ("object_header", "plain", header(Extensions::none(), vec![])),
        ("object_header", "with_all", header(extensions(), vec![5; 40])),
        ("pack", "data", pack(PackKind::Data).1),
        ("pack", "meta", pack(PackKind::Meta).1),
        ("record", "settings", record(0x8001, &[0; 90])),
        ("record", "unknown", record(77, b"anything")),
        ("record", "absent", record(ABSENT, &wire::encode(&AbsentChunks { chunks: chunks() }))),
        ("record", "tags", record(TAG, &wire::encode(&TagChange { snapshot, added: words(), removed: words() }))),
        ("record", "pin", record(PIN, &wire::encode(&Pin { snapshot, is_pinned: true }))),
        ("record", "tombstone", record(TOMBSTONE, &wire::encode(&Tombstone { snapshot }))),
        ("record", "setting", record(SETTING, &wire::encode(&Setting { name: "protect".into(), value: "7d".into() }))),
        ("record", "healed", record(HEALED, &wire::encode(&HealedChunks { chunks: chunks() }))),
        ("record", "removed", record(REMOVED, &wire::encode(&Removed { snapshots: vec![snapshot; 2] }))),
        ("tree_page", "leaf", wire::encode(&Page::Leaf(nodes()))),
        ("tree_page", "inner", wire::encode(&Page::Inner(page_refs()))),
        ("tree_page", "empty", wire::encode(&Page::Leaf(vec![]))),
    ];
    let frames = pack(PackKind::Data).0.frames;
    seeds.push(("pack_directory", "two_frames", wire::encode(&PackDirectory { frames, extensions: extensions() })));
    for (name, kind, plain) in [
        ("manifest", ObjectKind::Manifest, manifest().encode()),
        ("record", ObjectKind::Record, record(77, b"anything")),
        ("index", ObjectKind::Index, IndexSegment::new(vec![indexed_pack(1)]).encode()),
    ] {
        let sealed = seal_object(&keys(Algorithm::None), kind, RUN, &plain).expect("the system has random numbers");
        seeds.push(("sealed_object", name, sealed));
    }
    for (name, plain) in [("text", b"all work and no play ".repeat(40)), ("short", b"x".to_vec())] {
        seeds.push(("frame_content", name, frame(&plain)));
    }
    seeds.extend(texts());
    seeds.extend(choices());
    seeds
}

fn texts() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (_, description) = Description::new(Algorithm::Aes256Gcm).expect("the system has random numbers");
    let later = br#"{"format": 7, "later": [null, {"deep": -1e99}]}"#.to_vec();
    let mut seeds: Vec<(&str, &str, Vec<u8>)> = vec![("description", "new", description), ("description", "later", later)];
    for (name, text) in [
        ("names", "/home/a/b.tmp\n*.tmp\n!b.tmp\nb.???\n[a-c]*"),
        ("paths", "/srv/build/x/o.o\nbuild/**/*.o\n/srv/{build,out}/\n!/srv/**\n\\!x\n"),
        ("folders", "/a/.cache\n.cache/\n/a/**\n**/x/**"),
    ] {
        seeds.push(("filter_patterns", name, text.as_bytes().to_vec()));
    }
    for (name, text) in [
        ("weekdays", "Mon,Wed..Sat 19:30 Europe/Berlin\n\x03\x01\x02"),
        ("end_of_month", "Fri *-02..05/3~1..7/2 0/6:15,45:*\n\x02"),
        ("word", "semi-annually UTC\n\x01\x05"),
        ("seconds", "2026-3-28 1:2:3.5/0.25\n"),
    ] {
        seeds.push(("calendar", name, text.as_bytes().to_vec()));
    }
    for (name, text) in [("part", "/home/Report.txt\nport"), ("glob", "/home/Report.txt\n*.{txt,TXT}"), ("greek", "/ΑΣΒ\nΑΣ")] {
        seeds.push(("find_pattern", name, text.as_bytes().to_vec()));
    }
    for (name, text) in
        [("latest", "latest~2"), ("series", "latest~1@home:/srv"), ("prefix", "abab05"), ("number", "latest~99999999999999999999")]
    {
        seeds.push(("snapshot_selection", name, text.as_bytes().to_vec()));
    }
    seeds
}

/// Inputs whose bytes are choices: steps of a forgery, and snapshots after the texts of a policy.
fn choices() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    // A file of one chunk, named by the number; its metadata and flags are as usual.
    let file = |name: u8| vec![0, 0, 1, 2, name, 0, 0];
    let link = |to: u8, name: u8| vec![2, to, name, 0, 0];
    let folder = |content: Vec<u8>, how: u8, name: u8| [vec![5], content, vec![6, how, name, 0, 0]].concat();
    let hard = |name: u8| vec![0, 0, 1, 2, name, 4, 2, 1, 0];
    let mut seeds = Vec::new();
    for (name, head, steps) in [
        ("files", [0, 0], [file(0), file(1), vec![3, 2, 0, 0], vec![4, 3, 4, 0, 0]].concat()),
        ("folders", [1, 34], folder([file(0), folder(file(1), 0, 2)].concat(), 2, 1)),
        ("link_in_the_way", [0, 8], [link(0, 3), folder(file(4), 0, 1)].concat()),
        ("destination_is_filled", [2, 56], [file(0), folder(file(4), 0, 3), folder(file(3), 0, 1), file(2)].concat()),
        ("hard_links", [0, 32], [hard(0), hard(1), hard(2)].concat()),
        ("evil_names", [0, 2], [folder(file(8), 0, 0), folder(file(12), 0, 1), link(1, 3), folder(file(14), 1, 2)].concat()),
        ("missing_chunks", [0, 0], [vec![0, 0, 3, 1, 9, 4, 0, 7, 2, 0, 0, 0], vec![8, 0, 1, 2], vec![0, 18, 1, 1, 1, 5, 1, 0, 0]].concat()),
        ("sources", [1, 2], [file(0), vec![10, 0, 1, 0, 1, 3, 0], file(1), vec![10, 0, 0, 2, 3, 0]].concat()),
        (
            "pages_again",
            [0, 0],
            [folder(file(0), 6, 0), vec![7, 0, 1, 0, 0], vec![7, 77, 2, 0, 0], vec![9, 3, 0, 0, 0, 7, 2, 3, 0, 0]].concat(),
        ),
        (
            "metadata",
            [0, 32],
            vec![0, 0, 1, 2, 0, 31, 255, 15, 0, 0, 0, 0, 0, 0, 4, 4, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 65, 0],
        ),
    ] {
        seeds.push(("restore_plan", name, [&head[..], &steps].concat()));
    }
    let snapshot =
        |how: u8, day: u8, counter: u8| [&[how, day, 0, day, 0, counter][..], if how & 8 == 8 { &[0] } else { &[] }, &[40]].concat();
    let days: Vec<u8> = (0..20).flat_map(|day| snapshot([0, 1, 13, 17, 97][usize::from(day) % 5], day * 3, day)).collect();
    for (name, text, rules) in [
        ("days", "\n7d\n2026-11-22 18:00\n", [2, 5, 7, 3].to_vec()),
        ("within", "30d\n36h\n2026-11-22T18:00:00+01:00\n", vec![0, 0]),
        ("calendar", "1 year 2 months\noff\n\n", vec![1, 2, 123, 1, 2, 3, 4, 5]),
        ("tags", "\nnever\n\n", vec![2, 64]),
        ("backwards", "-3d\n90min\n1969-12-31T23:59:59.25Z\n", vec![2, 1, 3]),
        ("clock_behind", "P1M\n61s\n2001-01-01\n", vec![2, 1, 3]),
    ] {
        seeds.push(("keep_policy", name, [text.as_bytes(), &rules, &days].concat()));
    }
    seeds
}

fn extensions() -> Extensions {
    let mut extensions = Extensions::none();
    extensions.set(3, b"three".to_vec());
    extensions.set(900, vec![]);
    extensions
}

fn header(extensions: Extensions, wrapped_key: Vec<u8>) -> Vec<u8> {
    let header = ObjectHeader {
        kind: ObjectKind::Index,
        algorithm: Algorithm::Aes256Gcm,
        key_epoch: 0,
        repository: RepositoryId([1; 16]),
        run: RUN,
        salt: [3; 32],
        commitment: [4; 32],
        wrapped_key,
        extensions,
    };
    header.encode()
}

fn key_slot(credential: Credential) -> Vec<u8> {
    let (description, _) = Description::new(Algorithm::Aes256Gcm).expect("the system has random numbers");
    let bundle = SecretBundle { dedup: Secret([1; 32]), ..SecretBundle::public() };
    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
    KeySlot::wrap(&bundle, &description, &credential, "home", cost, TIME).expect("the credential is sound").encode()
}

fn record(record_type: u16, payload: &[u8]) -> Vec<u8> {
    let payload = payload.to_vec();
    Record { record_type, counter: 4, run: RUN, client: CLIENT, time: TIME, payload, extensions: extensions() }.encode()
}

fn frame(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let codec = codec::compress(plain, 3, &mut packed);
    [&codec.to_le_bytes()[..], &(plain.len() as u32).to_le_bytes(), &packed].concat()
}

/// A finished pack of two frames without encryption, and its bytes.
fn pack(kind: PackKind) -> (FinishedPack, Vec<u8>) {
    let storage = MemoryStorage::default();
    let upload = storage.create("packs").expect("memory takes an upload");
    let mut writer = PackWriter::create(&keys(Algorithm::None), kind, RUN, upload).expect("memory takes a pack");
    for plain in [b"all work and no play ".repeat(20), b"short".to_vec()] {
        let (seal, mut sealed) = (writer.seal(), Vec::new());
        let number = seal.draw_number();
        let codec = seal.seal(number, &plain, 3, &mut sealed);
        let chunks = vec![ChunkEntry { id: ChunkId([number as u8; 32]), bytes: plain.len() as u32 }];
        writer.append(number, &sealed, codec, chunks).expect("memory takes a frame");
    }
    let finished = writer.finish(&|_| "packs/00/pack".to_owned()).expect("memory takes a pack");
    let bytes = storage.read("packs/00/pack", finished.bytes).expect("it was written just now");
    (finished, bytes)
}

fn indexed_pack(first: u8) -> IndexedPack {
    let pack = pack(PackKind::Data).0;
    let (bytes, data_begin, data_end, frames) = (pack.bytes, pack.data_begin, pack.data_end, pack.frames);
    IndexedPack { id: PackId([first; 32]), kind: PackKind::Data, bytes, data_begin, data_end, frames }
}

fn items() -> Vec<Item> {
    vec![Item::Chunk(ChunkId([1; 32]), 65536), Item::Hole(4096), Item::Chunk(ChunkId([2; 32]), 7)]
}

fn node(name: &str, content: Content) -> Node {
    let metadata = Metadata {
        mode: 0o644,
        uid: 1000,
        gid: 100,
        user: "anna".to_owned(),
        group: "users".to_owned(),
        mtime: TIME,
        ctime: TIME,
        birth: Some(Timestamp::new(-1, 999_999_999)),
        inode: 12,
        links: 1,
        inode_flags: 0,
        xattrs: vec![Xattr { name: b"user.a".to_vec(), value: b"b".to_vec() }],
    };
    Node { name: name.into(), metadata, content, flags: 0, extensions: Extensions::none() }
}

/// A node with nothing special about it.
pub fn plain_node(name: &[u8], content: Content) -> Node {
    let metadata = Metadata { mode: 0o755, links: 1, mtime: TIME, ..Metadata::default() };
    Node { name: name.to_vec(), metadata, content, flags: 0, extensions: Extensions::none() }
}

fn nodes() -> Vec<Node> {
    vec![
        node("block", Content::BlockDevice(8, 1)),
        node("char", Content::CharDevice(1, 3)),
        node("fifo", Content::Fifo),
        node("file", Content::File(69_639, ContentList { depth: 0, items: items() })),
        node("folder", Content::Directory(TreeRef { id: ChunkId([5; 32]), depth: 0, entries: 2 })),
        node("link", Content::Symlink(b"../target".to_vec())),
    ]
}

fn page_refs() -> Vec<PageRef> {
    let page = |name: &str, entries| PageRef { last_name: name.into(), id: ChunkId([6; 32]), entries };
    vec![page("f", 200), page("z", 31)]
}

/// A manifest of one source.
pub fn manifest() -> Manifest {
    let entry = |path: &str, node: Node| RootEntry { path: path.into(), node };
    Manifest {
        run: RUN,
        client: CLIENT,
        counter: 9,
        previous: Some(SnapshotId([7; 32])),
        kind: Kind::Differential,
        base: Some(SnapshotId([8; 32])),
        series: "home".to_owned(),
        host: "desk".to_owned(),
        user: "anna".to_owned(),
        time: TIME,
        started_at: TIME,
        committed_at: TIME,
        clocks: vec![],
        paths: vec![serde_bytes::ByteBuf::from(*b"/home/anna")],
        options: SnapshotOptions { excludes: vec!["*.tmp".to_owned()], stat_trust: Some(StatTrust::NoInode), ..Default::default() },
        tags: vec!["evening".to_owned()],
        program: "repo 0.1.0".to_owned(),
        root: RootId([9; 32]),
        entries: vec![
            entry("/home", node("home", Content::Ancestor)),
            entry("/home/anna", node("anna", Content::Directory(TreeRef { id: ChunkId([5; 32]), depth: 0, entries: 2 }))),
        ],
        counts: Counts { files_new: 1, bytes_total: 2, ..Default::default() },
        extensions: extensions(),
    }
}
