//! What one core does with each stage of a run: cut, hash, compress, seal, look up, encode. The
//! numbers of a machine are in `docs/performance.md`; `cargo bench` measures them again.

use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use strongroom::chunker::{Class, ClassTable, Cutter, GearTable};
use strongroom::codec;
use strongroom::crypto::{Algorithm, Associated, Identify, ObjectKey, Purpose, Secret};
use strongroom::error::Result;
use strongroom::id::{ChunkId, PackId, RepositoryId, RunId, SegmentId, SnapshotId};
use strongroom::index::{Index, IndexSegment, IndexedPack};
use strongroom::manifest::{Content, ContentList, Item, Kind, Metadata, Node, Page, PageStore, TreeWriter};
use strongroom::pack::{ChunkEntry, FrameEntry, PackKind, PackWriter};
use strongroom::repository::SecretBundle;
use strongroom::retention::{Candidate, KeepPolicy, decide};
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::units::Timestamp;
use strongroom::wire::{self, Extensions};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Bytes that do not compress, the same at every run.
fn noise(bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut out);
    out
}

/// Text of words in no order: about a third is left of it by zstd.
fn text(bytes: usize) -> Vec<u8> {
    const WORDS: [&[u8]; 16] = [
        b"invoice ",
        b"customer ",
        b"page ",
        b"total ",
        b"paid ",
        b"open ",
        b"date ",
        b"street ",
        b"name ",
        b"sum ",
        b"tax ",
        b"item ",
        b"number ",
        b"of ",
        b"the ",
        b"\n",
    ];
    noise(bytes / 2).iter().flat_map(|byte| WORDS[usize::from(byte & 15)]).copied().take(bytes).collect()
}

fn chunker(criterion: &mut Criterion) {
    let gear = GearTable::new(&Identify::new(&Secret([1; 32])).gear_table());
    let cutter = Cutter::new(ClassTable::current(), gear);
    let data = noise(16 * MIB);
    let mut group = criterion.benchmark_group("chunker");
    group.throughput(Throughput::Bytes(data.len() as u64));
    for class in Class::ALL {
        group.bench_function(format!("{class:?}").to_lowercase(), |bencher| {
            bencher.iter(|| {
                let (mut rest, mut chunks) = (&data[..], 0);
                while !rest.is_empty() {
                    rest = &rest[cutter.next_bytes(class, rest)..];
                    chunks += 1;
                }
                chunks
            })
        });
    }
    group.finish();
}

fn keyed_hash(criterion: &mut Criterion) {
    let identify = Identify::new(&Secret([1; 32]));
    let data = noise(MIB);
    let mut group = criterion.benchmark_group("keyed hash");
    for bytes in [KIB, 16 * KIB, 64 * KIB, MIB] {
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_with_input(BenchmarkId::from_parameter(bytes), &data[..bytes], |bencher, plain| {
            bencher.iter(|| identify.data_chunk(black_box(plain)))
        });
    }
    group.finish();
}

fn compress(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compress");
    group.throughput(Throughput::Bytes(MIB as u64));
    for (name, plain) in [("text", text(MIB)), ("noise, which the probe passes over", noise(MIB))] {
        let mut out = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                codec::compress(black_box(&plain), 3, &mut out)
            })
        });
    }
    let (plain, mut packed) = (text(MIB), Vec::new());
    let codec = codec::compress(&plain, 3, &mut packed);
    group.bench_function("text, unpacked", |bencher| {
        bencher.iter(|| codec::decompress(codec, black_box(&packed), MIB).map(|plain| plain.len()))
    });
    group.finish();
}

fn seal(criterion: &mut Criterion) {
    let plain = noise(MIB);
    let associated = Associated { header_hash: [3; 32], purpose: Purpose::Frame, number: 0, codec: 0, plain_bytes: MIB as u64 };
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes(MIB as u64));
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305] {
        let key = ObjectKey::derive(algorithm, &Secret([1; 32]), Purpose::Frame, 1, &[2; 16], &[9; 32]);
        let begin = algorithm.nonce_bytes();
        let mut buffer = vec![0; begin + MIB + algorithm.tag_bytes()];
        group.bench_function(algorithm.name(), |bencher| {
            bencher.iter(|| {
                buffer.truncate(begin + MIB);
                buffer[begin..].copy_from_slice(&plain);
                key.seal(&associated, &mut buffer);
            })
        });
    }
    group.finish();
}

fn chunk(number: u64) -> ChunkId {
    ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// Packs of 256 frames with 16 chunks each, as a run over small chunks leaves them.
fn segment(chunks: Range<u64>) -> IndexSegment {
    const FRAME_CHUNKS: u64 = 16;
    const PACK_CHUNKS: u64 = 256 * FRAME_CHUNKS;
    let pack = |first: u64| {
        let frames = (first..chunks.end.min(first + PACK_CHUNKS)).step_by(FRAME_CHUNKS as usize).enumerate().map(|(number, first)| {
            let entries = (first..chunks.end.min(first + FRAME_CHUNKS)).map(|number| ChunkEntry { id: chunk(number), bytes: 4096 });
            let entries: Vec<ChunkEntry> = entries.collect();
            let plain_bytes = entries.len() as u32 * 4096;
            FrameEntry { offset: 130 + number as u64 * 65536, sealed_bytes: 65536, plain_bytes, codec: 1, chunks: entries }
        });
        let (data_end, frames) = (130 + 256 * 65536, frames.collect());
        let id = PackId(*blake3::hash(&first.to_be_bytes()).as_bytes());
        IndexedPack { id, kind: PackKind::Data, bytes: data_end + 32, data_begin: 130, data_end, frames }
    };
    IndexSegment::new(chunks.clone().step_by(PACK_CHUNKS as usize).map(pack).collect())
}

/// An index of so many chunks in segments of a million, with the packs that it names.
fn open_index(folder: &Path, chunks: u64) -> (Index, HashMap<PackId, u64>) {
    const SEGMENT_CHUNKS: u64 = 1_000_000;
    let segment_id = |number: u64| SegmentId(*blake3::hash(&number.to_le_bytes()).as_bytes());
    let ids: Vec<SegmentId> = (0..chunks / SEGMENT_CHUNKS).map(segment_id).collect();
    let packs = Mutex::new(HashMap::new());
    let load = |id: SegmentId| {
        let number = (0..).find(|number| segment_id(*number) == id).expect("it is one of those above");
        let segment = segment(number * SEGMENT_CHUNKS..(number + 1) * SEGMENT_CHUNKS);
        packs.lock().expect("nobody panics with it").extend(segment.packs.iter().map(|pack| (pack.id, pack.bytes)));
        Ok(segment)
    };
    let index = Index::open(Some(folder), &ids, &load).expect("the segments are sound");
    (index, packs.into_inner().expect("nobody panics with it"))
}

fn index(criterion: &mut Criterion) {
    for millions in [1, 20] {
        let chunks = millions * 1_000_000;
        let folder = tempfile::tempdir().expect("a folder for tables");
        let (index, packs) = open_index(folder.path(), chunks);
        let presence = index.presence(&packs);
        assert_eq!((index.chunk_count(), presence.missing_packs().len()), (chunks, 0));
        let pairs = (0..65_536).map(|n| (chunk(n * 241_001 % chunks), chunk(chunks + n)));
        let (known, unknown): (Vec<ChunkId>, Vec<ChunkId>) = pairs.unzip();
        let mut group = criterion.benchmark_group(format!("index, {millions} million chunks"));
        group.throughput(Throughput::Elements(1));
        for (name, ids, is_known) in [("hit", &known, true), ("miss", &unknown, false)] {
            let mut at = 0;
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    at = (at + 1) % ids.len();
                    assert_eq!(index.is_known(&ids[at], &presence), is_known);
                })
            });
        }
        group.finish();
    }
}

/// Frames of 2 MiB of text to a finished pack: compress, seal, append, hash, directory.
fn frame_assembly(criterion: &mut Criterion) {
    const FRAMES: usize = 8;
    const CHUNKS: usize = 32;
    let plain = text(2 * MIB);
    let chunks = || (0..CHUNKS as u64).map(|n| ChunkEntry { id: chunk(n), bytes: (2 * MIB / CHUNKS) as u32 }).collect::<Vec<_>>();
    let keys = SecretBundle::public().key_ring(Algorithm::Aes256Gcm, RepositoryId([2; 16]));
    let storage = MemoryStorage::new();
    let mut group = criterion.benchmark_group("frame assembly");
    group.throughput(Throughput::Bytes((FRAMES * 2 * MIB) as u64)).sample_size(20);
    group.bench_function("text", |bencher| {
        let mut sealed = Vec::new();
        bencher.iter(|| {
            let upload = storage.create("packs").expect("memory");
            let mut writer = PackWriter::create(&keys, PackKind::Data, RunId([1; 16]), upload).expect("memory");
            let seal = writer.seal();
            for _ in 0..FRAMES {
                let number = seal.draw_number();
                let codec = seal.seal(number, black_box(&plain), 3, &mut sealed);
                writer.append(number, &sealed, codec, chunks()).expect("memory");
            }
            assert!(writer.is_complete());
        })
    });
    group.finish();
}

/// The rules over a snapshot an hour of ten thousand hours.
fn retention(criterion: &mut Criterion) {
    const SNAPSHOTS: u64 = 10_000;
    let candidate = |number: u64| {
        let time = Timestamp::new(1_600_000_000 + 3600 * number as i64, 0);
        let (id, series) = (SnapshotId(*blake3::hash(&number.to_le_bytes()).as_bytes()), "home".to_owned());
        let (kind, tags) = (Kind::Incremental, Vec::new());
        Candidate {
            id,
            series,
            machine: None,
            time,
            committed_at: time,
            counter: number,
            kind,
            base: None,
            files: 1,
            sources: Vec::new(),
            tags,
            is_pinned: false,
            is_suspect: false,
        }
    };
    let candidates: Vec<Candidate> = (0..SNAPSHOTS).map(candidate).collect();
    let now = candidates.last().expect("there are some").time;
    let policy = KeepPolicy { daily: 7, weekly: 4, monthly: 12, ..KeepPolicy::default() };
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let mut group = criterion.benchmark_group("retention");
    group.throughput(Throughput::Elements(SNAPSHOTS)).sample_size(20);
    group.bench_function("10,000 snapshots", |bencher| {
        bencher.iter(|| {
            let decisions = decide(&candidates, &policy, 0, now, &zone).expect("the clock is right");
            assert!(decisions.iter().filter(|decision| decision.keep).count() < 30);
        })
    });
    group.finish();
}

/// A place for pages that keeps them, named as a repository names them.
struct Pages(Identify, Vec<Vec<u8>>);

impl PageStore for Pages {
    fn hash_name(&self, name: &[u8]) -> u32 {
        self.0.name_hash(name)
    }

    fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId> {
        self.1.push(encoded.to_vec());
        Ok(self.0.meta_chunk(encoded))
    }
}

fn nodes(count: u64) -> Vec<Node> {
    let node = |number: u64| {
        let time = Timestamp::new(1_700_000_000 + number as i64, 5);
        let metadata = Metadata {
            mode: 0o644,
            uid: 1000,
            gid: 1000,
            user: "anna".to_owned(),
            group: "users".to_owned(),
            mtime: time,
            ctime: time,
            birth: Some(time),
            inode: number,
            links: 1,
            ..Metadata::default()
        };
        let list = ContentList { depth: 0, items: vec![Item::Chunk(chunk(number), 5000)] };
        let name = format!("scan-{number:08}.jpg").into_bytes();
        Node { name, metadata, content: Content::File(5000, list), flags: 0, extensions: Extensions::none() }
    };
    (0..count).map(node).collect()
}

fn write_tree(nodes: Vec<Node>) -> Vec<Vec<u8>> {
    let (mut pages, mut writer) = (Pages(Identify::new(&Secret([1; 32])), Vec::new()), TreeWriter::default());
    for node in nodes {
        writer.push(node, &mut pages).expect("memory takes a page");
    }
    writer.finish(&mut pages).expect("memory takes a page");
    pages.1
}

fn tree(criterion: &mut Criterion) {
    const ENTRIES: u64 = 10_000;
    let nodes = nodes(ENTRIES);
    let mut group = criterion.benchmark_group("tree of 10,000 files");
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("encode", |bencher| bencher.iter_batched(|| nodes.clone(), write_tree, BatchSize::LargeInput));
    let pages = write_tree(nodes.clone());
    group.bench_function("decode and check", |bencher| {
        bencher.iter(|| {
            let mut entries = 0;
            for bytes in &pages {
                let page: Page = wire::decode(bytes, "a page").expect("it was encoded just now");
                if let Page::Leaf(nodes) = &page {
                    page.check(0, nodes.len() as u64).expect("it was encoded just now");
                    entries += nodes.len() as u64;
                }
            }
            assert_eq!(entries, ENTRIES);
        })
    });
    group.finish();
}

criterion_group!(benches, chunker, keyed_hash, compress, seal, frame_assembly, index, tree, retention);
criterion_main!(benches);
