//! Whole objects as they lie in a repository. Those without encryption, whose bytes anybody can
//! write, are opened all the way.

use strongroom::codec::{self, RAW, ZSTD};
use strongroom::crypto::Algorithm;
use strongroom::pack::{
    FRAME_PLAIN_BYTES_MAX, FramePlace, HEADER_BYTES_MAX, ObjectHeader, ObjectKind, PackKeys, open_object, read_directory,
};
use strongroom::repository::KeySlot;
use strongroom::storage::{MemoryStorage, Storage};

use crate::examples;

/// So many plain bytes are asked for at most: the caps of the format are far above what a fuzzer may
/// allocate at each turn.
const PLAIN_BYTES_MAX: u64 = 1 << 20;

/// The header of an object; what follows it is not looked at.
pub fn object_header(bytes: &[u8]) {
    if let Ok((header, header_bytes)) = ObjectHeader::decode(bytes, "input") {
        assert!(header_bytes <= HEADER_BYTES_MAX);
        assert_eq!(header.encode(), bytes[..header_bytes]);
    }
}

/// A key slot. No key is derived: the cost that a slot may ask for is not for a fuzzer.
pub fn key_slot(bytes: &[u8]) {
    if let Ok(slot) = KeySlot::decode(bytes, "input") {
        assert_eq!(slot.encode(), bytes);
    }
}

/// Packed content: a codec (u16) and the stated length (u32) come first.
pub fn frame_content(bytes: &[u8]) {
    let Some((head, packed)) = bytes.split_first_chunk::<6>() else { return };
    let codec = u16::from_le_bytes([head[0], head[1]]);
    let plain_bytes = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize % (PLAIN_BYTES_MAX as usize + 1);
    if let Ok(plain) = codec::decompress(codec, packed, plain_bytes) {
        assert_eq!(plain.len(), plain_bytes);
        assert!(codec == ZSTD || (codec == RAW && plain == packed));
        let mut again = Vec::new();
        let codec = codec::compress(&plain, 3, &mut again);
        assert_eq!(codec::decompress(codec, &again, plain_bytes).ok(), Some(plain));
    }
}

/// A manifest, record or index segment of a repository without encryption, opened under the name
/// that its bytes have.
pub fn sealed_object(bytes: &[u8]) {
    let keys = examples::keys(Algorithm::None);
    let hash = *blake3::hash(bytes).as_bytes();
    for kind in [ObjectKind::Manifest, ObjectKind::Record, ObjectKind::Index] {
        let Ok(plain) = open_object(&keys, kind, bytes.to_vec(), &hash, PLAIN_BYTES_MAX, "input") else { continue };
        match kind {
            ObjectKind::Manifest => crate::manifest(&plain),
            ObjectKind::Record => crate::record(&plain),
            _ => crate::index_segment(&plain),
        }
    }
}

/// A pack of a repository without encryption: its directory is read, and every frame that it lists.
pub fn pack(bytes: &[u8]) {
    // The last 24 bytes of a footer hold the stated length of the directory first; the format lets
    // it be 64 MiB, a fuzzer does not.
    let stated = bytes.len().checked_sub(24).and_then(|at| bytes[at..].first_chunk::<8>()).map(|bytes| u64::from_le_bytes(*bytes));
    if stated.is_some_and(|stated| stated > PLAIN_BYTES_MAX) {
        return;
    }
    let keys = examples::keys(Algorithm::None);
    let storage = MemoryStorage::default();
    let Some(name) = examples::publish(&storage, bytes) else { return };
    let storage: &dyn Storage = &storage;
    let pack_bytes = bytes.len() as u64;
    let Ok((directory, kind, (begin, end))) = read_directory(storage, &keys, &name, pack_bytes) else { return };
    assert!(begin <= end && end <= pack_bytes);
    let Ok(pack_keys) = PackKeys::read(storage, &keys, &name, pack_bytes) else { panic!("its header was read before") };
    assert_eq!(pack_keys.kind(), kind);
    for (number, frame) in directory.frames.iter().enumerate() {
        assert!(frame.plain_bytes <= FRAME_PLAIN_BYTES_MAX);
        if u64::from(frame.plain_bytes) > PLAIN_BYTES_MAX {
            continue;
        }
        let place = FramePlace {
            number: number as u32,
            offset: frame.offset,
            sealed_bytes: frame.sealed_bytes,
            plain_bytes: frame.plain_bytes,
            codec: frame.codec,
        };
        if let Ok(plain) = pack_keys.read_frame(storage, &name, &place) {
            assert_eq!(plain.len(), frame.plain_bytes as usize);
        }
    }
}
