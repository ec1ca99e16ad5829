//! What is told.

use serde::Serialize;

/// What is told of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Why somebody is told: `failed`, `suspect`, `late`, `recovered`, `good`.
    pub event: String,
    /// The job.
    pub job: String,
    /// How the run ended.
    pub state: String,
    /// The machine.
    pub host: String,
    /// When the run began and ended, as in RFC 3339.
    pub begun_at: String,
    /// See `begun_at`.
    pub ended_at: String,
    /// What was done.
    pub steps: Vec<MessageStep>,
}

/// One step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessageStep {
    /// What it was.
    pub kind: String,
    /// How it ended.
    pub state: String,
    /// What happened; only where paths may be named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Figures by name.
    pub figures: std::collections::BTreeMap<String, u64>,
}

impl Message {
    /// The same in one sentence.
    pub fn sentence(&self) -> String {
        match self.event.as_str() {
            "good" => format!("{} on {} was saved", self.job, self.host),
            "recovered" => format!("{} on {} is well again", self.job, self.host),
            "late" => format!("{} on {} is late", self.job, self.host),
            "suspect" => format!("{} on {} was saved, and changed in a way that somebody should look at", self.job, self.host),
            _ => {
                let failed = self.steps.iter().filter(|step| step.state == "failed").map(|step| step.kind.as_str()).collect::<Vec<_>>();
                let what = if failed.is_empty() { String::new() } else { format!(" ({})", failed.join(", ")) };
                format!("{} on {} failed{what}", self.job, self.host)
            }
        }
    }

    /// The same as JSON.
    pub fn json(&self) -> Vec<u8> {
        // A structure of texts and numbers is always JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The same as a letter.
    pub fn letter(&self) -> String {
        let mut text = format!("{}.\n\nBegun {}, ended {}.\n\n", self.sentence(), self.begun_at, self.ended_at);
        for step in &self.steps {
            let figures: Vec<String> = step.figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
            text.push_str(&format!("{}: {}", step.kind, step.state));
            for more in step.message.iter().cloned().chain((!figures.is_empty()).then(|| figures.join(", "))) {
                text.push_str(&format!(", {more}"));
            }
            text.push('\n');
        }
        text.push_str("\n`repo status` on that machine says more.\n");
        text
    }
}
