//! Reads pages before a walk comes to them, where an answer takes long: the walk itself goes on in its order, one page
//! after the other, and finds them there.
//!
//! Every page has a key: that of the page which leads to it, and its number there. A walk comes to pages in the order of
//! their keys, so the threads that read ahead always take the smallest, and whatever is smaller than the page that the
//! walk comes to was passed by, and is dropped. What cannot be read ahead the walk reads itself, with its error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::pages::{PagePlace, PageReader};
use crate::error::Result;
use crate::manifest::{Content, Page, TreeRef};
use crate::repository::ChunkReader;
use crate::storage::waits_for_answers;

/// So many pages before the one that is read next may wait for the walk, and so many entries on them: some MiB.
const PAGES_AHEAD: usize = 256;
const ENTRIES_AHEAD: usize = 16_384;
/// Pages that lie deeper are not read ahead: keys grow with the depth.
const DEPTH_MAX: usize = 64;

/// Where a walk comes to a page: the numbers on the way there.
pub(super) type Key = Vec<u32>;

/// The key of what has the number `number` on the page `key`.
pub(super) fn key_below(key: &[u32], number: usize) -> Key {
    let mut below = Vec::with_capacity(key.len() + 1);
    below.extend_from_slice(key);
    // No page has so many entries.
    below.push(number as u32);
    below
}

/// Pages that are read before a walk comes to them.
pub struct Ahead<'r> {
    reader: &'r (dyn PageReader + Sync),
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Known and not read yet.
    waiting: BTreeMap<Key, PagePlace>,
    reading: BTreeSet<Key>,
    /// Read, and the number of entries on it.
    ready: BTreeMap<Key, (Page, usize)>,
    /// The page that the walk came to last.
    last: Key,
    is_over: bool,
}

impl State {
    /// The next page to be read, if it is not too far ahead of the walk. Pages that come later do not count: they
    /// were read while nothing was known that comes sooner.
    fn next(&mut self) -> Option<(Key, PagePlace)> {
        let (key, _) = self.waiting.first_key_value()?;
        let before = self.ready.range::<Key, _>(..key);
        let (pages, entries) = before.fold((0, 0), |(pages, sum), (_, (_, entries))| (pages + 1, sum + entries));
        let is_near = pages + self.reading.range::<Key, _>(..key).count() < PAGES_AHEAD && entries < ENTRIES_AHEAD;
        let next = if is_near { self.waiting.pop_first() } else { None };
        self.reading.extend(next.iter().map(|(key, _)| key.clone()));
        next
    }

    fn expect_below(&mut self, key: &[u32], place: &PagePlace, page: &Page) {
        if key.len() < DEPTH_MAX {
            pages_below(place, page, &mut |number, below| {
                self.waiting.insert(key_below(key, number), below);
            });
        }
    }
}

/// The pages that the walk comes to from `page`: those below an inner one, the first ones of the folders on a leaf.
fn pages_below(place: &PagePlace, page: &Page, each: &mut dyn FnMut(usize, PagePlace)) {
    match page {
        Page::Inner(refs) => place.below(refs.clone()).enumerate().for_each(|(number, below)| each(number, below)),
        Page::Leaf(nodes) => nodes.iter().enumerate().for_each(|(number, node)| {
            if let Content::Directory(tree) = &node.content {
                each(number, PagePlace::root(tree));
            }
        }),
    }
}

/// Ends the reading, also when the walk panics.
struct End<'a, 'r>(&'a Ahead<'r>);

impl Drop for End<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

/// Lets `walk` read ahead where that is worth it.
pub fn read_ahead<T>(reader: &ChunkReader, walk: impl FnOnce(Option<&Ahead<'_>>) -> T) -> T {
    let storage = &**reader.objects().storage();
    if !waits_for_answers(storage) {
        return walk(None);
    }
    let ahead = Ahead { reader, state: Mutex::default(), changed: Condvar::new() };
    std::thread::scope(|scope| {
        let _end = End(&ahead);
        for _ in 0..storage.properties().requests_at_once {
            // Without a thread to be had, the walk reads itself.
            if std::thread::Builder::new().spawn_scoped(scope, || ahead.work()).is_err() {
                break;
            }
        }
        walk(Some(&ahead))
    })
}

impl Ahead<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let Some((key, place)) = state.next() else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let page = place.read(self.reader);
            state = self.lock();
            state.reading.remove(&key);
            if let Ok(page) = page
                && key >= state.last
            {
                state.expect_below(&key, &place, &page);
                let entries = match &page {
                    Page::Leaf(nodes) => nodes.len(),
                    Page::Inner(refs) => refs.len(),
                };
                state.ready.insert(key, (page, entries));
            }
            self.changed.notify_all();
        }
    }

    /// Says that the walk will come to `tree`, which is the one with this number of those that it begins with.
    pub fn expect_root(&self, number: usize, tree: &TreeRef) {
        self.expect(key_below(&[], number), PagePlace::root(tree));
    }

    /// Says that the walk will come to the page at `place`.
    pub(super) fn expect(&self, key: Key, place: PagePlace) {
        self.lock().waiting.insert(key, place);
        self.changed.notify_all();
    }

    /// The page at `place`, to which the walk comes now, after all that are smaller.
    ///
    /// # Errors
    /// As [`PagePlace::read`].
    pub(super) fn take<R: PageReader + ?Sized>(&self, key: &Key, place: &PagePlace, reader: &R) -> Result<Page> {
        let mut state = self.lock();
        state.last.clone_from(key);
        state.waiting = state.waiting.split_off(key);
        state.ready = state.ready.split_off(key);
        state.waiting.remove(key);
        while state.reading.contains(key) {
            state = self.wait(state);
        }
        let ready = state.ready.remove(key);
        drop(state);
        let page = match ready {
            Some((page, _)) => page,
            None => {
                let page = place.read(reader)?;
                self.lock().expect_below(key, place, &page);
                page
            }
        };
        self.changed.notify_all();
        Ok(page)
    }
}
