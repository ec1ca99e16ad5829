//! The threads of all parallel work, which are started once for the whole process.

use crate::error::{Error, ErrorKind, Result};

/// Deep trees are walked without recursion, but compressors and ciphers like their room.
const STACK_BYTES: usize = 16 << 20;

/// Starts the threads of all parallel work: `threads`, or one for each core. Where the system grants
/// fewer, fewer do.
///
/// # Errors
/// `Other` when not even one is granted.
pub fn start_threads(threads: Option<u16>) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut wanted = threads.map_or(cores, usize::from);
    loop {
        match rayon::ThreadPoolBuilder::new().num_threads(wanted).stack_size(STACK_BYTES).build_global() {
            Ok(()) => return Ok(()),
            Err(_) if wanted > 1 => wanted /= 2,
            Err(error) => return Err(Error::new(ErrorKind::Other, "cannot start a thread").with_source(error)),
        }
    }
}
