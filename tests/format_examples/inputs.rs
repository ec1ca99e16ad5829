//! The fixed inputs that all examples share, as section 1 of the document names them.

use strongroom::crypto::{Algorithm, Associated, Identify, ObjectKey, Purpose, Secret};
use strongroom::id::{ChunkId, ClientId, RepositoryId, RunId};
use strongroom::pack::{KeyRing, ObjectHeader, ObjectKind};
use strongroom::repository::SecretBundle;
use strongroom::units::Timestamp;
use strongroom::wire::Extensions;

fn count_from<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|n| first + n as u8)
}

pub fn repository() -> RepositoryId {
    RepositoryId(count_from(0x10))
}

pub fn run() -> RunId {
    RunId(count_from(0x20))
}

pub fn client() -> ClientId {
    ClientId(count_from(0x30))
}

pub fn salt() -> [u8; 32] {
    count_from(0x40)
}

pub fn time(seconds: i64) -> Timestamp {
    Timestamp::new(seconds, 0)
}

pub fn bundle() -> SecretBundle {
    SecretBundle {
        dedup: Secret([1; 32]),
        index: Secret([2; 32]),
        meta: Secret([3; 32]),
        data: vec![(0, Secret([4; 32]))],
        extensions: Extensions::none(),
    }
}

pub fn identify() -> Identify {
    Identify::new(&bundle().dedup)
}

pub fn keys() -> KeyRing {
    bundle().key_ring(Algorithm::Aes256Gcm, repository())
}

/// The keys of the example object of `kind`, from the secret that the document says opens it.
pub fn object_key(kind: ObjectKind, purpose: Purpose) -> ObjectKey {
    let bundle = bundle();
    let secret = match (kind, purpose) {
        (_, Purpose::Directory) | (ObjectKind::Index, _) => &bundle.index,
        (ObjectKind::DataPack, _) => &bundle.data[0].1,
        _ => &bundle.meta,
    };
    ObjectKey::derive(Algorithm::Aes256Gcm, secret, purpose, kind.number(), &repository().0, &salt())
}

/// The header of the example object of `kind`.
pub fn header(kind: ObjectKind) -> Vec<u8> {
    let purpose = if matches!(kind, ObjectKind::DataPack | ObjectKind::MetaPack) { Purpose::Frame } else { Purpose::Body };
    let header = ObjectHeader {
        kind,
        algorithm: Algorithm::Aes256Gcm,
        key_epoch: 0,
        repository: repository(),
        run: run(),
        salt: salt(),
        commitment: *object_key(kind, purpose).commitment(),
        wrapped_key: Vec::new(),
        extensions: Extensions::none(),
    };
    header.encode()
}

/// What is bound to a part of the object with this header: number 0, stored as it is.
pub fn associated(header: &[u8], purpose: Purpose, plain: &[u8]) -> Associated {
    Associated { header_hash: *blake3::hash(header).as_bytes(), purpose, number: 0, codec: 0, plain_bytes: plain.len() as u64 }
}

/// `plain` sealed as part number 0 of the object with this header, stored as it is.
pub fn seal(key: &ObjectKey, associated: &Associated, plain: &[u8]) -> Vec<u8> {
    let mut sealed = vec![0; 12];
    sealed.extend_from_slice(plain);
    key.seal(associated, &mut sealed);
    sealed
}

pub fn hello() -> ChunkId {
    identify().data_chunk(b"hello")
}

pub fn world() -> ChunkId {
    identify().data_chunk(b"world!")
}
