//! What one core does with each stage of a run: cut, hash, compress, seal, look up, encode. The
//! numbers of a machine are in `docs/performance.md`; `cargo bench` measures them again.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use strongroom::chunker::{Class, ClassTable, Cutter, GearTable};
use strongroom::codec;
use strongroom::crypto::{Algorithm, Associated, Identify, ObjectKey, Purpose, Secret};
use strongroom::error::Result;
use strongroom::id::{ChunkId, PackId, SegmentId};
use strongroom::index::{Index, IndexSegment, IndexedPack};
use strongroom::manifest::{Content, ContentList, Item, Metadata, Node, Page, PageStore, TreeWriter};
use strongroom::pack::{ChunkEntry, FrameEntry, PackKind};
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
fn segment(chunks: u64) -> IndexSegment {
    const FRAME_CHUNKS: u64 = 16;
    const PACK_CHUNKS: u64 = 256 * FRAME_CHUNKS;
    let pack = |first: u64| {
        let frames = (first..chunks.min(first + PACK_CHUNKS)).step_by(FRAME_CHUNKS as usize).enumerate().map(|(number, first)| {
            let entries = (first..chunks.min(first + FRAME_CHUNKS)).map(|number| ChunkEntry { id: chunk(number), bytes: 4096 });
            let entries: Vec<ChunkEntry> = entries.collect();
            let plain_bytes = entries.len() as u32 * 4096;
            FrameEntry { offset: 130 + number as u64 * 65536, sealed_bytes: 65536, plain_bytes, codec: 1, chunks: entries }
        });
        let (data_end, frames) = (130 + 256 * 65536, frames.collect());
        let id = PackId(*blake3::hash(&first.to_be_bytes()).as_bytes());
        IndexedPack { id, kind: PackKind::Data, bytes: data_end + 32, data_begin: 130, data_end, frames }
    };
    IndexSegment::new((0..chunks).step_by(PACK_CHUNKS as usize).map(pack).collect())
}

fn index(criterion: &mut Criterion) {
    const CHUNKS: u64 = 1_000_000;
    let segment = segment(CHUNKS);
    let packs: HashMap<PackId, u64> = segment.packs.iter().map(|pack| (pack.id, pack.bytes)).collect();
    let folder = tempfile::tempdir().expect("a folder for tables");
    let index = Index::open(Some(folder.path()), &[SegmentId([1; 32])], &|_| Ok(segment.clone())).expect("the segment is sound");
    let presence = index.presence(&packs);
    assert_eq!((index.chunk_count(), presence.missing_packs().len()), (CHUNKS, 0));
    let (known, unknown): (Vec<ChunkId>, Vec<ChunkId>) = (0..4096).map(|n| (chunk(n * 241 % CHUNKS), chunk(CHUNKS + n))).unzip();
    let mut group = criterion.benchmark_group("index of a million chunks");
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

criterion_group!(benches, chunker, keyed_hash, compress, seal, index, tree);
criterion_main!(benches);
