//! The verbs that write down what people decide about what is stored: small records beside snapshots, and nothing
//! else. Each decides and writes under one lock, which an [`Annotator`] holds.

mod annotator;
mod forget;
mod protect;
mod series;
mod tag;
#[cfg(test)]
mod tests;
mod unforget;

pub use annotator::Annotator;
pub use forget::Forgotten;
pub use series::{Series, list_series};
pub use tag::TagRequest;
