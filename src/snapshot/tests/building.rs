//! A folder that is built beside its base holds what it would hold if it were built of all its entries, whatever was
//! kept, looked at, or gone; and where nothing differs nothing is encoded.

use super::*;
use crate::error::Result;
use crate::id::{ChunkId, RunId};
use crate::manifest::{Metadata, PageStore, TreeRef, TreeWriter};
use crate::repository::{Sink, SinkPages};
use crate::snapshot::building::Building;
use crate::snapshot::cursor::InBase;
use crate::wire::Extensions;

/// Stores pages and counts them.
struct Counted<'s> {
    pages: SinkPages<'s>,
    stored: usize,
}

impl PageStore for Counted<'_> {
    fn hash_name(&self, name: &[u8]) -> u32 {
        self.pages.hash_name(name)
    }

    fn store_page(&mut self, encoded: &[u8]) -> Result<ChunkId> {
        self.stored += 1;
        self.pages.store_page(encoded)
    }
}

fn node(name: &str, mode: u32) -> Node {
    let metadata = Metadata { mode, ..Metadata::default() };
    Node { name: name.into(), metadata, content: Content::Fifo, flags: 0, extensions: Extensions::none() }
}

fn write_tree(nodes: &[Node], pages: &mut dyn PageStore) -> TreeRef {
    let mut writer = TreeWriter::default();
    nodes.iter().for_each(|node| writer.push(node.clone(), pages).unwrap());
    writer.finish(pages).unwrap()
}

/// The folder of the base whose tree this is.
fn folder(tree: TreeRef) -> Option<Box<InBase>> {
    Some(Box::new(InBase { number: 0, node: Node { content: Content::Directory(tree), ..node("folder", 1) } }))
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Builds a folder of `names` entries in which one of `one_in` differs, and compares it with one written of all its
/// entries. True when nothing differed.
fn build_by_chance(bench: &Bench, sink: &Sink, names: u64, one_in: u64, is_held: bool, seed: u64) -> bool {
    let mut chance = Chance(seed);
    let new_pages = || Counted { pages: SinkPages { sink, identify: &bench.repository.keys().identify }, stored: 0 };
    let before: Vec<Node> = (0..names).map(|name| node(&format!("{name:06}"), chance.below(8) as u32)).collect();
    let tree = write_tree(&before, &mut new_pages());
    sink.commit().unwrap();
    let reader = bench.repository.reader().unwrap();
    let (mut pages, mut now, mut differs) = (new_pages(), Vec::new(), names == 0);
    let mut building = Building::new(node("folder", 1), folder(tree), Some(&reader), is_held);
    let look_at = |building: &mut Building<'_>, node: Node, pages: &mut Counted<'_>| {
        let base = building.find(&node.name).unwrap();
        let of_base = before.iter().find(|before| before.name == node.name);
        assert_eq!(base.as_ref().map(|base| &base.node), of_base, "seed {seed}");
        building.push(node, base.as_ref(), pages).unwrap();
    };
    for (number, old) in before.iter().enumerate() {
        let number = number as u64;
        if chance.below(one_in) > 0 {
            match chance.below(3) {
                0 => building.keep(number..number + 1, &mut pages).unwrap(),
                1 => look_at(&mut building, old.clone(), &mut pages),
                // As a folder is, which is not searched.
                _ => building.push(old.clone(), Some(&InBase { number, node: old.clone() }), &mut pages).unwrap(),
            }
            now.push(old.clone());
            continue;
        }
        differs = true;
        let changed = Node { flags: 1, ..old.clone() };
        match chance.below(4) {
            0 => {}
            1 => {
                look_at(&mut building, changed.clone(), &mut pages);
                now.push(changed);
            }
            2 if is_held => {
                // It comes late, before others of the folder, and anywhere in their order.
                let late = node(&format!("{:06} late", chance.below(names)), 9);
                building.keep(number..number + 1, &mut pages).unwrap();
                building.push(late.clone(), None, &mut pages).unwrap();
                now.push(old.clone());
                now.retain(|other: &Node| other.name != late.name);
                now.push(late);
            }
            _ => {
                let new = node(&format!("{number:06} new"), 9);
                building.keep(number..number + 1, &mut pages).unwrap();
                look_at(&mut building, new.clone(), &mut pages);
                now.extend([old.clone(), new]);
            }
        }
    }
    let built = building.finish(&mut pages).unwrap();
    let stored = pages.stored;
    now.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(built, write_tree(&now, &mut pages), "seed {seed}: {names} names, one in {one_in} differs");
    assert!(differs || stored == 0, "seed {seed}: nothing differs, and it was encoded");
    !differs
}

#[test]
fn a_folder_holds_the_same_as_one_built_of_all_its_entries_and_is_not_encoded_where_nothing_differs() {
    let bench = Bench::new();
    let sink = Sink::open(bench.repository.chunks(), &bench.repository.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let (mut seed, mut same) = (u64::from(std::process::id()), 0);
    for names in [0, 1, 2, 7, 60, 3000] {
        for one_in in [1, 2, 5, 100, 1_000_000] {
            for is_held in [true, false] {
                seed += 1;
                same += usize::from(build_by_chance(&bench, &sink, names, one_in, is_held, seed));
            }
        }
    }
    assert!(same >= 10, "{same} of them were the same");
}

#[test]
fn entries_that_stay_are_read_only_where_others_differ_and_what_cannot_be_read_then_ends_the_run() {
    let bench = Bench::new();
    let sink = Sink::open(bench.repository.chunks(), &bench.repository.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let mut pages = SinkPages { sink: &sink, identify: &bench.repository.keys().identify };
    let tree = write_tree(&[node("a", 1), node("b", 1)], &mut pages);
    sink.commit().unwrap();
    let reader = bench.repository.reader().unwrap();
    let lost = TreeRef { id: ChunkId([9; 32]), ..tree };
    for (tree, kept) in [(tree, 3), (lost, 2)] {
        let mut building = Building::new(node("folder", 1), folder(tree), Some(&reader), true);
        building.keep(0..kept, &mut pages).unwrap();
        assert!(building.push(node("c", 1), None, &mut pages).unwrap_err().is_damage());
    }
    // A folder of which all entries stay is not read at all.
    let mut building = Building::new(node("folder", 1), folder(lost), Some(&reader), true);
    building.keep(0..1, &mut pages).unwrap();
    building.keep(1..2, &mut pages).unwrap();
    assert_eq!(building.finish(&mut pages).unwrap(), lost);
    // And none can stay where there is no base.
    assert!(Building::new(node("folder", 1), None, Some(&reader), true).keep(0..1, &mut pages).is_err());
}
