//! Paths that stand in a file instead of on the command line.
//!
//! A path is taken to the letter: a file of lines cannot name what has a line break in its name, one with a NUL behind
//! each path can name everything.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::global::quoted;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::names;

/// Reads the paths in each of `files`, `-` being standard input: one a line, or with a NUL behind each.
///
/// # Errors
/// `NotFound`, `Denied`; `Invalid` when one names nothing, or standard input is asked for twice: whoever gave an
/// empty list did not mean everything that was saved before.
pub fn read_paths(files: &[PathBuf], is_nul_separated: bool) -> Result<Vec<PathBuf>> {
    if files.iter().filter(|file| is_standard_input(file)).count() > 1 {
        return Err(Error::new(ErrorKind::Invalid, "standard input can be read once only: give `--files-from -` once"));
    }
    let mut paths = Vec::new();
    for file in files {
        let found = split_paths(&read(file)?, is_nul_separated).map_err(|error| error.context(name(file)))?;
        paths.extend(found);
    }
    Ok(paths)
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn name(file: &Path) -> String {
    if is_standard_input(file) { "standard input".to_owned() } else { quoted(file).to_string() }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if is_standard_input(file) { std::io::stdin().read_to_end(&mut bytes).map(|_| bytes) } else { std::fs::read(file) };
    read.map_err(|error| Error::io("cannot read the paths in", name(file), error))
}

fn split_paths(bytes: &[u8], is_nul_separated: bool) -> Result<Vec<PathBuf>> {
    let end = if is_nul_separated { b'\0' } else { b'\n' };
    let parts = bytes.split(|byte| *byte == end).filter(|part| !part.is_empty());
    let paths: Vec<PathBuf> = parts.map(|part| names::into_path(part.to_vec())).collect();
    if paths.iter().any(|path| names::to_bytes(&path).contains(&0)) {
        return Err(Error::new(ErrorKind::Invalid, "no path has a NUL in it; give --null where one stands behind each path"));
    }
    if paths.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "there is no path in it, so nothing is saved"));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8], is_nul_separated: bool) -> Vec<Vec<u8>> {
        let paths = split_paths(bytes, is_nul_separated).unwrap();
        paths.into_iter().map(names::into_bytes).collect()
    }

    #[test]
    fn each_line_is_a_path_byte_by_byte() {
        assert_eq!(texts(b" a \n\n# b\r\nc\xff", false), [&b" a "[..], b"# b\r", b"c\xff"]);
        assert_eq!(texts(b"a\nb\0c\0", true), [&b"a\nb"[..], b"c"]);
    }

    #[test]
    fn a_list_that_names_nothing_or_is_of_the_other_sort_is_refused() {
        for (bytes, is_nul_separated) in [(&b""[..], false), (b"\n\n", false), (b"\0", true), (b"a\0b\0", false)] {
            assert_eq!(split_paths(bytes, is_nul_separated).unwrap_err().kind(), ErrorKind::Invalid, "{bytes:?}");
        }
        assert!(read_paths(&["-".into(), "-".into()], false).is_err());
    }
}
