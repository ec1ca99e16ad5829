//! Examples of sections 8 and 9: records, manifests, nodes, pages, content lists.

use strongroom::chunker::{ClassTable, Cut, Method};
use strongroom::id::SnapshotId;
use strongroom::manifest::{
    ClassSettings, Content, ContentList, Counts, FileSystemClock, Item, Kind, ListPage, Manifest, Metadata, Node, Page, PageRef, REMOVED,
    Record, Removed, RootEntry, SETTING, SETTINGS, Settings, SnapshotOptions, StatTrust, TreeRef, Xattr,
};
use strongroom::repository::Protection;
use strongroom::units::Timestamp;
use strongroom::wire::{self, Extensions};

use super::block::{Block, Fields};
use super::inputs;
use super::objects::chunk;

pub fn blocks() -> Vec<Block> {
    vec![setting_record(), removed_record(), settings_record(), manifest(), node(), leaf_page(), inner_page(), content_list(), list_page()]
}

/// The labels of a record up to its payload.
fn head(record_type: &'static str) -> Vec<(&'static str, usize)> {
    vec![(record_type, 2), ("counter", 8), ("run", 16), ("client", 16), ("time: seconds", 8), ("nanoseconds", 4), ("payload: length", 8)]
}

fn record(record_type: u16, payload: Vec<u8>) -> Vec<u8> {
    let record = Record {
        record_type,
        counter: 7,
        run: inputs::run(),
        client: inputs::client(),
        time: inputs::time(1_700_000_000),
        payload,
        extensions: Extensions::none(),
    };
    let bytes = record.encode();
    assert_eq!(Record::decode(&bytes).unwrap(), record);
    bytes
}

fn setting_record() -> Block {
    let bytes = record(SETTING, Protection::setting(604_800));
    let mut labels = head("record_type: setting");
    labels.extend([("name: length", 8), ("protect", 7), ("value: length", 8), ("604800", 6), ("extensions: none", 8)]);
    Fields::new().split(&bytes, &labels).block("setting-record")
}

fn removed_record() -> Block {
    let removed = Removed { snapshots: vec![SnapshotId([0xe1; 32]), SnapshotId([0xe2; 32])] };
    let bytes = record(REMOVED, wire::encode(&removed));
    let mut labels = head("record_type: removed");
    labels.extend([("how many", 8), ("snapshot", 32), ("snapshot", 32), ("extensions: none", 8)]);
    Fields::new().split(&bytes, &labels).block("removed-record")
}

fn settings_record() -> Block {
    let class = |cut: &Cut| ClassSettings {
        method: u16::from(cut.method == Method::Fixed),
        min_bytes: cut.min_bytes,
        average_bytes: cut.average_bytes,
        max_bytes: cut.max_bytes,
        level: cut.level,
        mask_small: cut.mask_small,
        mask_large: cut.mask_large,
    };
    let settings = Settings {
        repository_json: [0xaa; 32],
        class_table: ClassTable::VERSION,
        classes: ClassTable::current().0.iter().map(class).collect(),
        compression_level: 3,
        pack_bytes: 32 << 20,
        extensions: Extensions::none(),
    };
    let record = Record {
        record_type: SETTINGS,
        counter: 0,
        run: inputs::run(),
        client: inputs::client(),
        time: inputs::time(1_700_000_000),
        payload: wire::encode(&settings),
        extensions: Extensions::none(),
    };
    let bytes = record.encode();
    assert_eq!(Record::decode(&bytes).unwrap(), record);
    let mut labels = vec![
        ("record_type: settings", 2),
        ("counter", 8),
        ("run", 16),
        ("client", 16),
        ("time: seconds", 8),
        ("nanoseconds", 4),
        ("payload: length", 8),
        ("repository_json", 32),
        ("class_table", 2),
        ("how many classes", 8),
    ];
    for name in ["media: method", "database: method", "general: method"] {
        labels.extend([(name, 2), ("min_bytes", 4), ("average_bytes", 4), ("max_bytes", 4), ("level", 2), ("mask_small", 8)]);
        labels.push(("mask_large", 8));
    }
    labels.extend([("compression_level", 4), ("pack_bytes", 8), ("extensions: none", 8), ("extensions of the record: none", 8)]);
    Fields::new().split(&bytes, &labels).block("settings-record")
}

fn directory_metadata() -> Metadata {
    Metadata {
        mode: 0o755,
        mtime: inputs::time(1_600_000_000),
        ctime: inputs::time(1_600_000_001),
        inode: 2,
        links: 2,
        ..Metadata::default()
    }
}

fn file() -> Node {
    Node {
        name: b"a.txt".to_vec(),
        metadata: Metadata {
            mode: 0o640,
            uid: 1000,
            gid: 100,
            user: "eva".to_owned(),
            group: "users".to_owned(),
            mtime: Timestamp::new(1_600_000_000, 5),
            ctime: Timestamp::new(1_600_000_001, 6),
            birth: Some(Timestamp::new(-1, 999_999_999)),
            inode: 77,
            links: 1,
            inode_flags: 0,
            xattrs: vec![Xattr { name: b"user.x".to_vec(), value: b"1".to_vec() }],
        },
        content: Content::File(5, ContentList { depth: 0, items: vec![Item::Chunk(inputs::hello(), 5)] }),
        flags: 0,
        extensions: Extensions::none(),
    }
}

/// The fields of metadata without names and attributes.
const METADATA: [(&str, usize); 14] = [
    ("mode", 4),
    ("uid", 4),
    ("gid", 4),
    ("user", 8),
    ("group", 8),
    ("mtime: seconds", 8),
    ("nanoseconds", 4),
    ("ctime: seconds", 8),
    ("nanoseconds", 4),
    ("birth: none", 1),
    ("inode", 8),
    ("links", 4),
    ("inode_flags", 4),
    ("xattrs: none", 8),
];

fn node() -> Block {
    let node = file();
    node.check().unwrap();
    let labels = [
        ("name", 13),
        ("mode", 4),
        ("uid", 4),
        ("gid", 4),
        ("user", 11),
        ("group", 13),
        ("mtime: seconds", 8),
        ("nanoseconds", 4),
        ("ctime: seconds", 8),
        ("nanoseconds", 4),
        ("birth: there is one", 1),
        ("seconds: -1", 8),
        ("nanoseconds", 4),
        ("inode", 8),
        ("links", 4),
        ("inode_flags", 4),
        ("how many xattrs", 8),
        ("name", 14),
        ("value", 9),
        ("content: file", 4),
        ("bytes", 8),
        ("depth", 1),
        ("how many items", 8),
        ("chunk", 4),
        ("id", 32),
        ("bytes", 8),
        ("flags", 4),
        ("extensions: none", 8),
    ];
    Fields::new().split(&wire::encode(&node), &labels).block("node")
}

fn leaf_page() -> Block {
    let mut pipe = file();
    pipe.name = b"b".to_vec();
    pipe.metadata = Metadata { links: 1, ..directory_metadata() };
    pipe.content = Content::Fifo;
    let mut link = pipe.clone();
    link.name = b"c".to_vec();
    link.content = Content::Symlink(b"a.txt".to_vec());
    let page = Page::Leaf(vec![pipe, link]);
    page.check(0, 2).unwrap();
    let mut labels = vec![("leaf", 4), ("how many nodes", 8), ("name", 9)];
    labels.extend(METADATA);
    labels.extend([("content: named pipe", 4), ("flags", 4), ("extensions: none", 8), ("name", 9)]);
    labels.extend(METADATA);
    labels.extend([("content: symbolic link", 4), ("target", 13), ("flags", 4), ("extensions: none", 8)]);
    Fields::new().split(&wire::encode(&page), &labels).block("leaf-page")
}

fn inner_page() -> Block {
    let reference = |name: &[u8], byte, entries| PageRef { last_name: name.to_vec(), id: chunk(byte), entries };
    let page = Page::Inner(vec![reference(b"m", 0xa1, 200), reference(b"z", 0xa2, 100)]);
    page.check(1, 300).unwrap();
    let labels = [
        ("inner", 4),
        ("how many references", 8),
        ("last_name", 9),
        ("id", 32),
        ("entries", 8),
        ("last_name", 9),
        ("id", 32),
        ("entries", 8),
    ];
    Fields::new().split(&wire::encode(&page), &labels).block("inner-page")
}

fn content_list() -> Block {
    let list = ContentList { depth: 0, items: vec![Item::Chunk(chunk(0xb1), 65_536), Item::Hole(4096), Item::Chunk(chunk(0xb2), 100)] };
    list.check(69_732).unwrap();
    let labels = [
        ("depth", 1),
        ("how many items", 8),
        ("chunk", 4),
        ("id", 32),
        ("bytes", 8),
        ("hole", 4),
        ("bytes", 8),
        ("chunk", 4),
        ("id", 32),
        ("bytes", 8),
    ];
    Fields::new().split(&wire::encode(&list), &labels).block("content-list")
}

fn list_page() -> Block {
    let page = ListPage { depth: 1, items: vec![Item::Chunk(chunk(0xc1), 16_777_216)] };
    page.check(1, 16_777_216).unwrap();
    let labels = [("depth", 1), ("how many items", 8), ("chunk item", 4), ("id of a list page of depth 0", 32), ("bytes", 8)];
    Fields::new().split(&wire::encode(&page), &labels).block("list-page")
}

fn manifest() -> Block {
    let entry = |path: &[u8], content| RootEntry {
        path: path.to_vec(),
        node: Node {
            name: path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec(),
            metadata: directory_metadata(),
            content,
            flags: 0,
            extensions: Extensions::none(),
        },
    };
    let tree = TreeRef { id: chunk(0xd1), depth: 0, entries: 3 };
    let entries = vec![entry(b"/srv", Content::Ancestor), entry(b"/srv/data", Content::Directory(tree))];
    let counts = Counts { files_new: 1, directories: 1, others: 2, bytes_total: 5, bytes_read: 5, ..Counts::default() };
    let manifest = Manifest {
        run: inputs::run(),
        client: inputs::client(),
        counter: 2,
        previous: Some(SnapshotId([0xe1; 32])),
        kind: Kind::Incremental,
        base: Some(SnapshotId([0xe1; 32])),
        series: "s".to_owned(),
        host: "h".to_owned(),
        user: "u".to_owned(),
        time: inputs::time(1_700_000_002),
        started_at: inputs::time(1_700_000_000),
        committed_at: inputs::time(1_700_000_002),
        clocks: vec![FileSystemClock { file_system: 9, newest: inputs::time(1_600_000_001) }],
        paths: vec![serde_bytes::ByteBuf::from("/srv/data")],
        options: SnapshotOptions { excludes: vec!["*.o".to_owned()], stat_trust: Some(StatTrust::Mtime), ..SnapshotOptions::default() },
        tags: vec!["t".to_owned()],
        program: "p".to_owned(),
        root: inputs::identify().root(&wire::encode(&entries)),
        entries,
        counts,
        extensions: Extensions::none(),
    };
    let bytes = manifest.encode();
    assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
    let time = |label| [(label, 8), ("nanoseconds", 4)];
    let mut labels = vec![("run", 16), ("client", 16), ("counter", 8), ("previous: there is one", 1), ("its id", 32)];
    labels.extend([("kind: incremental", 4), ("base: there is one", 1), ("its id", 32), ("series", 9), ("host", 9), ("user", 9)]);
    labels.extend([time("time: seconds"), time("started_at: seconds"), time("committed_at: seconds")].concat());
    labels.extend([("how many clocks", 8), ("file_system", 8)]);
    labels.extend(time("newest: seconds"));
    labels.extend([("how many paths", 8), ("path", 17), ("how many excludes", 8), ("exclude", 11), ("exclude_caches", 1)]);
    labels.extend([("one_file_system", 1), ("stat_trust: there is one", 1), ("mtime", 4), ("stream: none", 1), ("command: none", 8)]);
    labels.extend([("how many tags", 8), ("tag", 9), ("program", 9), ("root", 32), ("how many entries", 8), ("path", 12), ("name", 11)]);
    labels.extend(METADATA);
    labels.extend([("content: ancestor", 4), ("flags", 4), ("extensions: none", 8), ("path", 17), ("name", 12)]);
    labels.extend(METADATA);
    labels.extend([
        ("content: directory", 4),
        ("id of its root page", 32),
        ("depth", 1),
        ("entries", 8),
        ("flags", 4),
        ("extensions: none", 8),
    ]);
    labels.extend(["files_new", "files_changed", "files_unchanged", "directories", "others", "bytes_total"].map(|name| (name, 8)));
    labels.extend(["bytes_read", "bytes_new", "bytes_stored", "chunks_new", "problems", "extensions: none"].map(|name| (name, 8)));
    Fields::new().split(&bytes, &labels).block("manifest")
}
