//! Moves objects out of the way, where they can still be looked at and put back from: what is damaged, and what is
//! left of a repository where a new one is made.

use std::collections::BTreeSet;

use super::layout::DAMAGED;
use super::reserve::with_reserve;
use crate::error::{ErrorKind, Result};
use crate::storage::Storage;

/// An object that was damaged again and again gets so many names at most.
const NAMES_MAX: u32 = 1000;

/// Moves the objects `names` to `damaged/`, under their own names, durably. What is not there is passed
/// over.
///
/// # Errors
/// Those of the storage.
pub fn set_aside<'n>(storage: &dyn Storage, names: impl IntoIterator<Item = &'n str>) -> Result<()> {
    let mut folders = BTreeSet::new();
    for name in names {
        if move_object(storage, name)? {
            for name in [name.to_owned(), format!("{DAMAGED}/{name}")] {
                folders.insert(name.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned()));
            }
        }
    }
    if folders.is_empty() { Ok(()) } else { storage.sync(&folders.into_iter().collect::<Vec<_>>()) }
}

/// True when it was there.
fn move_object(storage: &dyn Storage, name: &str) -> Result<bool> {
    let mut new_name = format!("{DAMAGED}/{name}");
    let mut number = 1;
    loop {
        // A name in another folder may need a block.
        match with_reserve(storage, || storage.set_aside(name, &new_name)) {
            Ok(()) => return Ok(true),
            Err(error) if error.is_not_found() => return Ok(false),
            // An earlier repair set aside an object of this name, which came back with a copy.
            Err(error) if error.kind() == ErrorKind::Exists && number < NAMES_MAX => {
                number += 1;
                new_name = format!("{DAMAGED}/{name}.{number}");
            }
            Err(error) => return Err(error),
        }
    }
}
