//! Pages of a folder whose names lie outside of what their neighbours leave: every command that reads trees
//! refuses the same.

use strongroom::id::ChunkId;
use strongroom::manifest::{Content, Page, PageRef, TreeRef};
use strongroom::repository::Sink;
use strongroom::wire;

use super::Forger;
use super::forger::{node, store_leaf};

fn leaf(sink: &Sink, names: &[&str]) -> TreeRef {
    store_leaf(sink, names.iter().map(|name| node(name.as_bytes(), Content::Fifo)).collect())
}

/// A page above these, each with the last name that its reference says.
fn inner(sink: &Sink, below: &[(TreeRef, &str)]) -> TreeRef {
    let page_ref = |(tree, last): &(TreeRef, &str)| PageRef { last_name: last.as_bytes().to_vec(), id: tree.id, entries: tree.entries };
    let refs: Vec<PageRef> = below.iter().map(page_ref).collect();
    let (depth, entries) = (below[0].0.depth + 1, refs.iter().map(|page| page.entries).sum());
    let id: ChunkId = sink.store_meta(&wire::encode(&Page::Inner(refs))).unwrap();
    TreeRef { id, depth, entries }
}

/// A folder, and whether it is as it should be.
type Make = fn(&Sink) -> TreeRef;

#[test]
fn names_out_of_range_of_their_page_are_refused_by_every_command_that_reads_trees() {
    let folders: [(&str, bool, Make); 7] = [
        ("in order", true, |sink| inner(sink, &[(leaf(sink, &["a", "b"]), "b"), (leaf(sink, &["c", "d"]), "d")])),
        ("a name twice", false, |sink| inner(sink, &[(leaf(sink, &["a", "b"]), "b"), (leaf(sink, &["b", "d"]), "d")])),
        ("pages across", false, |sink| inner(sink, &[(leaf(sink, &["a", "c"]), "c"), (leaf(sink, &["b", "d"]), "d")])),
        ("another last name", false, |sink| inner(sink, &[(leaf(sink, &["a", "b"]), "b"), (leaf(sink, &["c", "d"]), "e")])),
        ("a level further down", false, |sink| {
            let first = inner(sink, &[(leaf(sink, &["a"]), "a"), (leaf(sink, &["m"]), "m")]);
            let second = inner(sink, &[(leaf(sink, &["l", "n"]), "n"), (leaf(sink, &["z"]), "z")]);
            inner(sink, &[(first, "m"), (second, "z")])
        }),
        // The same page stands in two folders, in one of them behind names that come after its own.
        ("a page that is right elsewhere", false, |sink| {
            let shared = leaf(sink, &["c", "d"]);
            let right = inner(sink, &[(leaf(sink, &["a", "b"]), "b"), (shared, "d")]);
            let wrong = inner(sink, &[(leaf(sink, &["a", "cc"]), "cc"), (shared, "d")]);
            store_leaf(sink, vec![node(b"right", Content::Directory(right)), node(b"wrong", Content::Directory(wrong))])
        }),
        ("a page below one that is right elsewhere", false, |sink| {
            let shared = inner(sink, &[(leaf(sink, &["c", "d"]), "d"), (leaf(sink, &["e"]), "e")]);
            let begin = |names: &[&str], last| inner(sink, &[(leaf(sink, &names[..1]), names[0]), (leaf(sink, &names[1..]), last)]);
            let right = inner(sink, &[(begin(&["a", "b"], "b"), "b"), (shared, "e")]);
            let wrong = inner(sink, &[(begin(&["a", "cc"], "cc"), "cc"), (shared, "e")]);
            store_leaf(sink, vec![node(b"right", Content::Directory(right)), node(b"wrong", Content::Directory(wrong))])
        }),
    ];
    for (what, is_right, make) in folders {
        let forger = Forger::new();
        let honest = forger.repository.objects().list_snapshots().unwrap()[0].to_string();
        let id = forger.put_snapshot(make);
        let code = if is_right { 0 } else { 4 };
        let is_same = |ran: crate::cli_place::Ran| assert_eq!(ran.code, code, "{what}: {}{}", ran.stdout, ran.stderr);
        is_same(forger.restore(&id));
        is_same(forger.run(&["-q", "ls", "-R", &id]));
        is_same(forger.run(&["-q", "diff", &honest, &id]));
        is_same(forger.run(&["-q", "check"]));
        // Prune asks only what lies below, and looks at a page once.
        if !what.contains("elsewhere") {
            is_same(forger.run(&["-q", "prune", "-n"]));
        }
    }
}
