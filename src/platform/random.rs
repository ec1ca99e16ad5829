//! Random bytes for names, which nobody can take beforehand. Keys are drawn by `crypto`.

use rustix::rand::GetRandomFlags;

use super::failure::{Failure, Result};

/// Fills `bytes` with random ones.
///
/// # Errors
/// Those of a system that has none.
pub fn fill(bytes: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], GetRandomFlags::empty()).map_err(Failure) {
            Ok(count) => filled += count,
            Err(Failure::INTERRUPTED) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}
