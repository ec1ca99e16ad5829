//! A 32-byte secret, and what is derived from it.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes. Wiped when dropped; `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Secret(pub [u8; 32]);

impl Secret {
    /// Derives `N` bytes for `purpose` from this secret and `context`.
    ///
    /// BLAKE3 keyed with the secret, over the length of the purpose (u64), the purpose, and the
    /// context; the output is extended to `N` bytes.
    pub fn derive<const N: usize>(&self, purpose: &str, context: &[&[u8]]) -> [u8; N] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(purpose.len() as u64).to_le_bytes());
        hasher.update(purpose.as_bytes());
        for part in context {
            hasher.update(part);
        }
        let mut out = [0; N];
        hasher.finalize_xof().fill(&mut out);
        hasher.zeroize();
        out
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret([7; 32])), "Secret(…)");
    }

    #[test]
    fn purposes_and_contexts_give_independent_bytes() {
        let secret = Secret([7; 32]);
        let a: [u8; 32] = secret.derive("a", &[b"bc"]);
        assert_ne!(a, secret.derive::<32>("ab", &[b"c"]));
        assert_ne!(a, secret.derive::<32>("a", &[b"bd"]));
        assert_eq!(a, secret.derive::<64>("a", &[b"b", b"c"])[..32]);
    }
}
