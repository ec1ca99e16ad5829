//! Whether files that could be compressed, or had a form that programs know, are noise now: what encryption leaves.

use crate::chunker::{Class, HEAD_BYTES, recognise};
use crate::codec;
use crate::manifest::{Content, Node};
use crate::repository::ChunkReader;

/// So many files are looked at.
const SAMPLE: usize = 64;
/// Fewer than these say nothing.
const SAMPLE_MIN: usize = 8;
/// Of shorter files nothing can be said.
const BYTES_MIN: u64 = 4 << 10;

/// Files that were written anew, of which some are looked at: the first, and then one of each 64 in place of an earlier one.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pairs: Vec<(Node, Node)>,
    seen: u64,
}

impl Sample {
    /// Takes a file as it was and as it is now.
    pub(super) fn take(&mut self, old: &Node, new: &Node) {
        if old.file_bytes() < BYTES_MIN || new.file_bytes() < BYTES_MIN {
            return;
        }
        // Which are kept does not depend on chance, and later ones are not left out.
        let number = self.seen;
        self.seen += 1;
        if self.pairs.len() < SAMPLE {
            self.pairs.push((old.clone(), new.clone()));
        } else if number.is_multiple_of(SAMPLE as u64) {
            let at = (number / SAMPLE as u64) as usize % SAMPLE;
            self.pairs[at] = (old.clone(), new.clone());
        }
    }

    /// How many were looked at and how many of them turned into noise; none where they are too few to say.
    pub(super) fn judge(&self, reader: &ChunkReader) -> Option<(u64, u64)> {
        let (mut looked, mut noise) = (0, 0);
        for (old, new) in &self.pairs {
            let (Some(old), Some(new)) = (is_noise(reader, old), is_noise(reader, new)) else { continue };
            looked += 1;
            noise += u64::from(new && !old);
        }
        (looked >= SAMPLE_MIN as u64).then_some((looked, noise))
    }
}

/// Whether the beginning of a file has no form that is known and cannot be compressed; none where it cannot be read.
fn is_noise(reader: &ChunkReader, node: &Node) -> Option<bool> {
    let Content::File(_, list) = &node.content else { return None };
    let first = list.items.first().filter(|_| list.depth == 0)?.chunk()?;
    let plain = reader.data_chunk(first).ok()?;
    if plain.len() < BYTES_MIN as usize {
        return None;
    }
    let is_formless = recognise(&plain[..plain.len().min(HEAD_BYTES)]) == Class::General;
    let mut packed = Vec::new();
    codec::compress(&plain, 1, &mut packed);
    Some(is_formless && packed.len() >= plain.len())
}
