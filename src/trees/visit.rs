//! Many trees at once, page by page: whoever needs every page below some snapshots visits them here.
//!
//! ```text
//! come to a page -> enter? -> read and check it -> inner page: come to the pages below
//!                     |             |              leaf: take its files, come to its folders' pages
//!                     no: pass by   lost: tell
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;

use super::pages::{PagePlace, PageReader};
use crate::error::{Error, Result};
use crate::manifest::{Content, ContentList, Page};

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

/// Visits in the order of a restore, on this thread: the files of a page before what lies below it.
///
/// # Errors
/// Those of `visitor`.
pub fn visit_in_order<R, V>(reader: &R, unvisited: Unvisited, visitor: &V) -> Result<()>
where
    R: PageReader + ?Sized,
    V: TreeVisitor + ?Sized,
{
    unvisited.lists.iter().try_for_each(|list| visitor.take_file(list))?;
    // The next one last.
    let mut pages = unvisited.pages;
    pages.reverse();
    while let Some(place) = pages.pop() {
        let look = visitor.enter(&place)?;
        if look == Look::Past {
            continue;
        }
        let begin = pages.len();
        look_into(reader, place, look, visitor, &mut |below| pages.push(below))?;
        pages[begin..].reverse();
    }
    Ok(())
}

/// Reads a page that was entered, takes the files on it and hands out the pages below.
fn look_into<R, V>(reader: &R, place: PagePlace, look: Look, visitor: &V, come_to: &mut dyn FnMut(PagePlace)) -> Result<()>
where
    R: PageReader + ?Sized,
    V: TreeVisitor + ?Sized,
{
    match place.read(reader) {
        Ok(Page::Inner(refs)) => place.below(refs).for_each(come_to),
        Ok(Page::Leaf(nodes)) if look == Look::Below => {
            for node in &nodes {
                match &node.content {
                    Content::Directory(tree) => come_to(PagePlace::root(tree)),
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

/// Visits by all threads, in no order.
///
/// # Errors
/// The first of `visitor`.
pub fn visit_by_all<R, V>(reader: &R, unvisited: Unvisited, visitor: &V) -> Result<()>
where
    R: PageReader + Sync + ?Sized,
    V: TreeVisitor + Sync + ?Sized,
{
    let walk = Walk { reader, visitor, failure: Mutex::new(None), is_over: AtomicBool::new(false) };
    rayon::scope(|scope| {
        for place in unvisited.pages {
            walk.come_to(scope, place);
        }
        for list in &unvisited.lists {
            walk.settle(visitor.take_file(list));
        }
    });
    walk.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
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
                    let outcome = look_into(self.reader, place, look, self.visitor, &mut |below| self.come_to(scope, below));
                    self.settle(outcome);
                }
            }),
            Err(error) => self.settle(Err(error)),
        }
    }

    fn settle(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}
