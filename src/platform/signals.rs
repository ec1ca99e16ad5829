//! Requests to stop, as the system sends them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

/// From here on a request to stop sets `requested`. It ends the process at once while `unwatched` is true, and with the
/// exit code `again` when it is the second one.
///
/// # Errors
/// When the system refuses.
pub fn watch_for_stop(unwatched: &Arc<AtomicBool>, requested: &Arc<AtomicBool>, again: i32) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the flag that ends the process is looked at before it is set.
        flag::register_conditional_default(signal, Arc::clone(unwatched))?;
        flag::register_conditional_shutdown(signal, again, Arc::clone(requested))?;
        flag::register(signal, Arc::clone(requested))?;
    }
    Ok(())
}

/// Makes the write fail of a file that grows beyond the limit of the process, instead of ending the process.
///
/// # Errors
/// When the system refuses.
pub fn outlive_long_files() -> std::io::Result<()> {
    // Nobody asks this flag; that there is a handler is enough.
    flag::register(SIGXFSZ, Arc::default()).map(drop)
}
