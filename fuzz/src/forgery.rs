//! A snapshot that nobody took: its nodes, pages and sources are what the input says, sealed as the
//! library seals them. Whoever has the key of a repository, or one without encryption, can make this.

use strongroom::chunker::Class;
use strongroom::id::{ChunkId, RunId};
use strongroom::manifest::{Content, ContentList, Item, ListPage, Manifest, Metadata, Node, Page, PageRef, RootEntry, TreeRef, Xattr};
use strongroom::repository::{FrameGatherer, OpenOptions, Repository, Sink};
use strongroom::units::Timestamp;
use strongroom::wire::{self, Extensions};

use crate::choices::Choices;
use crate::examples;

/// So many steps of an input are taken.
const STEPS_MAX: usize = 400;
/// The content of the only chunk of file data.
const DATA: &[u8] = b"12345";
/// Names that mean something to a file system or to a restore, and some that mean nothing.
const NAMES: [&[u8]; 16] = [
    b"a",
    b"b",
    b"c",
    b"link",
    b"inner",
    b"a.damaged",
    b"A",
    b"\xff\n",
    b"..",
    b".",
    b"",
    b"a/b",
    b"../outside/evil",
    b"/evil",
    b"a\0b",
    b".repo-restore-00000000000000000000000000000000",
];
const ATTRIBUTES: [&[u8]; 5] = [b"user.a", b"security.capability", b"system.posix_acl_access", b"trusted.a", b""];

/// A repository in memory and a snapshot in it that `Manifest::decode` has accepted.
pub struct Forgery {
    /// The repository.
    pub repository: Repository,
    /// The snapshot.
    pub manifest: Manifest,
}

/// Forges what `choices` say; links may lead to `outside`. None when the manifest alone is refused.
pub fn forge(choices: &mut Choices<'_>, outside: &[u8]) -> Option<Forgery> {
    let options = OpenOptions { allow_unencrypted: true, ..OpenOptions::default() };
    let repository = Repository::open(examples::repository(), options).expect("it was made just now");
    let sink = Sink::open(repository.chunks(), repository.facts(), RunId([3; 16])).expect("memory takes packs");
    let mut forge =
        Forge { choices, outside, sink: &sink, ids: Vec::new(), trees: Vec::new(), levels: vec![Vec::new()], sources: Vec::new() };
    let mut gatherer = FrameGatherer::default();
    forge.ids.push(sink.store_data(&mut gatherer, Class::General, DATA).expect("memory takes a chunk"));
    sink.flush(&mut gatherer).expect("memory takes a frame");
    for _ in 0..STEPS_MAX {
        if forge.choices.is_over() {
            break;
        }
        forge.step();
    }
    let mut sources = forge.finish();
    sink.commit().expect("memory takes a pack");
    drop(sink);
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    let mut manifest = examples::manifest();
    manifest.entries = sources;
    let manifest = Manifest::decode(&manifest.encode()).ok()?;
    Some(Forgery { repository, manifest })
}

struct Forge<'f, 'i> {
    choices: &'f mut Choices<'i>,
    outside: &'f [u8],
    sink: &'f Sink,
    /// Everything that was stored, the data first.
    ids: Vec<ChunkId>,
    trees: Vec<TreeRef>,
    /// The folders that are open, with what is in each.
    levels: Vec<Vec<Node>>,
    sources: Vec<RootEntry>,
}

impl Forge<'_, '_> {
    fn step(&mut self) {
        match self.choices.byte() % 11 {
            0 | 1 => {
                let content = self.file();
                self.add(content);
            }
            2 => {
                let target = self.target();
                self.add(Content::Symlink(target));
            }
            3 => self.add(Content::Fifo),
            // Numbers of no device that anything would happen to.
            4 => {
                let minor = self.choices.length() as u32;
                self.add(if minor & 1 == 1 { Content::CharDevice(240, minor) } else { Content::BlockDevice(240, minor) });
            }
            5 => self.levels.push(Vec::new()),
            6 => {
                let tree = self.close();
                self.add(Content::Directory(tree));
            }
            7 => {
                let tree = self.any_tree();
                self.add(Content::Directory(tree));
            }
            8 => {
                let (depth, items) = (self.choices.byte(), self.items());
                self.store(&wire::encode(&ListPage { depth, items }));
            }
            9 => {
                let length = self.choices.length() as usize;
                let page = self.choices.take(length);
                let id = self.store(page);
                self.trees.push(TreeRef { id, depth: 0, entries: 1 });
            }
            _ => {
                let tree = self.close();
                self.add_source(tree);
            }
        }
    }

    /// Closes all folders that are open; what is left in the last is a source.
    fn finish(mut self) -> Vec<RootEntry> {
        while self.levels.len() > 1 {
            let tree = self.close();
            self.add(Content::Directory(tree));
        }
        let tree = self.close();
        let source = |path: &[u8], name: &[u8], content| RootEntry { path: path.to_vec(), node: examples::plain_node(name, content) };
        self.sources.push(source(b"/srv", b"srv", Content::Ancestor));
        self.sources.push(source(b"/srv/data", b"data", Content::Directory(tree)));
        self.sources
    }

    fn add(&mut self, content: Content) {
        let (name, metadata) = (self.name(), self.metadata(matches!(content, Content::Directory(_))));
        let node = Node { name, metadata, content, flags: u32::from(self.choices.byte() & 3), extensions: Extensions::none() };
        if let Some(level) = self.levels.last_mut() {
            level.push(node);
        }
    }

    fn add_source(&mut self, tree: TreeRef) {
        let mut path = Vec::new();
        for _ in 0..=self.choices.byte() % 3 {
            path.push(b'/');
            path.extend(self.name());
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        let content = match self.choices.byte() % 4 {
            0 => Content::Ancestor,
            1 => self.file(),
            2 => Content::Symlink(self.target()),
            _ => Content::Directory(tree),
        };
        let mut node = examples::plain_node(&name, content);
        node.metadata = self.metadata(node.is_directory());
        self.sources.push(RootEntry { path, node });
    }

    /// Stores the innermost folder as a page, and now and then a page above it.
    fn close(&mut self) -> TreeRef {
        let mut nodes = self.levels.pop().unwrap_or_default();
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        let how = self.choices.byte();
        if how & 1 == 0 {
            nodes.sort_by(|left, right| left.name.cmp(&right.name));
            nodes.dedup_by(|left, right| left.name == right.name);
        }
        let last_name = nodes.last().map(|node| node.name.clone()).unwrap_or_default();
        let mut entries = nodes.len() as u64;
        let mut depth = 0;
        let mut id = self.store(&wire::encode(&Page::Leaf(nodes)));
        if how & 2 == 2 {
            let mut pages = vec![PageRef { last_name, id, entries }];
            if how & 4 == 4 {
                let other = self.any_tree();
                pages.push(PageRef { last_name: self.name(), id: other.id, entries: other.entries });
                entries = entries.wrapping_add(other.entries);
            }
            id = self.store(&wire::encode(&Page::Inner(pages)));
            depth = 1;
        }
        if how & 8 == 8 {
            (depth, entries) = (self.choices.byte(), self.choices.length());
        }
        let tree = TreeRef { id, depth, entries };
        self.trees.push(tree);
        tree
    }

    fn any_tree(&mut self) -> TreeRef {
        let at = usize::from(self.choices.byte());
        let nowhere = TreeRef { id: ChunkId([at as u8; 32]), depth: 0, entries: 2 };
        self.trees.get(at).copied().unwrap_or(nowhere)
    }

    fn store(&mut self, plain: &[u8]) -> ChunkId {
        let id = self.sink.store_meta(plain).expect("memory takes a page");
        self.ids.push(id);
        id
    }

    fn file(&mut self) -> Content {
        let (how, items) = (self.choices.byte(), self.items());
        let bytes = items.iter().fold(0, |sum: u64, item| sum.wrapping_add(item.bytes()));
        let bytes = if how & 1 == 1 { self.choices.length() } else { bytes };
        Content::File(bytes, ContentList { depth: if how & 2 == 2 { how >> 4 } else { 0 }, items })
    }

    fn items(&mut self) -> Vec<Item> {
        let count = self.choices.byte() % 8;
        (0..count).map(|_| self.item()).collect()
    }

    fn item(&mut self) -> Item {
        match self.choices.byte() % 4 {
            0 => Item::Hole(self.choices.length()),
            1 => {
                let at = usize::from(self.choices.byte());
                let id = self.ids.get(at).copied().unwrap_or(ChunkId([at as u8; 32]));
                Item::Chunk(id, self.choices.length())
            }
            _ => Item::Chunk(self.ids[0], DATA.len() as u64),
        }
    }

    fn name(&mut self) -> Vec<u8> {
        match self.choices.byte() {
            255 => vec![b'x'; 255],
            254 => vec![b'x'; 256],
            n => NAMES.get(usize::from(n)).map_or_else(|| self.choices.take(usize::from(n % 16)).to_vec(), |name| name.to_vec()),
        }
    }

    fn target(&mut self) -> Vec<u8> {
        match self.choices.byte() % 4 {
            0 => self.outside.to_vec(),
            1 => b"../outside".to_vec(),
            2 => [self.outside, b"/witness"].concat(),
            _ => self.name(),
        }
    }

    fn metadata(&mut self, is_directory: bool) -> Metadata {
        let how = self.choices.byte();
        let mut metadata = examples::plain_node(b"", Content::Fifo).metadata;
        if how & 1 == 1 {
            metadata.mode = self.choices.number() as u32 & 0xffff;
        }
        if is_directory {
            // What a test cannot remove afterwards would stay for ever.
            metadata.mode |= 0o700;
        }
        if how & 2 == 2 {
            (metadata.uid, metadata.gid) = (self.choices.length() as u32, self.choices.length() as u32);
        }
        if how & 4 == 4 {
            (metadata.links, metadata.inode) = (self.choices.length() as u32, u64::from(self.choices.byte() % 4));
        }
        if how & 8 == 8 {
            metadata.mtime = Timestamp::new(self.choices.number() as i64, self.choices.number() as u32);
        }
        if how & 16 == 16 {
            let name = ATTRIBUTES[usize::from(self.choices.byte()) % ATTRIBUTES.len()].to_vec();
            let length = usize::from(self.choices.byte());
            metadata.xattrs = vec![Xattr { name, value: self.choices.take(length).to_vec() }];
        }
        if how & 32 == 32 {
            metadata.inode_flags = self.choices.number() as u32;
        }
        metadata
    }
}
