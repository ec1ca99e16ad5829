//! Damage in words and in JSON: by object, and by what it costs.

use serde::Serialize;

use super::output::Output;
use super::text::grouped;
use crate::browse::json;
use crate::error::Result;
use crate::units::{PathText, lossy_text};
use crate::verify::{Affected, DamagedObject};

/// So many snapshots are named for a path; `--json` has all.
const SNAPSHOTS_SHOWN: usize = 5;

/// An object that is not as it was written.
#[derive(Serialize)]
pub struct ObjectLine<'a> {
    name: &'a str,
    problem: &'a str,
}

impl<'a> ObjectLine<'a> {
    /// The line of `object`.
    pub fn of(object: &'a DamagedObject) -> Self {
        Self { name: &object.name, problem: &object.problem }
    }
}

/// A path that cannot be restored whole.
#[derive(Serialize)]
pub struct AffectedLine {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    snapshots: Vec<String>,
    problem: String,
}

impl AffectedLine {
    /// The line of `affected`.
    pub fn of(affected: &Affected) -> Self {
        Self {
            path: lossy_text(&affected.path).into_owned(),
            path_hex: json::hex_where_needed(&affected.path),
            snapshots: affected.snapshots.iter().map(ToString::to_string).collect(),
            problem: affected.problem.clone(),
        }
    }
}

/// Prints the paths that cannot be restored whole, a line each, and how many are not listed.
pub fn print_affected(affected: &[Affected], more: u64, output: &mut Output) -> Result<()> {
    affected.iter().try_for_each(|affected| output.line(AffectedText(affected)))?;
    if more > 0 {
        output.line(format_args!("and {} more that are not listed", grouped(more)))?;
    }
    Ok(())
}

struct AffectedText<'a>(&'a Affected);

impl std::fmt::Display for AffectedText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Affected { path, snapshots, problem } = self.0;
        let shown: Vec<String> = snapshots.iter().take(SNAPSHOTS_SHOWN).map(|id| id.short()).collect();
        let word = if snapshots.len() == 1 { "snapshot" } else { "snapshots" };
        write!(f, "\"{}\" in {word} {}", PathText(path), shown.join(", "))?;
        match snapshots.len().saturating_sub(SNAPSHOTS_SHOWN) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        write!(f, ": {problem}")
    }
}
