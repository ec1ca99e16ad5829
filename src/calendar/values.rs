//! One component of an expression: which numbers it allows.
//!
//! What is written is kept as runs and not as a list of all numbers: of microseconds there are sixty million.

/// Which numbers a component allows; without runs all that the component can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    pub(super) runs: Vec<Run>,
}

/// The numbers `first`, `first + step`, … up to `last`. A single number has a step of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) step: u32,
}

impl Run {
    pub(super) const fn single(value: u32) -> Self {
        Self { first: value, last: value, step: 0 }
    }

    fn at_or_after(self, value: u32) -> Option<u32> {
        if value <= self.first {
            return Some(self.first);
        }
        let steps = (value - self.first).div_ceil(self.step.max(1));
        let found = self.first.checked_add(steps.checked_mul(self.step)?)?;
        (value <= found && found <= self.last).then_some(found)
    }

    fn at_or_before(self, value: u32) -> Option<u32> {
        let beyond = value.min(self.last).checked_sub(self.first)?;
        Some(self.first + beyond - beyond.checked_rem(self.step).unwrap_or(beyond))
    }
}

impl Values {
    pub(super) fn single(value: u32) -> Self {
        Self { runs: vec![Run::single(value)] }
    }

    /// Whether all numbers are allowed.
    pub fn is_any(&self) -> bool {
        self.runs.is_empty()
    }

    /// The smallest that is allowed and not below `value`. The caller knows how far numbers go.
    pub(super) fn at_or_after(&self, value: u32) -> Option<u32> {
        if self.is_any() { Some(value) } else { self.runs.iter().filter_map(|run| run.at_or_after(value)).min() }
    }

    /// The greatest that is allowed and not above `value`.
    pub(super) fn at_or_before(&self, value: u32) -> Option<u32> {
        if self.is_any() { Some(value) } else { self.runs.iter().filter_map(|run| run.at_or_before(value)).max() }
    }

    /// All that are allowed from `least` to `most`, rising.
    pub fn within(&self, least: u32, most: u32) -> impl Iterator<Item = u32> {
        let next = move |after: u32| self.at_or_after(after).filter(|value| *value <= most);
        std::iter::successors(next(least), move |value| next(value.checked_add(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_searched_from_both_sides() {
        let values = Values { runs: vec![Run { first: 5, last: 17, step: 6 }, Run::single(8)] };
        assert_eq!(values.within(0, 30).collect::<Vec<_>>(), [5, 8, 11, 17]);
        for value in 0..30 {
            let all = [5, 8, 11, 17];
            assert_eq!(values.at_or_after(value), all.into_iter().find(|found| *found >= value), "{value}");
            assert_eq!(values.at_or_before(value), all.into_iter().rfind(|found| *found <= value), "{value}");
        }
        assert_eq!(Values::default().within(3, 5).collect::<Vec<_>>(), [3, 4, 5]);
    }
}
