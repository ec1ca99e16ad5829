//! Patterns to include that find nothing.

use super::*;
use crate::source::Filter;

fn unmatched(bench: &Bench, manifest: &Manifest, patterns: &[&str], is_dry: bool) -> Vec<String> {
    let include = Filter::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>()).ok();
    let (_, findings) = bench.restore_or_foresee(is_dry, manifest, &Request { include, verify: true, ..bench.request() });
    let patterns = findings.iter().filter_map(|finding| finding.message.split('`').nth(1).map(str::to_owned));
    assert!(findings.iter().all(|finding| finding.kind == FindingKind::NotRestored), "{findings:?}");
    patterns.collect()
}

#[test]
fn a_pattern_to_include_that_matches_nothing_is_named_and_others_are_not() {
    let bench = Bench::new();
    bench.write("photos/2020/a.jpg", "x");
    bench.write("mail/inbox", "x");
    let manifest = bench.snapshot();
    for is_dry in [true, false] {
        assert_eq!(unmatched(&bench, &manifest, &["contrakt.pdf"], is_dry), ["contrakt.pdf"]);
        // One within what another takes in, a folder, and one that only takes out.
        assert!(unmatched(&bench, &manifest, &["photos/", "a.jpg", "inbox", "!nothing"], is_dry).is_empty());
        assert_eq!(unmatched(&bench, &manifest, &["inbox/", "inbox", "/photos"], is_dry), ["inbox/", "/photos"]);
    }
    let above = format!("{}/**", bench.source.path().display());
    let below = Request { include: Filter::new(&[above]).ok(), ..bench.request_below("photos") };
    assert!(bench.restore(&manifest, &below).1.is_empty(), "what was asked for by its path matches");
}
