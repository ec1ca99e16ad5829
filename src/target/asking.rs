//! Extended attributes of what is in a folder already, read to be compared: also where there is no `/proc`, as in
//! a rescue system.

use super::folder::Folder;
use crate::platform::attributes::{self, Place};
use crate::platform::failure::{Failure, Result};
use crate::platform::{AsHandle, EntryType, Existing, look, names};

impl Folder {
    /// The names of the attributes of the entry `name`, which is `existing`; of the folder itself with an empty name.
    pub(super) fn xattr_names(&self, name: &[u8], existing: &Existing) -> Result<Vec<Vec<u8>>> {
        let mut list = vec![0; 512];
        let ask = |buffer: &mut [u8]| self.ask((name, existing), |place| place.list(&mut *buffer));
        let count = match ask(&mut list) {
            Err(Failure::NO_ROOM) => {
                list.resize(attributes::BYTES_MAX, 0);
                ask(&mut list)?
            }
            other => other?,
        };
        Ok(list[..count].split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// The value of an attribute; of one that is longer than `bytes` only the error.
    pub(super) fn xattr(&self, name: &[u8], existing: &Existing, attribute: &[u8], bytes: usize) -> Result<Vec<u8>> {
        let mut value = vec![0; bytes + 1];
        let count = self.ask((name, existing), |place| place.get(attribute, &mut value))?;
        value.truncate(count);
        Ok(value)
    }

    /// Asks for attributes of an entry: through `/proc`, which costs one call, and where that is not to be had,
    /// by a handle. What must not be opened is asked by its path then, as long as that leads to it.
    fn ask(&self, (name, existing): (&[u8], &Existing), mut ask: impl FnMut(&Place<'_>) -> Result<usize>) -> Result<usize> {
        if name.is_empty() {
            return ask(&Place::Handle(self.handle()));
        }
        match ask(&Place::entry(self, name)) {
            Err(Failure::NOT_FOUND | Failure::DENIED | Failure::NO_FOLDER | Failure::IS_LINK) => {}
            answer => return answer,
        }
        if matches!(existing.entry_type, EntryType::File | EntryType::Directory) {
            let handle = self.open_to_look(name)?;
            return ask(&Place::Handle(handle.as_handle()));
        }
        let path = self.path_of(name);
        let count = ask(&Place::Path(path.clone()))?;
        let found = look::at_path(&names::to_path(&path))?;
        if found.identity == existing.identity { Ok(count) } else { Err(Failure::STALE) }
    }
}
