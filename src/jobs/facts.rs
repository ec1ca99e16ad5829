//! What a snapshot tells of its run and machine, for the day when the machine is gone: the configuration, and what it ran on.

use serde::Serialize;

use super::context::Context;
use crate::platform::facts;

/// What is known of a machine. Nothing in it changes from one run to the next unless the machine does.
#[derive(Serialize)]
struct Machine {
    program: String,
    host: String,
    system: String,
    kernel: String,
    processors: usize,
    memory_bytes: Option<u64>,
    mounts: Vec<facts::Mount>,
}

/// The notes of a snapshot.
pub(super) fn notes(context: &Context<'_>) -> Vec<(String, Vec<u8>)> {
    let machine = Machine {
        program: format!("strongroom {}", env!("CARGO_PKG_VERSION")),
        host: context.host.clone(),
        system: facts::system_name(),
        kernel: facts::kernel(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: facts::memory_bytes(),
        mounts: facts::mounts(),
    };
    // A structure of texts and numbers is always JSON.
    let machine = serde_json::to_vec_pretty(&machine).unwrap_or_default();
    vec![("repo.toml".to_owned(), context.config.text.clone().into_bytes()), ("machine.json".to_owned(), machine)]
}
