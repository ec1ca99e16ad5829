//! What is to be checked.

use crate::units::Timestamp;

/// How much of the data is read. Structure is always checked whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Data {
    /// Nothing.
    None,
    /// A thirtieth of the bytes, those first that were not read for the longest time, so that a
    /// check a day reads everything within 30 days.
    #[default]
    Sample,
    /// So many hundredths of the bytes, above 0 and up to 100, those first that were not read for
    /// the longest time.
    Percent(f64),
    /// Everything.
    All,
}

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// How much of the data is read.
    pub data: Data,
    /// The clock, which says what to remember for the packs that are read.
    pub clock: fn() -> Timestamp,
}

impl Default for Request {
    /// Structure, and a sample of the data.
    fn default() -> Self {
        Self { data: Data::default(), clock: Timestamp::now }
    }
}
