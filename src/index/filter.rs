//! The filter of a table: says "surely not here" for most ids that are not, at the price of one
//! cache line.
//!
//! A blocked Bloom filter: an id belongs to one block of 512 bits and sets six of them. Chunk ids
//! are hashes, so slices of the id serve as the hash functions. The block is chosen by the leading
//! bits, in the order of the ids themselves: rows that arrive sorted fill the blocks one after the
//! other, and a filter of any size is written with one block in memory. At ten bits a chunk about
//! one absent id in a hundred passes.

use crate::id::ChunkId;

/// Bytes of a block: one cache line.
pub(super) const BLOCK_BYTES: usize = 64;
/// Bits that an id sets. The best for 51 ids in 512 bits is six or seven; six touches less.
const BITS_PER_ID: u32 = 6;

/// The first eight bytes of the id as a number that orders as ids do.
pub(super) fn leading_bits(id: &ChunkId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The block of `id` among `blocks`; a greater id never has a smaller block.
pub(super) fn block_of(id: &ChunkId, blocks: u64) -> u64 {
    ((u128::from(leading_bits(id)) * u128::from(blocks)) >> 64) as u64
}

/// The bits of `id` in its block, from bytes that choose neither block nor bucket.
fn bits_of(id: &ChunkId) -> impl Iterator<Item = usize> {
    let [a, b, c, d, e, f, g, h] = [16, 17, 18, 19, 20, 21, 22, 23].map(|at: usize| id.0[at]);
    let slice = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    (0..BITS_PER_ID).map(move |turn| (slice >> (9 * turn)) as usize & 511)
}

/// Adds `id` to its block.
pub(super) fn insert(block: &mut [u8; BLOCK_BYTES], id: &ChunkId) {
    for bit in bits_of(id) {
        block[bit / 8] |= 1 << (bit % 8);
    }
}

/// False when `id` was surely never added to this block of 64 bytes.
pub(super) fn may_contain(block: &[u8], id: &ChunkId) -> bool {
    bits_of(id).all(|bit| block[bit / 8] & 1 << (bit % 8) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> ChunkId {
        ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    #[test]
    fn no_id_is_lost_and_fewer_than_two_in_a_hundred_others_pass() {
        const COUNT: u32 = 100_000;
        let blocks = u64::from(COUNT) * 10 / 512;
        let mut filter = vec![[0u8; BLOCK_BYTES]; blocks as usize];
        for number in 0..COUNT {
            insert(&mut filter[block_of(&id(number), blocks) as usize], &id(number));
        }
        let passes = |number: u32| may_contain(&filter[block_of(&id(number), blocks) as usize], &id(number));
        assert!((0..COUNT).all(passes));
        let wrong = (COUNT..2 * COUNT).filter(|number| passes(*number)).count();
        assert!(wrong < COUNT as usize / 50, "{wrong} false positives in {COUNT}");
    }

    #[test]
    fn blocks_ascend_with_ids_up_to_the_last_one() {
        assert_eq!(block_of(&ChunkId([0; 32]), 7), 0);
        assert_eq!(block_of(&ChunkId([255; 32]), 7), 6);
        let (a, b) = (id(1).min(id(2)), id(1).max(id(2)));
        assert!(block_of(&a, 1 << 20) <= block_of(&b, 1 << 20));
    }
}
