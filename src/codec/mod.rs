//! Compression of frames and bodies. Knows nothing of encryption.
//!
//! A codec is a number in the format. Unpacking goes into a buffer of exactly the length that the
//! (authenticated, capped) directory states, so a bomb cannot grow beyond it.

use std::cell::RefCell;
use std::io::Cursor;

use crate::error::{Error, ErrorKind, Result};

/// Stored as it is.
pub const RAW: u16 = 0;
/// One Zstandard frame.
pub const ZSTD: u16 = 1;

/// Data from this length on is probed before it is compressed.
const PROBE_FROM_BYTES: usize = 64 * 1024;
/// The probe looks at so many pieces, spread over the data …
const PROBE_PIECES: usize = 4;
/// … of this length.
const PROBE_PIECE_BYTES: usize = 4 * 1024;
/// zstd's fastest usual level: it finds the same redundancy, in a tenth of the time.
const PROBE_LEVEL: i32 = 1;

thread_local! {
    // A context costs more to make than a small frame to compress.
    static COMPRESSOR: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
    static PROBE: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Appends `plain` to `out`, compressed with zstd `level` where that makes it smaller, and returns
/// the codec. Data that a cheap probe finds incompressible is appended as it is.
pub fn compress(plain: &[u8], level: i32, out: &mut Vec<u8>) -> u16 {
    let begin = out.len();
    if plain.len() < PROBE_FROM_BYTES || shrinks(plain) {
        let bound = zstd::zstd_safe::compress_bound(plain.len());
        out.reserve(bound);
        let written = COMPRESSOR.with_borrow_mut(|slot| {
            if slot.as_ref().is_none_or(|(kept, _)| *kept != level) {
                *slot = zstd::bulk::Compressor::new(level).ok().map(|compressor| (level, compressor));
            }
            let (_, compressor) = slot.as_mut()?;
            // Behind what is there, and without clearing the room first.
            let mut room = Cursor::new(&mut *out);
            room.set_position(begin as u64);
            compressor.compress_to_buffer(plain, &mut room).ok()
        });
        // A frame that saves less than 1 in 64 is cheaper to read back as it is.
        if let Some(written) = written.filter(|written| *written < plain.len() - plain.len() / 64) {
            out.truncate(begin + written);
            return ZSTD;
        }
        out.truncate(begin);
    }
    out.extend_from_slice(plain);
    RAW
}

/// Whether a few pieces of `plain` together shrink by more than 1 in 32.
fn shrinks(plain: &[u8]) -> bool {
    let mut sample = [0; PROBE_PIECES * PROBE_PIECE_BYTES];
    let step = (plain.len() - PROBE_PIECE_BYTES) / (PROBE_PIECES - 1);
    for (n, piece) in sample.chunks_exact_mut(PROBE_PIECE_BYTES).enumerate() {
        piece.copy_from_slice(&plain[n * step..n * step + PROBE_PIECE_BYTES]);
    }
    let mut out = [0; PROBE_PIECES * PROBE_PIECE_BYTES];
    PROBE.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Compressor::new(PROBE_LEVEL).ok();
        }
        // The buffer is shorter than zstd's bound: failing to fit means that nothing was saved.
        let written = slot.as_mut().and_then(|compressor| compressor.compress_to_buffer(&sample, &mut out[..]).ok());
        written.is_some_and(|written| written < sample.len() - sample.len() / 32)
    })
}

/// Unpacks `packed` into exactly `plain_bytes`, which the caller has capped.
///
/// # Errors
/// `Damaged` when it does not unpack to that length; `Unsupported` for an unknown codec.
pub fn decompress(codec: u16, packed: &[u8], plain_bytes: usize) -> Result<Vec<u8>> {
    let mut room = Vec::new();
    if codec == RAW {
        return decompress_into(codec, packed, plain_bytes, &mut room).map(<[u8]>::to_vec);
    }
    decompress_into(codec, packed, plain_bytes, &mut room)?;
    Ok(room)
}

/// As [`decompress`], for who looks at one frame after another: what was stored as it is is handed
/// back as it lies, all else is unpacked into `room`, which grows to the longest and is used again.
///
/// # Errors
/// As [`decompress`].
pub fn decompress_into<'b>(codec: u16, packed: &'b [u8], plain_bytes: usize, room: &'b mut Vec<u8>) -> Result<&'b [u8]> {
    match codec {
        RAW if packed.len() == plain_bytes => Ok(packed),
        RAW => Err(Error::damaged("a frame", "its length is not as stated")),
        ZSTD => {
            if room.len() < plain_bytes {
                room.resize(plain_bytes, 0);
            }
            let plain = &mut room[..plain_bytes];
            let written = DECOMPRESSOR.with_borrow_mut(|slot| {
                if slot.is_none() {
                    *slot = zstd::bulk::Decompressor::new().ok();
                }
                slot.as_mut().and_then(|decompressor| decompressor.decompress_to_buffer(packed, &mut *plain).ok())
            });
            if written == Some(plain_bytes) {
                Ok(plain)
            } else {
                Err(Error::damaged("a frame", "it does not decompress to the stated length"))
            }
        }
        _ => Err(Error::new(ErrorKind::Unsupported, format!("a frame is compressed by codec {codec}, which this version does not know"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        blake3::Hasher::new().finalize_xof().fill(&mut out);
        out
    }

    #[test]
    fn text_shrinks_and_noise_stays_as_it_is() {
        for (plain, codec) in [(b"all work and no play ".repeat(20_000), ZSTD), (noise(300_000), RAW), (noise(100), RAW), (vec![], RAW)] {
            let mut out = vec![9; 12];
            assert_eq!(compress(&plain, 3, &mut out), codec);
            assert_eq!(out[..12], [9; 12]);
            assert_eq!(decompress(codec, &out[12..], plain.len()).unwrap(), plain);
        }
    }

    #[test]
    fn half_compressible_data_passes_the_probe() {
        let plain = [noise(100_000), vec![0; 100_000]].concat();
        assert_eq!(compress(&plain, 3, &mut Vec::new()), ZSTD);
    }

    #[test]
    fn another_length_than_stated_is_damage() {
        let mut out = Vec::new();
        compress(&[5; 1000], 3, &mut out);
        assert!(decompress(ZSTD, &out, 999).is_err());
        assert!(decompress(ZSTD, &out, 1001).is_err());
        assert!(decompress(RAW, &out, 1000).is_err());
        assert_eq!(decompress(77, &out, 1000).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
