//! Room to grow: numbered byte strings at the end of structures, from the first format on.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The bit of an extension's number that says: refuse what carries it if you do not know it.
pub const CRITICAL: u16 = 0x8000;

/// Numbered byte strings, sorted by number, each number once. Unknown ones are kept and ignored,
/// unless [`CRITICAL`] is set in their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extensions(Vec<Extension>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Extension {
    number: u16,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

impl Extensions {
    /// No extensions.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Sets the extension `number`.
    pub fn set(&mut self, number: u16, bytes: Vec<u8>) {
        match self.0.binary_search_by_key(&number, |extension| extension.number) {
            Ok(at) => self.0[at].bytes = bytes,
            Err(at) => self.0.insert(at, Extension { number, bytes }),
        }
    }

    /// Removes the extension `number`.
    pub fn remove(&mut self, number: u16) {
        self.0.retain(|extension| extension.number != number);
    }

    /// The bytes of extension `number`.
    pub fn get(&self, number: u16) -> Option<&[u8]> {
        let at = self.0.binary_search_by_key(&number, |extension| extension.number).ok()?;
        Some(&self.0[at].bytes)
    }

    /// Checks order and critical numbers after decoding; `known` are the numbers that the caller
    /// understands, `what` names the structure.
    ///
    /// # Errors
    /// `Damaged` when the numbers are not sorted or repeat; `Unsupported` for an unknown critical one.
    pub fn check(&self, known: &[u16], what: &str) -> Result<()> {
        if !self.0.windows(2).all(|pair| pair[0].number < pair[1].number) {
            return Err(Error::damaged(what, "its extensions are not in order"));
        }
        match self.0.iter().find(|extension| extension.number & CRITICAL != 0 && !known.contains(&extension.number)) {
            Some(extension) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{what} needs extension {:#06x}, which this version does not know", extension.number),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_extensions_are_kept_and_critical_ones_refused() {
        let mut extensions = Extensions::none();
        extensions.set(7, vec![1]);
        extensions.set(3, vec![2]);
        assert!(extensions.check(&[], "node").is_ok());
        assert_eq!(extensions.get(3), Some(&[2][..]));
        extensions.set(CRITICAL | 1, vec![]);
        assert_eq!(extensions.check(&[], "node").unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(extensions.check(&[CRITICAL | 1], "node").is_ok());
    }

    #[test]
    fn extensions_out_of_order_are_damage() {
        let twice = Extensions(vec![Extension { number: 1, bytes: vec![] }, Extension { number: 1, bytes: vec![] }]);
        assert_eq!(twice.check(&[], "node").unwrap_err().kind(), ErrorKind::Damaged);
    }
}
