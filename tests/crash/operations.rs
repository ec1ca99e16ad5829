//! What a user, a disk and bad luck may do to a repository; `play` does it.

use strongroom::manifest::Kind;

use super::endings::Ending;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A file gets this content, of a sort and length that follow from the number.
    Write { file: u8, content: u8 },
    /// A file is removed.
    Remove { file: u8 },
    /// A verb runs; with an ending, it ends at a writing call: so many 256ths of the calls that it made
    /// the last time.
    Run(Action, Option<(u8, Ending)>),
    /// The cache of this machine is lost.
    LoseCache,
    /// The catalog in it is lost.
    LoseCatalog,
    /// The repository is copied to another place.
    Copy,
    /// The copy takes turns with the original.
    Swap,
    /// The repository as it was at the last copying is put back in its place.
    RollBack,
}

/// A verb of the model; which snapshot is meant follows from the number.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    Snapshot(Kind, bool),
    Forget(u8),
    Pin(u8, bool),
    Prune { keep_last: u8 },
    Check,
    Repair,
}

/// What a run of operations did, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Verbs that ended as they should.
    pub done: u64,
    /// Endings that struck.
    pub struck: u64,
    /// Power cuts among them.
    pub power_cuts: u64,
    /// Snapshots that were reported as saved.
    pub reported: u64,
    /// Times that a snapshot was read whole and compared.
    pub compared: u64,
}
