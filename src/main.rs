//! The `repo` command; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all, so that nothing this program makes can be read by others, not even for a moment.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    strongroom::cli::main()
}
