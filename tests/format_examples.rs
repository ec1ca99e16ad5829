//! `docs/format.md` and the code say the same: every example of the document is made here from code,
//! field by field, and compared with the block of its name; every limit is compared with the source.
//!
//! `UPDATE=1 cargo test --test format_examples` writes the blocks anew. A changed block is a changed
//! format: the commit that changes one says so.

#[path = "format_examples/block.rs"]
mod block;
#[path = "format_examples/inputs.rs"]
mod inputs;
#[path = "format_examples/keys.rs"]
mod keys;
#[path = "format_examples/limits.rs"]
mod limits;
#[path = "format_examples/objects.rs"]
mod objects;
#[path = "format_examples/snapshots.rs"]
mod snapshots;

use block::Block;

/// The document as it lies in the repository of the program.
fn document() -> (std::path::PathBuf, String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md");
    let text = std::fs::read_to_string(&path).expect("docs/format.md is there");
    (path, text)
}

#[test]
fn every_example_of_the_format_document_is_what_the_code_makes() {
    let blocks: Vec<Block> = [keys::blocks(), objects::blocks(), snapshots::blocks()].into_iter().flatten().collect();
    let (path, text) = document();
    let mut wanted = text.clone();
    for block in &blocks {
        wanted = block::replace(&wanted, block);
    }
    assert_eq!(block::names(&text).len(), blocks.len(), "the document has other examples than this test");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("docs/format.md can be written");
    } else if let Some((old, new)) = text.lines().zip(wanted.lines()).find(|(old, new)| old != new) {
        panic!("docs/format.md says\n  {old}\nthe code makes\n  {new}\n(UPDATE=1 writes the examples anew)");
    } else {
        assert_eq!(text, wanted);
    }
}

#[test]
fn every_limit_of_the_format_document_is_the_constant_of_the_source() {
    let (_, text) = document();
    let rows = limits::rows(&text);
    assert!(rows.len() >= 20, "the table of limits was not found");
    for row in rows {
        assert_eq!(limits::value_in_source(&row), row.value, "{} of {}", row.name, row.file);
    }
}
