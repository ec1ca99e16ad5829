//! A stream of choices that a seed fixes: what a crash keeps, what a random test does next.
//!
//! Tests print their seed; the same seed makes the same choices on every machine and in every version.

/// Draws choices, one after the other (SplitMix64).
#[derive(Clone, Debug)]
pub struct Choices(u64);

impl Choices {
    /// The choices of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias of the remainder is far below what a test could notice.
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// True in `share` of 8 cases.
    pub fn eighths(&mut self, share: u64) -> bool {
        self.below(8) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_makes_the_same_choices() {
        let draw = |seed| {
            let mut choices = Choices::new(seed);
            [choices.bits(), choices.below(100), choices.below(0)]
        };
        assert_eq!(draw(0), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4 % 100, 0]);
        assert_ne!(draw(0), draw(1));
        let mut choices = Choices::new(7);
        assert!((0..100).all(|_| choices.eighths(8) && !choices.eighths(0)));
    }
}
