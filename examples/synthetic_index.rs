//! Adds the index of very many chunks to a repository, without their data: for `benches/scale.py`.
//!
//! What is made is what a run of that size leaves: packs of 32 MiB, listed with their length, with header
//! and sealed directory, and the index segments that name them. The frames are holes in sparse files, so
//! that two terabytes of chunks take the space of their ids. A snapshot of the series `synthetic` needs all
//! of them but one pack: one file for each frame, one folder for each segment. Whoever reads their data finds damage:
//! such a repository is for measuring only. It must have a snapshot already, from which the metadata is taken.
//!
//! Arguments: the repository, its key file, how many chunks, and how many chunks a segment names.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use strongroom::codec;
use strongroom::crypto::{Associated, Purpose, random_bytes};
use strongroom::id::{ChunkId, PackId, RootId, RunId};
use strongroom::index::{IndexSegment, IndexedPack};
use strongroom::manifest::{Content, ContentList, Item, Kind, Manifest, Node, PageStore, RootEntry, TreeWriter};
use strongroom::pack::{ChunkEntry, FOOTER_BYTES, FrameEntry, ObjectKind, PackDirectory, PackKind};
use strongroom::repository::{Credential, OpenOptions, Repository, Sink, SinkPages, pack_name};
use strongroom::storage::LocalStorage;
use strongroom::wire;

const PACK_BYTES: u64 = 32 << 20;
/// What a seal adds to a frame: nonce and tag.
const SEAL_BYTES: u32 = 28;

/// Numbers that look random, the same at every run: BLAKE3 as a stream.
struct Dice(blake3::OutputReader);

impl Dice {
    fn new(run: RunId, pack: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&run.0).update(&pack.to_le_bytes());
        Self(hasher.finalize_xof())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    fn between(&mut self, low: u32, high: u32) -> u32 {
        low + u32::from_le_bytes(self.bytes()) % (high - low)
    }
}

/// Frames of 1 to 2 MiB of chunks of 16 to 64 KiB that do not compress, until `data_end_max` or `chunks_max`.
fn make_frames(dice: &mut Dice, data_begin: u64, chunks_max: u64) -> (Vec<FrameEntry>, u64) {
    let (mut frames, mut offset, mut count) = (Vec::new(), data_begin, 0);
    while offset < PACK_BYTES && count < chunks_max {
        let (wanted, mut chunks, mut plain_bytes) = (dice.between(1 << 20, 2 << 20), Vec::new(), 0);
        while plain_bytes < wanted && count < chunks_max {
            let bytes = dice.between(16 << 10, 64 << 10);
            chunks.push(ChunkEntry { id: ChunkId(dice.bytes()), bytes });
            plain_bytes += bytes;
            count += 1;
        }
        let sealed_bytes = plain_bytes + SEAL_BYTES;
        frames.push(FrameEntry { offset, sealed_bytes, plain_bytes, codec: codec::RAW, chunks });
        offset += u64::from(sealed_bytes);
    }
    (frames, offset)
}

/// Makes one pack of at most so many chunks; its name is random, as nothing was hashed.
fn make_pack(
    root: &Path,
    repository: &Repository,
    run: RunId,
    number: u64,
    chunks_max: u64,
) -> Result<IndexedPack, Box<dyn Error + Send + Sync>> {
    let (keys, mut dice) = (repository.keys(), Dice::new(run, number));
    let (header, _) = keys.new_object(ObjectKind::DataPack, run, Purpose::Frame)?;
    let key = keys.object_key(&header, Purpose::Directory, "a new pack")?;
    let header = header.encode();
    let data_begin = header.len() as u64;
    let (frames, data_end) = make_frames(&mut dice, data_begin, chunks_max);
    let plain = wire::encode(&PackDirectory { frames: frames.clone(), ..PackDirectory::default() });
    let mut sealed = vec![0; keys.algorithm.nonce_bytes()];
    let codec = codec::compress(&plain, 1, &mut sealed);
    let (header_hash, plain_bytes) = (*blake3::hash(&header).as_bytes(), plain.len() as u64);
    key.seal(&Associated { header_hash, purpose: Purpose::Directory, number: 0, codec, plain_bytes }, &mut sealed);
    let mut footer = Vec::with_capacity(FOOTER_BYTES as usize);
    footer.write_all(&(sealed.len() as u64).to_le_bytes())?;
    footer.write_all(&plain_bytes.to_le_bytes())?;
    footer.write_all(&codec.to_le_bytes())?;
    footer.write_all(&[0; 6])?; // version, and zero
    footer.write_all(b"STRONGRE")?;
    let id = PackId(dice.bytes());
    let file = File::create_new(root.join(pack_name(&id)))?;
    file.write_all_at(&header, 0)?;
    sealed.extend(footer);
    file.write_all_at(&sealed, data_end)?;
    Ok(IndexedPack { id, kind: PackKind::Data, bytes: data_end + sealed.len() as u64, data_begin, data_end, frames })
}

/// The folder of one segment: a file for each frame. The first pack of the first segment is left out, so that
/// there is something for a prune to remove, and a segment that names it for it to replace.
fn make_folder(
    pages: &mut impl PageStore,
    template: &Node,
    number: u64,
    segment: &IndexSegment,
) -> Result<Node, Box<dyn Error + Send + Sync>> {
    let mut folder = TreeWriter::default();
    let packs = segment.packs.iter().skip(usize::from(number == 0));
    for (number, frame) in packs.flat_map(|pack| &pack.frames).enumerate() {
        let items = frame.chunks.iter().map(|chunk| Item::Chunk(chunk.id, u64::from(chunk.bytes))).collect();
        let content = Content::File(u64::from(frame.plain_bytes), ContentList { depth: 0, items });
        folder.push(Node { name: format!("{number:08}").into_bytes(), content, ..template.clone() }, pages)?;
    }
    Ok(Node { name: format!("{number:08}").into_bytes(), content: Content::Directory(folder.finish(pages)?), ..template.clone() })
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, key_file, chunks, segment_chunks] = arguments.as_slice() else {
        return Err("arguments: REPOSITORY KEY_FILE CHUNKS CHUNKS_OF_A_SEGMENT".into());
    };
    let (root, mut left, segment_chunks) = (PathBuf::from(root), chunks.parse::<u64>()?, segment_chunks.parse::<u64>()?);
    let credential = Some(Credential::KeyFile(std::fs::read(key_file)?.into()));
    let repository = Repository::open(Arc::new(LocalStorage::open(&root)?), OpenOptions { credential, ..OpenOptions::default() })?;
    let run = RunId(random_bytes()?);
    // Opened before there is much to index, and used for the pages of the trees only.
    let sink = Sink::open(repository.chunks(), &repository.read_facts()?, run)?;
    let mut pages = SinkPages { sink: &sink, identify: &repository.keys().identify };
    let catalogued = repository.catalogued()?;
    let last = catalogued.listing.summaries().last().ok_or("the repository has no snapshot to take metadata from")?.id;
    let manifest = repository.objects().read_manifest(&last)?;
    let template = manifest.entries.last().ok_or("the snapshot is empty")?.node.clone();
    let (mut top, mut folders) = (TreeWriter::default(), 0);
    let mut number = 0;
    // About so many chunks fill a pack; one segment is in memory at a time.
    let pack_chunks = PACK_BYTES / (40 << 10);
    while left > 0 {
        let packs_wanted = left.min(segment_chunks).div_ceil(pack_chunks + pack_chunks / 16);
        let numbers = number..number + packs_wanted;
        number = numbers.end;
        let made: Result<Vec<IndexedPack>, _> =
            numbers.into_par_iter().map(|number| make_pack(&root, &repository, run, number, left.div_ceil(packs_wanted))).collect();
        let segment = IndexSegment::new(made?);
        left = left.saturating_sub(segment.chunk_count());
        repository.objects().publish_segment(run, &segment)?;
        top.push(make_folder(&mut pages, &template, folders, &segment)?, &mut pages)?;
        folders += 1;
    }
    let content = Content::Directory(top.finish(&mut pages)?);
    sink.commit()?;
    let path = b"/synthetic".to_vec();
    let node = Node { name: b"synthetic".to_vec(), content, ..template };
    let (counter, series, paths) = (catalogued.newest_counter + 1, "synthetic".to_owned(), vec![path.clone().into()]);
    let entries = vec![RootEntry { path, node }];
    let (root, previous) = (RootId(random_bytes()?), Some(last));
    repository.objects().publish_manifest(&Manifest {
        run,
        counter,
        previous,
        kind: Kind::Full,
        base: None,
        series,
        paths,
        root,
        entries,
        ..manifest
    })?;
    Ok(())
}
