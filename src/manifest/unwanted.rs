//! What a run leaves out by what an entry is, not by its path: large files, and folders that hold a mark.
//!
//! It stands in an extension of the manifest, so that the next run leaves out the same, and that who makes a folder
//! again as it was leaves alone what nobody looked at. Earlier versions pass over it; they go by what the nodes of
//! the folders say (see [`super::Unseen`]).

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::run::Manifest;
use crate::error::Result;
use crate::wire;

/// The extension of a manifest.
const MANIFEST_UNWANTED: u16 = 19;

/// What a run leaves out by what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwanted {
    /// Regular files of more bytes.
    pub larger_than_bytes: Option<u64>,
    /// What is in a folder beside an entry of one of these names.
    pub marks: Vec<ByteBuf>,
}

impl Unwanted {
    /// Whether a regular file of so many bytes is left out.
    pub fn is_too_large(&self, bytes: u64) -> bool {
        self.larger_than_bytes.is_some_and(|limit| bytes > limit)
    }

    /// Whether an entry of this name marks its folder.
    pub fn is_mark(&self, name: &[u8]) -> bool {
        self.marks.iter().any(|mark| mark.as_slice() == name)
    }
}

impl Manifest {
    /// Says what the run left out by what it was.
    pub fn set_unwanted(&mut self, unwanted: &Unwanted) {
        if *unwanted != Unwanted::default() {
            self.extensions.set(MANIFEST_UNWANTED, wire::encode(unwanted));
        }
    }

    /// What the run left out by what it was.
    ///
    /// # Errors
    /// `Damaged` when it cannot be understood.
    pub fn unwanted(&self) -> Result<Unwanted> {
        let Some(bytes) = self.extensions.get(MANIFEST_UNWANTED) else { return Ok(Unwanted::default()) };
        wire::decode(bytes, "what a run left out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_too_large_when_it_is_larger_and_not_when_it_is_as_large() {
        let unwanted = Unwanted { larger_than_bytes: Some(10), marks: vec![ByteBuf::from("mark")] };
        assert!(unwanted.is_too_large(11) && !unwanted.is_too_large(10) && !Unwanted::default().is_too_large(u64::MAX));
        assert!(unwanted.is_mark(b"mark") && !unwanted.is_mark(b"marked"));
    }
}
