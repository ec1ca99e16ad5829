//! Packs and sealed containers as a whole: what is written comes back, and nothing else does.

use super::*;
use crate::crypto::{Algorithm, Identify, Secret};
use crate::error::ErrorKind;
use crate::id::{ChunkId, RepositoryId, RunId};
use crate::storage::{MemoryStorage, Storage};

const RUN: RunId = RunId([5; 16]);

fn keys(algorithm: Algorithm) -> KeyRing {
    KeyRing {
        algorithm,
        repository: RepositoryId([1; 16]),
        index: Secret([2; 32]),
        meta: Secret([3; 32]),
        data: vec![(0, Secret([4; 32]))],
        identify: Identify::new(&Secret([6; 32])),
    }
}

fn name_of(id: &crate::id::PackId) -> String {
    format!("packs/{id}")
}

fn plain(n: u32) -> Vec<u8> {
    format!("frame number {n} ").repeat(20 + n as usize).into_bytes()
}

fn begin(storage: &MemoryStorage, keys: &KeyRing) -> PackWriter {
    storage.create_folder("packs").unwrap();
    PackWriter::create(keys, PackKind::Data, RUN, storage.create("packs").unwrap()).unwrap()
}

/// Five frames, sealed in order and appended out of order.
fn write_pack(storage: &MemoryStorage, keys: &KeyRing) -> FinishedPack {
    let mut writer = begin(storage, keys);
    let seal = writer.seal();
    let mut sealed: Vec<(u32, Vec<u8>, u16)> = Vec::new();
    for n in 0..5 {
        assert_eq!(seal.draw_number(), n);
        let mut buffer = Vec::new();
        let codec = seal.seal(n, &plain(n), 3, &mut buffer);
        sealed.push((n, buffer, codec));
    }
    for at in [3, 0, 4, 1, 2] {
        assert!(!writer.is_complete());
        let (number, bytes, codec) = &sealed[at];
        let chunks = vec![ChunkEntry { id: ChunkId([*number as u8; 32]), bytes: plain(*number).len() as u32 }];
        writer.append(*number, bytes, *codec, chunks).unwrap();
    }
    assert!(writer.is_complete());
    writer.finish(&name_of).unwrap()
}

fn read_all(storage: &dyn Storage, keys: &KeyRing, name: &str, bytes: u64) -> crate::error::Result<Vec<Vec<u8>>> {
    let (directory, kind, _) = read_directory(storage, keys, name, bytes)?;
    assert_eq!(kind, PackKind::Data);
    let pack = PackKeys::read(storage, keys, name, bytes)?;
    let place = |(number, frame): (usize, &FrameEntry)| FramePlace {
        number: number as u32,
        offset: frame.offset,
        sealed_bytes: frame.sealed_bytes,
        plain_bytes: frame.plain_bytes,
        codec: frame.codec,
    };
    directory.frames.iter().enumerate().map(|frame| pack.read_frame(storage, name, &place(frame))).collect()
}

#[test]
fn frames_that_were_appended_out_of_order_come_back_by_their_numbers() {
    for algorithm in Algorithm::ALL {
        let (storage, keys) = (MemoryStorage::new(), keys(algorithm));
        let pack = write_pack(&storage, &keys);
        let name = name_of(&pack.id);
        let stored = storage.read(&name, u64::MAX).unwrap();
        assert_eq!(stored.len() as u64, pack.bytes);
        assert_eq!(blake3::hash(&stored).as_bytes(), &pack.id.0);
        assert_eq!(read_all(&storage, &keys, &name, pack.bytes).unwrap(), (0..5).map(plain).collect::<Vec<_>>());
        let (directory, _, range) = read_directory(&storage, &keys, &name, pack.bytes).unwrap();
        assert_eq!((directory.frames, range), (pack.frames, (pack.data_begin, pack.data_end)));
    }
}

#[test]
fn a_pack_with_a_frame_that_was_drawn_and_never_written_is_not_published() {
    let (storage, keys) = (MemoryStorage::new(), keys(Algorithm::Aes256Gcm));
    let mut writer = begin(&storage, &keys);
    let seal = writer.seal();
    let (_, second, mut buffer) = (seal.draw_number(), seal.draw_number(), Vec::new());
    let codec = seal.seal(second, b"x", 3, &mut buffer);
    writer.append(second, &buffer, codec, vec![ChunkEntry { id: ChunkId([1; 32]), bytes: 1 }]).unwrap();
    assert_eq!(writer.finish(&name_of).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(storage.list("packs").unwrap().is_empty());
}

#[test]
fn every_changed_byte_and_every_truncation_of_an_encrypted_pack_is_noticed() {
    let (storage, keys) = (MemoryStorage::new(), keys(Algorithm::ChaCha20Poly1305));
    let pack = write_pack(&storage, &keys);
    let good = storage.read(&name_of(&pack.id), u64::MAX).unwrap();
    let refuses = |bytes: &[u8], what: &str| {
        let storage = MemoryStorage::new();
        storage.create_folder("packs").unwrap();
        let mut upload = storage.create("packs").unwrap();
        upload.write(bytes).unwrap();
        upload.publish("packs/x").unwrap();
        assert!(read_all(&storage, &keys, "packs/x", bytes.len() as u64).is_err(), "{what}");
    };
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        refuses(&bad, &format!("byte {at}"));
    }
    for length in (0..good.len()).step_by(7) {
        refuses(&good[..length], &format!("{length} bytes"));
    }
}

#[test]
fn a_container_opens_as_what_it_is_and_nothing_else() {
    let keys = keys(Algorithm::Aes256Gcm);
    let body = b"body ".repeat(50);
    let sealed = seal_object(&keys, ObjectKind::Manifest, RUN, &body).unwrap();
    let hash = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
    let open = |kind, bytes: &[u8], max| open_object(&keys, kind, bytes.to_vec(), &hash(bytes), max, "it");
    assert_eq!(open(ObjectKind::Manifest, &sealed, 1000).unwrap(), body);
    assert!(open(ObjectKind::Record, &sealed, 1000).unwrap_err().is_damage());
    assert!(open(ObjectKind::Manifest, &sealed, 249).unwrap_err().is_damage(), "it is longer than the cap");
    assert!(open_object(&keys, ObjectKind::Manifest, sealed.clone(), &[0; 32], 1000, "it").unwrap_err().is_damage());
    // The name fits each time, so that only the seal can notice.
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert!(open(ObjectKind::Manifest, &bad, u64::MAX).is_err(), "byte {at}");
    }
    for length in 0..sealed.len() {
        assert!(open(ObjectKind::Manifest, &sealed[..length], 1000).is_err(), "{length} bytes");
    }
    let other = KeyRing { repository: RepositoryId([9; 16]), ..self::keys(Algorithm::Aes256Gcm) };
    assert!(open_object(&other, ObjectKind::Manifest, sealed.clone(), &hash(&sealed), 1000, "it").unwrap_err().is_damage());
}
