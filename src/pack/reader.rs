//! Reads a pack: its directory from the end, its frames by place.

use std::ops::Range;

use super::directory::{FRAME_PLAIN_BYTES_MAX, FRAME_SEALED_BYTES_MAX, PackDirectory, PackKind};
use super::header::{HEADER_BYTES_MAX, ObjectHeader, ObjectKind};
use super::keys::KeyRing;
use crate::codec;
use crate::crypto::{Associated, ObjectKey, Purpose};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Storage;
use crate::wire;

/// The last bytes of a pack: sealed length and plain length of the directory (u64 each), its codec
/// (u16), version (u16), zero (u32), magic.
pub const FOOTER_BYTES: u64 = 32;
pub(super) const FOOTER_MAGIC: &[u8; 8] = b"STRONGRE";
pub(super) const FOOTER_VERSION: u16 = 0;
/// A directory unpacks to at most so much: 1.3 million chunks of 24 bytes each in a 32 MiB pack.
const DIRECTORY_PLAIN_BYTES_MAX: u64 = 64 << 20;
/// Headers of this version are 130 bytes; one read gets any that is not unusually long.
pub const HEAD_BYTES: u64 = 256;
/// Where a request costs more than bytes, so much is read of the end of a pack, in which most directories lie.
const TAIL_BYTES: u64 = 64 << 10;

/// Where a frame is in its pack, and what is needed to open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramePlace {
    /// Its number in the pack.
    pub number: u32,
    /// Where its sealed bytes begin.
    pub offset: u64,
    /// How many sealed bytes it has.
    pub sealed_bytes: u32,
    /// What it unpacks to.
    pub plain_bytes: u32,
    /// How it is compressed.
    pub codec: u16,
}

impl FramePlace {
    /// Where its sealed bytes lie in the pack.
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(u64::from(self.sealed_bytes))
    }
}

/// The keys to the frames of one pack, from its header.
pub struct PackKeys {
    key: ObjectKey,
    header_hash: [u8; 32],
    header: ObjectHeader,
    header_bytes: u64,
}

impl PackKeys {
    /// Reads the header of the pack `name`, which is `pack_bytes` long.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`.
    pub fn read(storage: &dyn Storage, keys: &KeyRing, name: &str, pack_bytes: u64) -> Result<Self> {
        let mut head = vec![0; pack_bytes.min(HEAD_BYTES) as usize];
        storage.read_range(name, 0, &mut head)?;
        if let Some(length) = head.get(12..16) {
            let header_bytes = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
            if header_bytes > head.len() && header_bytes <= HEADER_BYTES_MAX && header_bytes as u64 <= pack_bytes {
                head.resize(header_bytes, 0);
                storage.read_range(name, 0, &mut head)?;
            }
        }
        Self::of_head(keys, &head, name)
    }

    /// The keys of the pack `name` that begins with `head`.
    ///
    /// # Errors
    /// `Damaged`, also when its header is longer than `head`; `Unsupported`.
    pub fn of_head(keys: &KeyRing, head: &[u8], name: &str) -> Result<Self> {
        let (header, header_bytes) = ObjectHeader::decode(head, name)?;
        if !matches!(header.kind, ObjectKind::DataPack | ObjectKind::MetaPack) {
            return Err(Error::damaged(name, format!("it is a {}", header.kind.name())));
        }
        let key = keys.object_key(&header, Purpose::Frame, name)?;
        Ok(Self { key, header_hash: *blake3::hash(&head[..header_bytes]).as_bytes(), header, header_bytes: header_bytes as u64 })
    }

    /// What the pack holds.
    pub fn kind(&self) -> PackKind {
        if self.header.kind == ObjectKind::DataPack { PackKind::Data } else { PackKind::Meta }
    }

    /// The header of the pack.
    pub fn header(&self) -> &ObjectHeader {
        &self.header
    }

    /// Reads, opens and unpacks one frame of the pack `name`. Chunk ids are the caller's to verify.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported`.
    pub fn read_frame(&self, storage: &dyn Storage, name: &str, place: &FramePlace) -> Result<Vec<u8>> {
        if place.sealed_bytes > FRAME_SEALED_BYTES_MAX || place.plain_bytes > FRAME_PLAIN_BYTES_MAX {
            return Err(Error::damaged(name, "a frame claims to be longer than frames are"));
        }
        let mut sealed = vec![0; place.sealed_bytes as usize];
        storage.read_range(name, place.offset, &mut sealed)?;
        self.unpack_frame(name, place, &mut sealed)
    }

    /// Opens the frame whose stored bytes stand in `sealed`, in place, and unpacks it.
    ///
    /// # Errors
    /// As [`PackKeys::read_frame`].
    pub fn unpack_frame(&self, name: &str, place: &FramePlace, sealed: &mut [u8]) -> Result<Vec<u8>> {
        if place.plain_bytes > FRAME_PLAIN_BYTES_MAX {
            return Err(Error::damaged(name, "a frame claims to be longer than frames are"));
        }
        let packed = self.unseal_frame(name, place, sealed)?;
        codec::decompress(place.codec, packed, place.plain_bytes as usize)
            .map_err(|error| error.context(format!("frame {} of {name}", place.number)))
    }

    /// Opens the frame whose stored bytes stand in `sealed`, in place, and unpacks it into `room` if
    /// need be: for who reads many frames and looks at each only once.
    ///
    /// # Errors
    /// As [`PackKeys::read_frame`].
    pub fn open_frame<'b>(&self, name: &str, place: &FramePlace, sealed: &'b mut [u8], room: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        if place.plain_bytes > FRAME_PLAIN_BYTES_MAX {
            return Err(Error::damaged(name, "a frame claims to be longer than frames are"));
        }
        let packed = self.unseal_frame(name, place, sealed)?;
        codec::decompress_into(place.codec, packed, place.plain_bytes as usize, room)
            .map_err(|error| error.context(format!("frame {} of {name}", place.number)))
    }

    /// Opens the frame whose stored bytes stand in `sealed`, in place, and leaves it compressed.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn unseal_frame<'b>(&self, name: &str, place: &FramePlace, sealed: &'b mut [u8]) -> Result<&'b [u8]> {
        let associated = Associated {
            header_hash: self.header_hash,
            purpose: Purpose::Frame,
            number: u64::from(place.number),
            codec: place.codec,
            plain_bytes: u64::from(place.plain_bytes),
        };
        self.key.unseal(&associated, sealed).map_err(|error| error.context(format!("frame {} of {name}", place.number)))
    }
}

/// Reads and checks the directory of the pack `name`, `pack_bytes` long. Returns it with the kind of
/// the pack and the range in which its frames lie.
///
/// Without encryption nothing authenticates a directory but the name of the pack; who relies on it
/// there hashes the whole pack first.
///
/// # Errors
/// `NotFound`, `Damaged`, `Unsupported`.
pub fn read_directory(storage: &dyn Storage, keys: &KeyRing, name: &str, pack_bytes: u64) -> Result<(PackDirectory, PackKind, (u64, u64))> {
    let (pack_keys, directory, range) = open_directory(storage, keys, name, pack_bytes)?;
    Ok((directory, pack_keys.kind(), range))
}

/// As [`read_directory`], for who reads frames of the pack too: with the keys to them.
///
/// # Errors
/// As [`read_directory`].
pub fn open_directory(storage: &dyn Storage, keys: &KeyRing, name: &str, pack_bytes: u64) -> Result<(PackKeys, PackDirectory, (u64, u64))> {
    let gap_bytes = storage.properties().gap_bytes;
    let tail_bytes = if pack_bytes <= gap_bytes { pack_bytes } else { gap_bytes.min(TAIL_BYTES) };
    let mut tail = vec![0; tail_bytes as usize];
    let pack_keys = if tail_bytes > 0 && tail_bytes == pack_bytes {
        // One request for all of it.
        storage.read_range(name, 0, &mut tail)?;
        PackKeys::of_head(keys, &tail, name)?
    } else {
        PackKeys::read(storage, keys, name, pack_bytes)?
    };
    let damaged = |why: &str| Error::damaged(name, why);
    if pack_bytes < pack_keys.header_bytes + FOOTER_BYTES {
        return Err(damaged("it is too short"));
    }
    let mut footer = [0; FOOTER_BYTES as usize];
    if tail_bytes < pack_bytes && tail_bytes >= FOOTER_BYTES {
        storage.read_range(name, pack_bytes - tail_bytes, &mut tail)?;
    }
    match tail.last_chunk() {
        Some(last) => footer = *last,
        None => storage.read_range(name, pack_bytes - FOOTER_BYTES, &mut footer)?,
    }
    if &footer[24..] != FOOTER_MAGIC {
        return Err(damaged("it does not end as a pack"));
    }
    let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| footer[at + n]));
    let (sealed_bytes, plain_bytes) = (u64_at(0), u64_at(8));
    let codec = u16::from_le_bytes([footer[16], footer[17]]);
    if u16::from_le_bytes([footer[18], footer[19]]) > FOOTER_VERSION || footer[20..24] != [0; 4] {
        return Err(Error::new(ErrorKind::Unsupported, format!("{name} was written by a later version of this program")));
    }
    let room = pack_bytes - FOOTER_BYTES - pack_keys.header_bytes;
    if sealed_bytes > room || sealed_bytes > DIRECTORY_PLAIN_BYTES_MAX || plain_bytes > DIRECTORY_PLAIN_BYTES_MAX {
        return Err(damaged("its directory claims an impossible length"));
    }
    let data_end = pack_bytes - FOOTER_BYTES - sealed_bytes;
    let in_tail =
        tail_bytes.checked_sub(FOOTER_BYTES + sealed_bytes).and_then(|begin| tail.get(begin as usize..(begin + sealed_bytes) as usize));
    let mut sealed = match in_tail {
        Some(sealed) => sealed.to_vec(),
        None => {
            let mut sealed = vec![0; sealed_bytes as usize];
            storage.read_range(name, data_end, &mut sealed)?;
            sealed
        }
    };
    let key = keys.object_key(&pack_keys.header, Purpose::Directory, name)?;
    let associated = Associated { header_hash: pack_keys.header_hash, purpose: Purpose::Directory, number: 0, codec, plain_bytes };
    let packed = key.unseal(&associated, &mut sealed).map_err(|error| error.context(name))?;
    let plain = codec::decompress(codec, packed, plain_bytes as usize).map_err(|error| error.context(name))?;
    let directory: PackDirectory = wire::decode(&plain, name)?;
    directory.check(pack_keys.header_bytes, data_end)?;
    let range = (pack_keys.header_bytes, data_end);
    Ok((pack_keys, directory, range))
}
