//! The last step of a file: it gets its name, when its content is durable.

use std::fs::File;
use std::sync::Arc;

use super::{NewFile, Opened};
use crate::error::{Error, ErrorKind, Result};
use crate::target::given_names::damaged_name;
use crate::units::PathText;

/// So many damaged copies of one name are told apart before the restore gives up on it.
const DAMAGED_MAX: u32 = 10_000;

impl NewFile {
    /// Gives a complete file its name, and returns its handle if it still has one.
    ///
    /// # Errors
    /// `Exists` when the name is taken and `replace` is false, or is a folder: the file is still in
    /// work then and can get its name with [`NewFile::give_name_as`].
    pub fn give_name(&self, replace: bool) -> Result<Option<Arc<File>>> {
        self.give_name_as(&self.name, replace)
    }

    /// As [`NewFile::give_name`], another name in the same folder.
    ///
    /// # Errors
    /// As there.
    pub fn give_name_as(&self, name: &[u8], replace: bool) -> Result<Option<Arc<File>>> {
        let opened = self.lock().opened.clone();
        match &opened {
            Some(Opened { folder, .. }) => folder.rename_new(&self.temporary, name, replace)?,
            None => match self.destination.folder_as_kept(&self.folder)?.rename_new(&self.temporary, name, replace) {
                // The folder of a kept handle was removed; another one may have its name by now.
                Err(error) if error.is_not_found() => {
                    self.destination.folder(&self.folder)?.rename_new(&self.temporary, name, replace)?;
                }
                other => other?,
            },
        }
        self.end();
        Ok(opened.map(|opened| opened.handle))
    }

    /// Gives a complete file that could not be restored whole a name that says so: `NAME.damaged`, or
    /// the next free `NAME.damaged~2` …
    ///
    /// # Errors
    /// `Exists` when no such name is free.
    pub fn give_damaged_name(&self) -> Result<Vec<u8>> {
        for number in 1..DAMAGED_MAX {
            let name = damaged_name(&self.name, number);
            match self.give_name_as(&name, false) {
                Err(error) if error.kind() == ErrorKind::Exists => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(name),
            }
        }
        Err(Error::new(ErrorKind::Exists, format!("{} has too many damaged copies", PathText(&self.path()))))
    }
}
