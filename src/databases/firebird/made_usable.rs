//! Makes the copy of a locked file usable: the one place that clears the state in a header.
//!
//! The copy of a locked file says that it is locked, and a server looks for its difference file in vain. Firebird's own
//! tool for that only flips the bits, on whatever path it is given. On the live file of a locked database that throws away
//! every row that was committed since the lock, with exit code 0 and no word. So that tool is never run. The bits are
//! cleared here, through a handle that can be had in one way only: by making the file, new, under a name that was free.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::header::{FLAGS_AT, Header, STATE_MASK, State, shown};
use super::lock::difference_file;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{EntryType, Identity, content, durability, look, private};
use crate::units::Timestamp;

/// A file of a database that we have made ourselves, since this was made; nobody else can have it open as a database.
#[derive(Debug)]
pub struct NewCopy {
    path: PathBuf,
    file: File,
    identity: Identity,
}

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    /// It said that it was locked, and no longer does.
    Cleared,
    /// It was not locked.
    AsItWas,
}

impl NewCopy {
    /// Makes the file, for its owner only.
    ///
    /// # Errors
    /// `Exists` when anything has this name, and when a difference file lies beside it.
    pub fn create(path: &Path) -> Result<Self> {
        refuse_difference(path)?;
        let failed = |error: std::io::Error| Error::io("cannot make", shown(path), error);
        let file = private::new_file_to_read(path).map_err(failed)?;
        let identity = look::at_handle(&file).map_err(|failure| failed(failure.into()))?.identity;
        Ok(Self { path: path.to_owned(), file, identity })
    }

    /// Makes the file and fills it.
    ///
    /// # Errors
    /// As [`NewCopy::create`], and those of reading and writing.
    pub fn create_from(path: &Path, bytes: &mut dyn Read) -> Result<Self> {
        let mut copy = Self::create(path)?;
        std::io::copy(bytes, &mut copy).map_err(|error| Error::io("cannot write", shown(path), error))?;
        Ok(copy)
    }

    /// A file that was made since `begun`, by a restore that began then. A database that people work with is older, and a
    /// file that was put in the place of one is not the one that a server has open.
    ///
    /// # Errors
    /// `Invalid` for a file that is older, has another name too, is no file, or does not say when it was born; `Exists`
    /// where a difference file lies beside it.
    pub fn made_since(path: &Path, begun: Timestamp) -> Result<Self> {
        refuse_difference(path)?;
        let failed = |error: std::io::Error| Error::io("cannot open", shown(path), error);
        let refused = |why: &str| Error::new(ErrorKind::Invalid, format!("{} is not known to be a new copy: {why}", shown(path)));
        let before = look::at_path(path).map_err(|failure| failed(failure.into()))?;
        if before.entry_type != EntryType::File || before.links != 1 {
            return Err(refused("it is no file, or has another name too"));
        }
        let file = std::fs::OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        let found = look::at_handle(&file).map_err(|failure| failed(failure.into()))?;
        let born = file.metadata().and_then(|metadata| metadata.created()).map_err(|_| refused("nobody knows when it was made"))?;
        let born = born.duration_since(std::time::UNIX_EPOCH).map_err(|_| refused("it was made long ago"))?;
        if Timestamp::new(born.as_secs() as i64, born.subsec_nanos()) < begun {
            return Err(refused("it was there before"));
        }
        let copy = Self { path: path.to_owned(), file, identity: found.identity };
        if before.identity == found.identity { Ok(copy) } else { Err(changed(path)) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the name still means this file.
    pub fn is_in_its_place(&self) -> bool {
        look::at_path(&self.path).is_ok_and(|found| found.identity == self.identity)
    }

    /// The same file under the name that it was given since.
    ///
    /// # Errors
    /// `Changed` when `path` is another file.
    pub fn renamed(self, path: &Path) -> Result<Self> {
        let renamed = Self { path: path.to_owned(), ..self };
        if renamed.is_in_its_place() { Ok(renamed) } else { Err(changed(path)) }
    }
}

impl Write for NewCopy {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Clears the state "locked" of a copy, and waits until that is on the disk.
///
/// # Errors
/// `Exists` where a difference file lies beside it; `Damaged` for a copy of a database that was merging, which is torn;
/// `Changed` when its name means another file now; `Invalid` for what is no database.
pub fn clear_lock(copy: &NewCopy) -> Result<Usable> {
    if !copy.is_in_its_place() {
        return Err(changed(&copy.path));
    }
    let header = Header::read(&copy.file, &copy.path)?;
    refuse_difference(&copy.path)?;
    match header.state {
        State::Normal => return Ok(Usable::AsItWas),
        State::Merging => return Err(Error::damaged(shown(&copy.path), "it was copied while its difference file was merged")),
        State::Locked => {}
    }
    if let Some(difference) = header.difference.as_deref().map(|name| difference_file(&copy.path, Some(name)))
        && difference.parent() == copy.path.parent()
        && difference.exists()
    {
        return Err(beside(&copy.path, &difference));
    }
    let failed = |error: std::io::Error| Error::io("cannot write", shown(&copy.path), error);
    let mut flags = [0; 2];
    content::read_exact_at(&copy.file, &mut flags, FLAGS_AT as u64).map_err(failed)?;
    let cleared = u16::from_le_bytes(flags) & !STATE_MASK;
    content::write_all_at(&copy.file, &cleared.to_le_bytes(), FLAGS_AT as u64).map_err(|failure| failed(failure.into()))?;
    durability::sync_content(&copy.file).map_err(|failure| failed(failure.into()))?;
    Ok(Usable::Cleared)
}

fn refuse_difference(path: &Path) -> Result<()> {
    let difference = difference_file(path, None);
    match difference.symlink_metadata() {
        Ok(_) => Err(beside(path, &difference)),
        Err(_) => Ok(()),
    }
}

fn beside(path: &Path, difference: &Path) -> Error {
    Error::new(
        ErrorKind::Exists,
        format!("{} lies beside {}: that may belong to a database that is locked", shown(difference), shown(path)),
    )
    .with_hint("restore into another folder")
}

fn changed(path: &Path) -> Error {
    Error::new(ErrorKind::Changed, format!("{} is not the file that was made", shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(state: u8) -> Vec<u8> {
        let mut page: Vec<u8> = (0..8192_u32).map(|at| at as u8).collect();
        page[0] = 1;
        page[16..20].copy_from_slice(&[0, 32, 12, 128]);
        page[42..44].copy_from_slice(&[0x12, state]);
        page[132] = 0;
        page
    }

    #[test]
    fn a_copy_of_a_locked_file_loses_the_bits_of_the_lock_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fdb");
        let copy = NewCopy::create_from(&path, &mut &page(4)[..]).unwrap();
        assert_eq!(clear_lock(&copy).unwrap(), Usable::Cleared);
        assert_eq!(std::fs::read(&path).unwrap(), page(0));
        assert_eq!(clear_lock(&copy).unwrap(), Usable::AsItWas);
    }

    #[test]
    fn a_file_that_was_there_is_no_new_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fdb");
        std::fs::write(&path, page(4)).unwrap();
        assert_eq!(NewCopy::create(&path).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(std::fs::read(&path).unwrap(), page(4));
    }

    #[test]
    fn a_copy_of_a_restore_is_one_that_was_born_since_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.fdb"), folder.path().join("b.fdb"));
        std::fs::write(&path, page(4)).unwrap();
        let Ok(born) = std::fs::metadata(&path).unwrap().created() else { return };
        let born = born.duration_since(std::time::UNIX_EPOCH).unwrap();
        let born = Timestamp::new(born.as_secs() as i64, born.subsec_nanos());
        let kind = |path: &Path, begun| NewCopy::made_since(path, begun).err().map(|error| error.kind());
        assert_eq!(kind(&path, born), None);
        assert_eq!(kind(&path, Timestamp::new(born.seconds + 1, 0)), Some(ErrorKind::Invalid));
        std::fs::hard_link(&path, &other).unwrap();
        assert_eq!(kind(&path, born), Some(ErrorKind::Invalid));
        std::fs::remove_file(&other).unwrap();
        std::fs::write(folder.path().join("a.fdb.delta"), "").unwrap();
        assert_eq!(kind(&path, born), Some(ErrorKind::Exists));
    }

    #[test]
    fn nothing_is_cleared_beside_a_difference_file_or_of_another_file_of_that_name_or_in_a_merge() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.fdb"), folder.path().join("b.fdb"));
        let delta = folder.path().join("a.fdb.delta");
        let copy = NewCopy::create_from(&path, &mut &page(4)[..]).unwrap();
        std::fs::write(&delta, "").unwrap();
        assert_eq!(clear_lock(&copy).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(NewCopy::create(&other.with_file_name("a.fdb")).unwrap_err().kind(), ErrorKind::Exists);
        std::fs::remove_file(&delta).unwrap();
        std::fs::rename(&path, &other).unwrap();
        std::fs::write(&path, page(4)).unwrap();
        assert_eq!(clear_lock(&copy).unwrap_err().kind(), ErrorKind::Changed);
        for file in [&path, &other] {
            assert_eq!(std::fs::read(file).unwrap(), page(4));
        }
        assert_eq!(clear_lock(&copy.renamed(&other).unwrap()).unwrap(), Usable::Cleared);
        let merging = NewCopy::create_from(&folder.path().join("c.fdb"), &mut &page(8)[..]).unwrap();
        assert_eq!(clear_lock(&merging).unwrap_err().kind(), ErrorKind::Damaged);
    }
}
