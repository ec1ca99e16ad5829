//! The verbs that write down what people decide about what is stored: small records beside snapshots, and nothing
//! else. Each decides and writes under one lock, which an [`Annotator`] holds.

mod annotator;
mod distrust;
mod forget;
mod outcome;
mod request;
mod run;
mod series;
mod settings;
mod tag;
#[cfg(test)]
mod tests;
mod unforget;

pub use annotator::Annotator;
pub use outcome::{Forgotten, Outcome};
pub use request::{Annotation, Request, Tagging};
pub use run::run;
pub use series::{Series, list_series};
pub use settings::{Settings, read_settings};
