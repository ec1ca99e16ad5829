//! From where on a change is more than a day's work.

/// A part of a whole, in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u8);

impl Share {
    /// Whether `part` of `whole` is at least this share.
    pub fn is_reached(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 100 >= u128::from(whole) * u128::from(self.0)
    }
}

/// From where on a change is more than a day's work. `None` looks at nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many of the files of a source are gone.
    pub lost_files: Option<Share>,
    /// So many files are written anew.
    pub rewritten: Option<Share>,
    /// A database that has less than this share of its last size has lost something; for each by its name.
    pub database_floors: Vec<(String, Share)>,
    /// The floor of databases that are not named there.
    pub database_floor: Option<Share>,
}

impl Default for Limits {
    /// Half of everything: nobody does that in a day, and who does can say so.
    fn default() -> Self {
        let half = Some(Share(50));
        Self { lost_files: half, rewritten: half, database_floors: Vec::new(), database_floor: half }
    }
}

impl Limits {
    /// The floor of the database `name`.
    pub(super) fn floor(&self, name: &str) -> Option<Share> {
        self.database_floors.iter().find(|(named, _)| named == name).map(|(_, share)| *share).or(self.database_floor)
    }
}
