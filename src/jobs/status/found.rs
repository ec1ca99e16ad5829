//! What was found.

use std::path::PathBuf;

use super::growth::Growth;
use super::series::SeriesStatus;
use crate::units::Timestamp;

/// Whether all is well.
#[derive(Clone, Debug)]
pub struct Status {
    /// When it was looked.
    pub looked_at: Timestamp,
    /// One sentence for a person who knows nothing.
    pub sentence: String,
    /// Whether all is well.
    pub is_well: bool,
    /// Stored data is known to be damaged.
    pub is_damaged: bool,
    /// Each series, the gravest first.
    pub series: Vec<SeriesStatus>,
    /// How fast the repository grows.
    pub growth: Growth,
    /// What else its owner should know, one sentence each.
    pub warnings: Vec<String>,
    /// Folders beside the sources that no job covers.
    pub uncovered: Vec<PathBuf>,
}
