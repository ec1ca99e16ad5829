//! Examples of sections 5 to 7: header, sealed objects, packs, index segments. What is built here by
//! the words of the document must be opened by the code.

use std::sync::Arc;

use strongroom::crypto::Purpose;
use strongroom::id::{ChunkId, PackId, to_hex};
use strongroom::index::{IndexSegment, IndexedPack};
use strongroom::manifest::{ABSENT, AbsentChunks, Record};
use strongroom::pack::{
    ChunkEntry, FOOTER_BYTES, FrameEntry, FramePlace, ObjectHeader, ObjectKind, PackDirectory, PackKeys, PackKind, open_object,
    read_directory,
};
use strongroom::storage::{MemoryStorage, Storage};
use strongroom::wire::{self, Extensions};

use crate::block::{Block, Fields};
use crate::inputs::{self, associated, header, object_key, seal};
use crate::keys::ASSOCIATED;

pub fn blocks() -> Vec<Block> {
    let mut blocks = vec![object_header(), index_segment()];
    blocks.extend(record_object());
    blocks.extend(pack());
    blocks
}

fn object_header() -> Block {
    let bytes = header(ObjectKind::DataPack);
    assert_eq!(ObjectHeader::decode(&bytes, "the example").unwrap().1, 130);
    let labels = [
        ("magic", 8),
        ("kind: data pack", 2),
        ("version", 2),
        ("header_bytes", 4),
        ("flags", 4),
        ("algorithm: AES-256-GCM", 2),
        ("key_epoch", 2),
        ("repository", 16),
        ("run", 16),
        ("salt", 32),
        ("commitment", 32),
        ("wrapped_key_bytes", 2),
        ("extensions: none", 8),
    ];
    Fields::new().split(&bytes, &labels).block("object-header")
}

fn record_object() -> Vec<Block> {
    let absent = AbsentChunks { chunks: vec![inputs::hello()] };
    let record = Record {
        record_type: ABSENT,
        counter: 1,
        run: inputs::run(),
        client: inputs::client(),
        time: inputs::time(1_700_000_000),
        payload: wire::encode(&absent),
        extensions: Extensions::none(),
    };
    let plain = record.encode();
    let header = header(ObjectKind::Record);
    let associated = associated(&header, Purpose::Body, &plain);
    let sealed = seal(&object_key(ObjectKind::Record, Purpose::Body), &associated, &plain);
    let mut bytes = header.clone();
    bytes.extend_from_slice(&0u16.to_le_bytes());
    bytes.extend_from_slice(&(plain.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&sealed);
    let hash = *blake3::hash(&bytes).as_bytes();
    let opened = open_object(&inputs::keys(), ObjectKind::Record, bytes.clone(), &hash, 1 << 20, "the example").unwrap();
    assert_eq!(Record::decode(&opened).unwrap(), record);

    let labels = [("header", 130), ("codec: as it is", 2), ("plain_bytes", 8), ("nonce", 12), ("ciphertext", plain.len()), ("tag", 16)];
    let object = Fields::new().split(&bytes, &labels).block("record-object");
    let context = [&[3, 0, 5, 0][..], &inputs::repository().0, &inputs::salt()].concat();
    let words: [u8; 96] = inputs::bundle().meta.derive("object keys", &[&context]);
    let mut steps = Fields::new();
    steps.add("key", &words[..32]).add("nonce key", &words[32..64]).add("commitment", &words[64..]);
    steps.split(&associated.bytes(), &ASSOCIATED);
    let labels = [
        ("plain body: record_type", 2),
        ("counter", 8),
        ("run", 16),
        ("client", 16),
        ("time: seconds", 8),
        ("nanoseconds", 4),
        ("payload: length", 8),
        ("how many chunks", 8),
        ("the lost chunk", 32),
        ("extensions: none", 8),
    ];
    steps.split(&plain, &labels);
    steps.add("name of the file", &hash);
    vec![object, steps.block("record-object-steps")]
}

fn chunks() -> Vec<ChunkEntry> {
    vec![ChunkEntry { id: inputs::hello(), bytes: 5 }, ChunkEntry { id: inputs::world(), bytes: 6 }]
}

/// The pack, its directory, its plain directory, and where its directory begins.
fn pack_bytes() -> (Vec<u8>, PackDirectory, Vec<u8>, usize) {
    let plain = b"helloworld!";
    let header = header(ObjectKind::DataPack);
    let frame = seal(&object_key(ObjectKind::DataPack, Purpose::Frame), &associated(&header, Purpose::Frame, plain), plain);
    let sealed_bytes = frame.len() as u32;
    let entry = FrameEntry { offset: header.len() as u64, sealed_bytes, plain_bytes: 11, codec: 0, chunks: chunks() };
    let directory = PackDirectory { frames: vec![entry], extensions: Extensions::none() };
    let plain = wire::encode(&directory);
    let bound = associated(&header, Purpose::Directory, &plain);
    let sealed = seal(&object_key(ObjectKind::DataPack, Purpose::Directory), &bound, &plain);
    let mut bytes = [header, frame].concat();
    let data_end = bytes.len();
    bytes.extend_from_slice(&sealed);
    bytes.extend_from_slice(&(sealed.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(plain.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(b"STRONGRE");
    (bytes, directory, plain, data_end)
}

fn pack() -> Vec<Block> {
    let (bytes, directory, plain, data_end) = pack_bytes();
    let storage = Arc::new(MemoryStorage::new());
    storage.create_folder("packs/00").unwrap();
    let mut upload = storage.create("packs").unwrap();
    upload.write(&bytes).unwrap();
    upload.publish("packs/00/example").unwrap();
    let (keys, length) = (inputs::keys(), bytes.len() as u64);
    let found = read_directory(&*storage, &keys, "packs/00/example", length).unwrap();
    assert_eq!(found, (directory.clone(), PackKind::Data, (130, data_end as u64)));
    let entry = &directory.frames[0];
    let place = FramePlace {
        number: 0,
        offset: entry.offset,
        sealed_bytes: entry.sealed_bytes,
        plain_bytes: entry.plain_bytes,
        codec: entry.codec,
    };
    let pack_keys = PackKeys::read(&*storage, &keys, "packs/00/example", length).unwrap();
    assert_eq!(pack_keys.read_frame(&*storage, "packs/00/example", &place).unwrap(), b"helloworld!");
    assert_eq!(FOOTER_BYTES, 32);

    let labels = [
        ("header", 130),
        ("frame 0: nonce", 12),
        ("ciphertext", 11),
        ("tag", 16),
        ("directory: nonce", 12),
        ("ciphertext", plain.len()),
        ("tag", 16),
        ("footer: sealed_bytes", 8),
        ("plain_bytes", 8),
        ("codec", 2),
        ("version", 2),
        ("zero", 4),
        ("magic", 8),
    ];
    let whole = Fields::new().split(&bytes, &labels).block("pack");
    let mut labels = vec![("how many frames", 8)];
    labels.extend(FRAME);
    labels.push(("extensions: none", 8));
    vec![whole, Fields::new().split(&plain, &labels).block("pack-directory")]
}

/// The fields of the one frame entry.
const FRAME: [(&str, usize); 9] = [
    ("frame 0: offset", 8),
    ("sealed_bytes", 4),
    ("plain_bytes", 4),
    ("codec", 2),
    ("how many chunks", 8),
    ("id of hello", 32),
    ("bytes", 4),
    ("id of world!", 32),
    ("bytes", 4),
];

fn index_segment() -> Block {
    let (bytes, directory, _, data_end) = pack_bytes();
    let pack = IndexedPack {
        id: PackId(*blake3::hash(&bytes).as_bytes()),
        kind: PackKind::Data,
        bytes: bytes.len() as u64,
        data_begin: 130,
        data_end: data_end as u64,
        frames: directory.frames,
    };
    let segment = IndexSegment::new(vec![pack]);
    let bytes = segment.encode();
    assert_eq!(IndexSegment::decode(&bytes).unwrap(), segment);
    let mut labels = vec![
        ("how many packs", 8),
        ("id", 32),
        ("kind: data", 4),
        ("bytes", 8),
        ("data_begin", 8),
        ("data_end", 8),
        ("how many frames", 8),
    ];
    labels.extend(FRAME);
    labels.push(("extensions: none", 8));
    Fields::new().split(&bytes, &labels).block("index-segment")
}

/// A chunk id that is easy to see.
pub fn chunk(byte: u8) -> ChunkId {
    let id = ChunkId([byte; 32]);
    assert_eq!(id.to_string(), to_hex(&[byte; 32]));
    id
}
