//! The verbs that write down what people decide about what is stored: small records beside snapshots, and nothing
//! else. Each looks under the lock whether the decision makes sense, and publishes it.

mod series;

pub use series::{Series, list_series, rename_series, stop_series};
