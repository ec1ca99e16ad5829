//! From a password to a key, slowly: Argon2id.

use argon2::{Argon2, Block, Params, Version};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// A slot that asks for more memory than this is refused: 2 GiB.
pub const MEMORY_KIB_MAX: u32 = 2 << 20;
/// A slot that asks for more passes or lanes than this is refused.
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 64;

/// What one guess at a password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Independent lanes.
    pub lanes: u32,
}

impl Argon2Cost {
    /// RFC 9106, second recommended option: t=3, m=64 MiB, p=4.
    pub const STANDARD: Argon2Cost = Argon2Cost { memory_kib: 64 << 10, passes: 3, lanes: 4 };
    /// RFC 9106, first recommended option: t=1, m=2 GiB, p=4.
    pub const STRONG: Argon2Cost = Argon2Cost { memory_kib: 2 << 20, passes: 1, lanes: 4 };

    /// Derives a key from `password` and `salt`.
    ///
    /// # Errors
    /// `Damaged` when the cost is beyond the caps, before memory is taken; `Other` when there is not
    /// enough memory.
    pub fn derive(&self, password: &[u8], salt: &[u8; 32]) -> Result<Secret> {
        let in_caps = self.memory_kib <= MEMORY_KIB_MAX && (1..=PASSES_MAX).contains(&self.passes) && (1..=LANES_MAX).contains(&self.lanes);
        if !in_caps {
            return Err(Error::damaged("a key slot", "it asks for an impossible amount of memory or time"));
        }
        let refused = |error: argon2::Error| Error::new(ErrorKind::Damaged, format!("a key slot is damaged: {error}"));
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(refused)?;
        let blocks = params.block_count();
        let mut memory = Blocks(Vec::new());
        memory.0.try_reserve_exact(blocks).map_err(|error| {
            Error::new(ErrorKind::Other, format!("not enough memory to derive the key ({} MiB are needed)", self.memory_kib >> 10))
                .with_source(error)
        })?;
        (0..blocks).into_par_iter().map(|_| Block::default()).collect_into_vec(&mut memory.0);
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, salt, &mut *key, &mut memory.0[..])
            .map_err(refused)?;
        Ok(Secret(*key))
    }
}

/// The memory that is filled. First touched and at last wiped by all threads: on two cores one thread
/// would take a fifth of the whole time for that.
struct Blocks(Vec<Block>);

impl Drop for Blocks {
    fn drop(&mut self) {
        self.0.par_iter_mut().with_min_len(1024).for_each(Zeroize::zeroize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_costs_are_refused_before_memory_is_taken() {
        let cost = Argon2Cost { memory_kib: u32::MAX, ..Argon2Cost::STANDARD };
        assert_eq!(cost.derive(b"x", &[0; 32]).unwrap_err().kind(), ErrorKind::Damaged);
        let cost = Argon2Cost { passes: 0, ..Argon2Cost::STANDARD };
        assert_eq!(cost.derive(b"x", &[0; 32]).unwrap_err().kind(), ErrorKind::Damaged);
    }

    #[test]
    fn the_key_depends_on_password_salt_and_cost() {
        let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let key = cost.derive(b"x", &[0; 32]).unwrap();
        assert_eq!(key, cost.derive(b"x", &[0; 32]).unwrap());
        assert_ne!(key, cost.derive(b"y", &[0; 32]).unwrap());
        assert_ne!(key, cost.derive(b"x", &[1; 32]).unwrap());
        assert_ne!(key, Argon2Cost { passes: 2, ..cost }.derive(b"x", &[0; 32]).unwrap());
    }
}
