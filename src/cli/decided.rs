//! How commands begin that write down what somebody decided.

use super::bar::Bar;
use super::global::Global;
use crate::annotate::Annotator;
use crate::error::Result;
use crate::units::Timestamp;

/// Opens the repository, waits for its lock, and names on standard error what could not be read.
///
/// # Errors
/// As [`Repository::open`](crate::repository::Repository::open) and [`Annotator::begin`].
pub fn begin(global: &Global) -> Result<Annotator> {
    let annotator = Annotator::begin(&global.open()?, Timestamp::now, &Bar::hidden(global))?;
    global.tell_skipped(annotator.catalogued());
    Ok(annotator)
}
