//! The `repo` command; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all, so that nothing this program makes can be read by others, not even for a moment.
    strongroom::platform::process::make_private();
    strongroom::cli::main()
}
