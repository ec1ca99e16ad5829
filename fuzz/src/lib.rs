//! What must hold for any bytes at all: no decoder panics, allocates what a file merely claims, or
//! reads two byte strings as the same thing.
//!
//! One function for each target. They are here and not in the targets, so that `cargo test` runs the
//! kept seeds through them without a fuzzer.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod calendars;
mod choices;
mod configurations;
mod forgery;
mod objects;
mod policies;
mod restores;
mod structures;
mod texts;

pub mod examples;

pub use calendars::calendar;
pub use configurations::configuration;
pub use objects::{frame_content, key_slot, object_header, pack, sealed_object};
pub use policies::keep_policy;
pub use restores::restore_plan;
pub use structures::{index_segment, list_page, manifest, pack_directory, record, tree_page};
pub use texts::{description, filter_patterns, find_pattern, snapshot_selection};

/// A target: what it does with any bytes.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 19] = [
    ("calendar", calendar),
    ("configuration", configuration),
    ("description", description),
    ("filter_patterns", filter_patterns),
    ("find_pattern", find_pattern),
    ("frame_content", frame_content),
    ("index_segment", index_segment),
    ("keep_policy", keep_policy),
    ("key_slot", key_slot),
    ("list_page", list_page),
    ("manifest", manifest),
    ("object_header", object_header),
    ("pack", pack),
    ("pack_directory", pack_directory),
    ("record", record),
    ("restore_plan", restore_plan),
    ("sealed_object", sealed_object),
    ("snapshot_selection", snapshot_selection),
    ("tree_page", tree_page),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_kept_seed_passes_its_target() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        for (name, target) in TARGETS {
            let mut count = 0;
            for entry in fs::read_dir(seeds.join(name)).unwrap() {
                target(&fs::read(entry.unwrap().path()).unwrap());
                count += 1;
            }
            assert!(count > 0, "{name} has seeds");
        }
    }

    #[test]
    fn every_target_is_built_by_cargo_fuzz() {
        let manifest = include_str!("../Cargo.toml");
        for (name, _) in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} stands in Cargo.toml");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
