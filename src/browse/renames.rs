//! Which of the things that were removed stand under another name now.
//!
//! Only what could be one half of a rename is kept: files that have content, and folders that have
//! entries, each as a short hash of what it holds and its name. A renamed folder stands for
//! everything below it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::compare::Difference;
use crate::manifest::{ChangeKind, Content, Node};
use crate::wire;

/// So many files of equal content are looked through for one of the same name; beyond, any will do.
const SAME_NAME_TRIES: usize = 32;

/// The beginning of a hash of what an entry holds; 16 bytes are beyond chance.
type Key = [u8; 16];

struct Candidate {
    key: Key,
    is_folder: bool,
    /// The innermost candidate folder around it.
    parent: Option<u32>,
    /// The path below `parent`, or below the place that is compared. It begins with a slash.
    path: Box<[u8]>,
    /// Itself and the candidates below it.
    weight: u32,
    is_matched: bool,
}

/// The candidates of one side, folders before what lies in them.
#[derive(Default)]
struct Side {
    candidates: Vec<Candidate>,
    /// The folders around the place where the walk is, with their paths.
    around: Vec<(u32, Vec<u8>)>,
}

impl Side {
    fn add(&mut self, key: Key, is_folder: bool, relative: &[u8]) {
        while self.around.last().is_some_and(|(_, folder)| !super::place::is_at_or_below(relative, folder)) {
            self.around.pop();
        }
        let number = self.candidates.len() as u32;
        let (parent, above) = self.around.last().map_or((None, 0), |(parent, folder)| (Some(*parent), folder.len()));
        let path = relative[above..].into();
        self.candidates.push(Candidate { key, is_folder, parent, path, weight: 1, is_matched: false });
        if is_folder {
            self.around.push((number, relative.to_vec()));
        }
    }

    fn weigh(&mut self) {
        for at in (0..self.candidates.len()).rev() {
            if let Some(parent) = self.candidates[at].parent {
                self.candidates[parent as usize].weight += self.candidates[at].weight;
            }
        }
    }

    fn path(&self, at: u32) -> Vec<u8> {
        let candidate = &self.candidates[at as usize];
        let mut path = candidate.parent.map(|parent| self.path(parent)).unwrap_or_default();
        path.extend_from_slice(&candidate.path);
        path
    }

    fn name(&self, at: u32) -> &[u8] {
        self.candidates[at as usize].path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// Whether it is one half of a rename, or lies in a folder that is.
    fn is_taken(&self, at: u32) -> bool {
        let mut next = Some(at);
        while let Some(at) = next {
            let candidate = &self.candidates[at as usize];
            if candidate.is_matched {
                return true;
            }
            next = candidate.parent;
        }
        false
    }

    fn by_key(&self, folders: bool) -> HashMap<Key, VecDeque<u32>> {
        let mut found: HashMap<Key, VecDeque<u32>> = HashMap::new();
        for (at, candidate) in self.candidates.iter().enumerate() {
            if candidate.is_folder == folders && !self.is_taken(at as u32) {
                found.entry(candidate.key).or_default().push_back(at as u32);
            }
        }
        found
    }
}

/// Gathers what was removed and what was added.
#[derive(Default)]
pub(super) struct Candidates {
    removed: Side,
    added: Side,
}

/// What turned out to be renamed. All paths are relative to the places that are compared.
#[derive(Default)]
pub(super) struct Renames {
    /// The old path for each new one.
    pub old_paths: HashMap<Vec<u8>, Vec<u8>>,
    /// The old paths.
    pub gone: HashSet<Vec<u8>>,
}

impl Candidates {
    /// Takes note of a difference.
    pub fn add(&mut self, difference: &Difference<'_>) {
        let (side, node) = match (difference.kind, &difference.old, &difference.new) {
            (ChangeKind::Removed, Some(node), _) => (&mut self.removed, node),
            (ChangeKind::Added, _, Some(node)) => (&mut self.added, node),
            _ => return,
        };
        if let Some(key) = content_key(node) {
            side.add(key, node.is_directory(), difference.relative);
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.removed.candidates.len() + self.added.candidates.len()
    }

    /// Pairs what was removed with what was added.
    pub fn pair(mut self) -> Renames {
        self.removed.weigh();
        self.added.weigh();
        let mut renames = Renames::default();
        for folders in [true, false] {
            let mut waiting = self.removed.by_key(folders);
            let added = &self.added.candidates;
            let mut order: Vec<u32> = (0..added.len() as u32).filter(|at| added[*at as usize].is_folder == folders).collect();
            // The heaviest first: a folder is paired before any folder within it can be, on either
            // side, so that no entry becomes part of two renames. The sort keeps the order of paths.
            order.sort_by_key(|at| std::cmp::Reverse(added[*at as usize].weight));
            for new in order {
                if self.added.is_taken(new) {
                    continue;
                }
                let Some(queue) = waiting.get_mut(&self.added.candidates[new as usize].key) else { continue };
                let Some(old) = choose(queue, &self.removed, self.added.name(new)) else { continue };
                self.removed.candidates[old as usize].is_matched = true;
                self.added.candidates[new as usize].is_matched = true;
                let old_path = self.removed.path(old);
                renames.gone.insert(old_path.clone());
                renames.old_paths.insert(self.added.path(new), old_path);
            }
        }
        renames
    }
}

/// Takes one that is not part of a rename yet, preferably of the same name: moving is more common
/// than renaming among files of equal content.
fn choose(queue: &mut VecDeque<u32>, side: &Side, name: &[u8]) -> Option<u32> {
    while queue.front().is_some_and(|at| side.is_taken(*at)) {
        queue.pop_front();
    }
    let same_name = queue.iter().take(SAME_NAME_TRIES).position(|at| side.name(*at) == name && !side.is_taken(*at));
    queue.remove(same_name.unwrap_or(0))
}

/// What a candidate holds; `None` for what is too common to mean anything: empty files and folders,
/// links, devices.
fn content_key(node: &Node) -> Option<Key> {
    let has_content = match &node.content {
        Content::File(bytes, _) => *bytes > 0,
        Content::Directory(tree) => tree.entries > 0,
        _ => false,
    };
    has_content.then(|| {
        let hash = blake3::hash(&wire::encode(&node.content));
        std::array::from_fn(|at| hash.as_bytes()[at])
    })
}
