//! Where to cut: FastCDC with a secret gear table, or fixed pieces.
//!
//! Source: Xia et al., "FastCDC", USENIX ATC 2016 and its 2020 refinement, as in the crate
//! `fastcdc`, module `v2020`; masks from its table, fixed in a repository's settings at init.

use fastcdc::v2020;
use zeroize::Zeroizing;

use super::class::Class;

/// 256 random words: what a byte adds to the rolling sum.
pub struct GearTable {
    gear: Zeroizing<Vec<u64>>,
    shifted: Zeroizing<Vec<u64>>,
}

impl GearTable {
    /// A table from 2,048 bytes, little-endian words.
    pub fn new(bytes: &[u8; 2048]) -> Self {
        let gear: Vec<u64> = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes"))).collect();
        let shifted = gear.iter().map(|word| word << 1).collect();
        Self { gear: Zeroizing::new(gear), shifted: Zeroizing::new(shifted) }
    }
}

/// How a class is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By content.
    FastCdc,
    /// Into pieces of equal length, aligned to the file.
    Fixed,
}

/// The lengths, in bytes, and masks of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// By content or fixed.
    pub method: Method,
    /// No chunk is shorter, but for the last of a file. Even.
    pub min_bytes: u32,
    /// The length that the cut aims at; of fixed pieces, the length. Even.
    pub average_bytes: u32,
    /// No chunk is longer. Even.
    pub max_bytes: u32,
    /// FastCDC normalisation level.
    pub level: u16,
    /// The mask below the average: stricter, so that few chunks are short.
    pub mask_small: u64,
    /// The mask above the average: looser, so that few chunks are long.
    pub mask_large: u64,
}

/// One [`Cut`] for each class, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassTable(pub [Cut; 3]);

impl ClassTable {
    /// The version that new repositories get.
    pub const VERSION: u16 = 1;

    /// The table of [`ClassTable::VERSION`].
    pub fn current() -> Self {
        const KIB: u32 = 1024;
        let by_content = |min_bytes, average_bytes, max_bytes| {
            let (mask_small, mask_large) = v2020::select_masks(average_bytes as usize, v2020::Normalization::Level1);
            Cut { method: Method::FastCdc, min_bytes, average_bytes, max_bytes, level: 1, mask_small, mask_large }
        };
        // 16 KiB holds whole pages of both databases (4 to 32 KiB in powers of two, mostly 8 and 16).
        let fixed = 16 * KIB;
        let database =
            Cut { method: Method::Fixed, min_bytes: fixed, average_bytes: fixed, max_bytes: fixed, level: 0, mask_small: 0, mask_large: 0 };
        Self([by_content(256 * KIB, 1024 * KIB, 4096 * KIB), database, by_content(16 * KIB, 64 * KIB, 256 * KIB)])
    }

    /// How files of `class` are cut.
    pub fn cut(&self, class: Class) -> &Cut {
        &self.0[class.number()]
    }

    /// The longest chunk of any class.
    pub fn max_bytes(&self) -> u32 {
        self.0.iter().map(|cut| cut.max_bytes).max().unwrap_or(0)
    }

    /// True when the lengths can be cut by: even, ascending, and within `limit_bytes`.
    pub fn is_sound(&self, limit_bytes: u32) -> bool {
        self.0.iter().all(|cut| {
            let lengths = [cut.min_bytes, cut.average_bytes, cut.max_bytes];
            lengths.iter().all(|bytes| *bytes >= 64 && bytes % 2 == 0 && *bytes <= limit_bytes) && lengths.is_sorted()
        })
    }
}

/// Finds the ends of chunks.
pub struct Cutter {
    table: ClassTable,
    gear: GearTable,
}

impl Cutter {
    /// A cutter for one repository.
    pub fn new(table: ClassTable, gear: GearTable) -> Self {
        Self { table, gear }
    }

    /// The lengths by which it cuts.
    pub fn table(&self) -> &ClassTable {
        &self.table
    }

    /// The length of the next chunk of a file of `class`, at the start of `data`.
    ///
    /// `data` must hold at least the longest chunk of the class, or all that is left of the file;
    /// else the cut could depend on how the file was read. 0 only when `data` is empty.
    pub fn next_bytes(&self, class: Class, data: &[u8]) -> usize {
        let cut = self.table.cut(class);
        match cut.method {
            Method::Fixed => data.len().min(cut.average_bytes as usize),
            Method::FastCdc => {
                v2020::cut_gear(
                    data,
                    cut.min_bytes as usize,
                    cut.average_bytes as usize,
                    cut.max_bytes as usize,
                    cut.mask_small,
                    cut.mask_large,
                    cut.mask_small << 1,
                    cut.mask_large << 1,
                    &self.gear.gear,
                    &self.gear.shifted,
                )
                .1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn xof(key: &str, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        blake3::Hasher::new_derive_key(key).finalize_xof().fill(&mut out);
        out
    }

    fn cutter() -> Cutter {
        Cutter::new(ClassTable::current(), GearTable::new(&xof("test gear", 2048).try_into().unwrap()))
    }

    fn lengths(class: Class, mut data: &[u8]) -> Vec<usize> {
        let (cutter, mut lengths) = (cutter(), Vec::new());
        while !data.is_empty() {
            let bytes = cutter.next_bytes(class, data);
            lengths.push(bytes);
            data = &data[bytes..];
        }
        lengths
    }

    /// The cut points are part of the format: the same data must be cut the same way for ever.
    #[test]
    fn cuts_of_known_data_are_as_they_always_were() {
        let data = xof("test data", 1 << 20);
        assert_eq!(lengths(Class::General, &data), GOLDEN_GENERAL);
        assert_eq!(lengths(Class::Media, &xof("test data", 6 << 20)), GOLDEN_MEDIA);
        assert_eq!(lengths(Class::Database, &data[..40_000]), [16384, 16384, 7232]);
    }

    const GOLDEN_GENERAL: &[usize] = &[103661, 92483, 50882, 146536, 81442, 59070, 69790, 93957, 49453, 67023, 78843, 128167, 27269];
    const GOLDEN_MEDIA: &[usize] = &[1880084, 2410376, 1522053, 478943];

    #[test]
    fn masks_are_those_that_were_fixed() {
        let table = ClassTable::current();
        assert_eq!((table.0[2].mask_small, table.0[2].mask_large), (0x0000_d907_0353_7000, 0x0000_d90f_0353_0000));
        assert_eq!((table.0[0].mask_small, table.0[0].mask_large), (0x0000_d917_6753_7000, 0x0000_d917_0753_7000));
        assert!(table.is_sound(64 << 20));
    }

    #[test]
    fn an_insertion_moves_only_the_cuts_around_it() {
        let mut data = xof("test data", 4 << 20);
        let ends = |data: &[u8]| -> Vec<Vec<u8>> {
            let mut at = 0;
            lengths(Class::General, data)
                .into_iter()
                .map(|bytes| {
                    at += bytes;
                    blake3::hash(&data[at - bytes..at]).as_bytes().to_vec()
                })
                .collect()
        };
        let before = ends(&data);
        data.splice(2_000_000..2_000_000, *b"inserted");
        let after = ends(&data);
        let new = after.iter().filter(|id| !before.contains(id)).count();
        assert!(new <= 3, "{new} chunks differ");
    }

    proptest! {
        #[test]
        fn chunks_cover_the_data_within_their_bounds(seed in any::<u64>(), bytes in 0usize..600_000) {
            let data = xof(&seed.to_string(), bytes);
            let lengths = lengths(Class::General, &data);
            prop_assert_eq!(lengths.iter().sum::<usize>(), bytes);
            let cut = ClassTable::current().0[2];
            for (n, length) in lengths.iter().enumerate() {
                prop_assert!(*length <= cut.max_bytes as usize);
                prop_assert!(n + 1 == lengths.len() || *length >= cut.min_bytes as usize);
            }
        }
    }
}
