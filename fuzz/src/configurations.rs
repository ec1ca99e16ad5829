//! Configurations of jobs.

use std::path::Path;

use strongroom::config::read;

/// The text of a configuration: it is read, or every mistake has a place in it and can be shown.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match read(Path::new("repo.toml"), text) {
        Ok(config) => {
            assert_eq!(config.text, text);
            for job in &config.jobs {
                assert!(config.job(&job.name).is_some());
                let _ = (job.keep.policy(), job.snapshot_options(), job.unwanted());
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.mistakes.is_empty(), "what is refused has a reason");
            assert!(mistakes.mistakes.iter().all(|mistake| mistake.span.start <= text.len()), "it is wrong within itself");
            assert!(!mistakes.to_string().is_empty());
        }
    }
}
