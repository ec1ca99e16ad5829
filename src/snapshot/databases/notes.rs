//! Short files about the run itself, as they are given.

use super::folder::Folder;
use super::means::Means;
use crate::databases::{Account, Entry, EntryKind, Held};
use crate::error::Result;
use crate::manifest::{NOTES_FOLDER, RootEntry};
use crate::snapshot::paths::split_path;

/// Saves `notes` in a folder of their own. What is as in the base keeps its time, so that nothing changed where nothing did.
///
/// # Errors
/// Those of the repository.
pub(in crate::snapshot) fn save_notes(notes: &[(String, Vec<u8>)], means: &mut Means<'_, '_, '_>) -> Result<RootEntry> {
    let before = means.base_nodes(NOTES_FOLDER);
    let mut folder = Folder::new(means.node(split_path(NOTES_FOLDER).1, 0o700, means.now));
    for (name, content) in notes {
        let kind = EntryKind::File(Some(content.len() as u64));
        let entry = Entry { path: name.clone().into_bytes(), kind, mode: 0o600, mtime: means.now };
        let node = means.save(&mut Note(content), &entry)?;
        let known = before.get(name.as_bytes()).filter(|known| known.content == node.content);
        folder.add(name.as_bytes(), known.cloned().unwrap_or(node))?;
    }
    let node = folder.write(&mut means.pages)?;
    let node = means.as_before(NOTES_FOLDER, node);
    Ok(RootEntry { path: NOTES_FOLDER.to_vec(), node })
}

/// A note that is read.
struct Note<'n>(&'n [u8]);

impl Held for Note<'_> {
    fn next_entry(&mut self) -> Result<Option<Entry>> {
        Ok(None)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let bytes = buffer.len().min(self.0.len());
        buffer[..bytes].copy_from_slice(&self.0[..bytes]);
        self.0 = &self.0[bytes..];
        Ok(bytes)
    }

    fn finish(self: Box<Self>) -> Result<Account> {
        Ok(Account::default())
    }
}
