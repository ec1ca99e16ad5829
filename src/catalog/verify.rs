//! Compares every row of the catalog with the sealed objects, and changes nothing.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::database::Database;
use super::listing::Sealed;
use super::open::Catalog;
use super::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecordId, SnapshotId};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A manifest.
    Snapshot(SnapshotId),
    /// A record.
    Record(RecordId),
}

/// One way in which the catalog is not what the sealed objects say.
#[derive(Debug)]
pub enum Difference {
    /// It is in the repository, and has no row.
    Missing(Object),
    /// It has a row, and is not in the repository.
    Extra(Object),
    /// Its row says something else than the object.
    Differs(Object),
    /// The object itself cannot be read, so its row cannot be compared.
    Unreadable(Object, Error),
    /// The state row does not fit the rows.
    State,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Snapshot(id) => write!(f, "snapshot {id}"),
            Object::Record(id) => write!(f, "record {id}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing(object) => write!(f, "{object} is not in the catalog"),
            Difference::Extra(object) => write!(f, "{object} is in the catalog only"),
            Difference::Differs(object) => write!(f, "{object} is not what the catalog says"),
            Difference::Unreadable(object, error) => write!(f, "{object} cannot be read: {error}"),
            Difference::State => f.write_str("the catalog does not hold what its state says"),
        }
    }
}

impl Catalog {
    /// Every difference between the rows and the sealed objects.
    ///
    /// # Errors
    /// `Damaged` when a row cannot be read at all: the catalog is set aside. `Interrupted`.
    pub fn verify(&mut self, sealed: &mut Sealed<'_>) -> Result<Vec<Difference>> {
        let state = self.run(Database::state)?;
        let (summaries, records) = self.run(Database::read_all)?.into_rows();
        let mut differences = Vec::new();
        let held = State::of(self.repository, summaries.iter().map(|row| &row.id), records.iter().map(|(id, _)| id));
        if state.unwrap_or_else(|| State::new(self.repository)) != held {
            differences.push(Difference::State);
        }
        let summaries: HashMap<_, _> = summaries.into_iter().map(|row| (row.id, row)).collect();
        let records: HashMap<_, _> = records.into_iter().collect();
        compare(sealed.snapshots, &summaries, Object::Snapshot, sealed.load_manifest, &mut differences)?;
        compare(sealed.records, &records, Object::Record, sealed.load_record, &mut differences)?;
        Ok(differences)
    }
}

fn compare<I: Copy + Eq + std::hash::Hash + Ord, R: PartialEq>(
    listed: &[I],
    rows: &HashMap<I, R>,
    object: fn(I) -> Object,
    load: &mut dyn FnMut(I) -> Result<R>,
    differences: &mut Vec<Difference>,
) -> Result<()> {
    for id in listed {
        match (load(*id), rows.get(id)) {
            (Err(error), _) if error.kind() == ErrorKind::Interrupted => return Err(error),
            (Err(error), _) => differences.push(Difference::Unreadable(object(*id), error)),
            (Ok(_), None) => differences.push(Difference::Missing(object(*id))),
            (Ok(truth), Some(row)) if truth != *row => differences.push(Difference::Differs(object(*id))),
            (Ok(_), Some(_)) => {}
        }
    }
    let listed: HashSet<_> = listed.iter().collect();
    let mut extra: Vec<_> = rows.keys().filter(|id| !listed.contains(id)).copied().collect();
    extra.sort();
    differences.extend(extra.into_iter().map(|id| Difference::Extra(object(id))));
    Ok(())
}
