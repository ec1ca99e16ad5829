//! Paths as bytes: put together and taken apart.

/// `folder/name`.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    if folder != b"/" {
        path.extend_from_slice(folder);
    }
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

/// The folder above `path` and its own name; for `/` both are `/`.
pub(super) fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) if path.len() == 1 => (b"/", b"/"),
        Some(0) => (b"/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"/", path),
    }
}
