//! Which entries are names of one file.

use super::*;
use crate::manifest::{Content, ContentList};
use crate::wire::Extensions;

fn node(content: Content) -> Node {
    let metadata = Metadata { inode: 7, links: 2, ..Metadata::default() };
    Node { name: b"a".to_vec(), metadata, content, flags: 0, extensions: Extensions::none() }
}

fn role(links: &Links, node: &Node) -> (bool, u64) {
    match links.join(0, node) {
        Role::First(key) => (true, key.number),
        Role::Later(key) => (false, key.number),
        Role::Alone => (true, 0),
    }
}

#[test]
fn only_what_is_equal_is_a_further_name_but_for_what_a_name_that_is_made_meanwhile_changes() {
    let links = Links::new(Timestamp::new(10, 0));
    let first = node(Content::File(0, ContentList::default()));
    assert_eq!(role(&links, &first), (true, 1));
    let mut linked_meanwhile = first.clone();
    (linked_meanwhile.metadata.links, linked_meanwhile.metadata.ctime) = (3, Timestamp::new(11, 0));
    assert_eq!(role(&links, &linked_meanwhile), (false, 1));
    // Another file system that is mounted in the same source.
    let mut other = first.clone();
    other.metadata.uid = 1;
    let mut changed_before = first.clone();
    changed_before.metadata.ctime = Timestamp::new(9, 0);
    assert_eq!((role(&links, &other), role(&links, &changed_before)), ((true, 2), (true, 3)));
    assert_eq!((role(&links, &changed_before), role(&links, &other)), ((false, 3), (false, 2)));
    assert_eq!(role(&links, &node(Content::Fifo)), (true, 4));
    assert!(matches!(links.join(1, &node(Content::Fifo)), Role::First(LinkKey { number: 5, inode: 7 })));
}

#[test]
fn a_file_gets_no_more_names_than_it_had_and_the_others_belong_together() {
    let (links, folder) = (Links::default(), Arc::<[u8]>::from(&b""[..]));
    let node = node(Content::Fifo);
    assert_eq!([0; 5].map(|_| role(&links, &node)), [(true, 1), (false, 1), (true, 2), (false, 2), (true, 3)]);
    // A first that was not restored: one of the two that wait takes its part, and the group stays.
    let three = Links::default();
    let mut node = node;
    node.metadata.links = 3;
    let Role::First(key) = three.join(0, &node) else { panic!() };
    assert_eq!([three.join(0, &node), three.join(0, &node)], [Role::Later(key); 2]);
    three.forget(key);
    assert!(three.placed(key).is_none());
    assert_eq!([three.join_again(key), three.join_again(key)], [Role::First(key), Role::Later(key)]);
    assert!(three.placed(key).is_none());
    three.place(key, &folder, b"b", Identity { device: 1, inode: 1 });
    assert!(three.placed(key).is_some() && three.lock().by_key.is_empty());
}
