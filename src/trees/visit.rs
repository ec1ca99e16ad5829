//! Many trees at once, page by page: whoever needs every page below some snapshots visits them here.
//!
//! ```text
//! come to a page -> enter? -> read and check it -> inner page: come to the pages below
//!                     |             |              leaf: take its files, come to its folders' pages
//!                     no: pass by   lost: tell
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use rayon::Scope;

use super::ahead::{Ahead, Key, key_below};
use super::pages::{PagePlace, PageReader};
use crate::error::{Error, Result};
use crate::manifest::{Content, ContentList, Page};
use crate::storage::{Storage, waits_for_answers, work_at_once};

/// What a visitor does with a page that the walk comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is not read.
    Past,
    /// It and the pages of the same folder below it are read and checked; its entries are passed by.
    Names,
    /// It is read, and all that lies below it is visited.
    Below,
}

/// Who visits trees. An error that a method returns ends the walk.
pub trait TreeVisitor {
    /// A page that the walk comes to.
    ///
    /// # Errors
    /// As the visitor likes.
    fn enter(&self, page: &PagePlace) -> Result<Look>;

    /// The content of a file. The visitor walks through it with [`visit_content`](super::visit_content).
    ///
    /// # Errors
    /// As the visitor likes.
    fn take_file(&self, list: &ContentList) -> Result<()>;

    /// A page that was entered and cannot be read. The walk goes on without it, unless this returns an error:
    /// `error` to stop.
    ///
    /// # Errors
    /// As the visitor likes.
    fn lose(&self, page: PagePlace, error: Error) -> Result<()>;
}

/// What a walk has yet to visit.
#[derive(Debug, Default)]
pub struct Unvisited {
    /// Pages of trees.
    pub pages: Vec<PagePlace>,
    /// Contents of files.
    pub lists: Vec<ContentList>,
}

impl Unvisited {
    /// Everything below these entries.
    pub fn below<'c>(contents: impl IntoIterator<Item = &'c Content>) -> Self {
        let mut unvisited = Self::default();
        for content in contents {
            match content {
                Content::Directory(tree) => unvisited.pages.push(PagePlace::root(tree)),
                Content::File(_, list) => unvisited.lists.push(list.clone()),
                _ => {}
            }
        }
        unvisited
    }
}

/// Visits in the order of a restore, on this thread: the files of a page before what lies below it. What is read
/// `ahead` is not looked at before.
///
/// # Errors
/// Those of `visitor`.
pub fn visit_in_order<R, V>(reader: &R, ahead: Option<&Ahead<'_>>, unvisited: Unvisited, visitor: &V) -> Result<()>
where
    R: PageReader + ?Sized,
    V: TreeVisitor + ?Sized,
{
    unvisited.lists.iter().try_for_each(|list| visitor.take_file(list))?;
    // The next one last.
    let mut pages: Vec<(PagePlace, Key)> = Vec::new();
    for (number, place) in unvisited.pages.into_iter().enumerate().rev() {
        let key = if ahead.is_some() { key_below(&[], number) } else { Key::new() };
        if let Some(ahead) = ahead {
            ahead.expect(key.clone(), place.clone());
        }
        pages.push((place, key));
    }
    while let Some((place, key)) = pages.pop() {
        let look = visitor.enter(&place)?;
        if look == Look::Past {
            continue;
        }
        let begin = pages.len();
        let page = match ahead {
            Some(ahead) => ahead.take(&key, &place, reader),
            None => place.read(reader),
        };
        look_into(page, place, look, visitor, &mut |number, below| {
            pages.push((below, if ahead.is_some() { key_below(&key, number) } else { Key::new() }));
        })?;
        pages[begin..].reverse();
    }
    Ok(())
}

/// Looks into a page that was entered: takes the files on it and hands out the pages below, with their numbers on it.
fn look_into<V>(page: Result<Page>, place: PagePlace, look: Look, visitor: &V, come_to: &mut dyn FnMut(usize, PagePlace)) -> Result<()>
where
    V: TreeVisitor + ?Sized,
{
    match page {
        Ok(Page::Inner(refs)) => place.below(refs).enumerate().for_each(|(number, below)| come_to(number, below)),
        Ok(Page::Leaf(nodes)) if look == Look::Below => {
            for (number, node) in nodes.iter().enumerate() {
                match &node.content {
                    Content::Directory(tree) => come_to(number, PagePlace::root(tree)),
                    Content::File(_, list) => visitor.take_file(list)?,
                    _ => {}
                }
            }
        }
        Ok(Page::Leaf(_)) => {}
        Err(error) => visitor.lose(place, error)?,
    }
    Ok(())
}

/// Visits by as many threads as `storage`, where the pages lie, should be read by, in no order.
///
/// # Errors
/// The first of `visitor`.
pub fn visit_by_all<R, V>(storage: &dyn Storage, reader: &R, unvisited: Unvisited, visitor: &V) -> Result<()>
where
    R: PageReader + Sync + ?Sized,
    V: TreeVisitor + Sync + ?Sized,
{
    let walk = Walk { reader, visitor, failure: Mutex::new(None), is_over: AtomicBool::new(false) };
    if waits_for_answers(storage) {
        walk.by_crew(storage, unvisited);
    } else {
        rayon::scope(|scope| {
            for place in unvisited.pages {
                walk.come_to(scope, place);
            }
            for list in &unvisited.lists {
                walk.settle(visitor.take_file(list));
            }
        });
    }
    walk.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// What a crew has come to.
struct Come {
    pages: Vec<PagePlace>,
    lists: Vec<ContentList>,
    /// How many look at something, and may come to more.
    at_work: usize,
}

enum Next {
    Page(PagePlace),
    List(ContentList),
}

impl Come {
    fn next(&mut self) -> Option<Next> {
        self.pages.pop().map(Next::Page).or_else(|| self.lists.pop().map(Next::List))
    }
}

struct Walk<'w, R: ?Sized, V: ?Sized> {
    reader: &'w R,
    visitor: &'w V,
    failure: Mutex<Option<Error>>,
    is_over: AtomicBool,
}

impl<R, V> Walk<'_, R, V>
where
    R: PageReader + Sync + ?Sized,
    V: TreeVisitor + Sync + ?Sized,
{
    fn come_to<'s>(&'s self, scope: &Scope<'s>, place: PagePlace) {
        match self.visitor.enter(&place) {
            Ok(Look::Past) => {}
            Ok(look) => scope.spawn(move |scope| {
                if !self.is_over.load(Ordering::Relaxed) {
                    let page = place.read(self.reader);
                    let outcome = look_into(page, place, look, self.visitor, &mut |_, below| self.come_to(scope, below));
                    self.settle(outcome);
                }
            }),
            Err(error) => self.settle(Err(error)),
        }
    }

    /// The same by threads that wait for answers. They take what was come to last, so that little waits.
    fn by_crew(&self, storage: &dyn Storage, unvisited: Unvisited) {
        let Unvisited { pages, lists } = unvisited;
        let (come, crew) = (Mutex::new(Come { pages, lists, at_work: 0 }), Condvar::new());
        let lock = || come.lock().unwrap_or_else(PoisonError::into_inner);
        work_at_once(storage, usize::MAX, &|| {
            let mut left = lock();
            while !self.is_over.load(Ordering::Relaxed) {
                let next = left.next();
                if next.is_none() && left.at_work == 0 {
                    break;
                }
                let Some(next) = next else {
                    left = crew.wait(left).unwrap_or_else(PoisonError::into_inner);
                    continue;
                };
                left.at_work += 1;
                drop(left);
                let mut below = Vec::new();
                self.settle(self.look_at(next, &mut below));
                left = lock();
                left.pages.append(&mut below);
                left.at_work -= 1;
                crew.notify_all();
            }
            crew.notify_all();
        });
    }

    fn look_at(&self, next: Next, below: &mut Vec<PagePlace>) -> Result<()> {
        match next {
            Next::List(list) => self.visitor.take_file(&list),
            Next::Page(place) => match self.visitor.enter(&place)? {
                Look::Past => Ok(()),
                look => look_into(place.read(self.reader), place, look, self.visitor, &mut |_, place| below.push(place)),
            },
        }
    }

    fn settle(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}
