//! What has to be true when several programs have worked at once, in whatever order.

use std::sync::Arc;

use strongroom::error::ErrorKind;
use strongroom::manifest::Kind;
use strongroom::progress::Silent;
use strongroom::snapshot;

use super::play::{Ended, Played};
use super::scenes::{Found, Scene};
use crate::crash::world::{run_prune, snapshot_request};
use crate::ratchet::restorable::{Restorable, open_any};

/// What is wrong, if anything is: something restores no more, a reported snapshot does not, a check finds
/// what was not there before, or, where it `goes_on`, the next commands do not simply work.
pub fn judge(scene: &Scene, played: &Played, goes_on: bool) -> Option<String> {
    look(scene, played, goes_on).err().map(|problem| format!("{problem}{}", story(played)))
}

/// Who did what, in order, and how each ended.
fn story(played: &Played) -> String {
    let mut story = String::new();
    for Ended { verb, is_killed, outcome } in &played.programs {
        let outcome = outcome.as_ref().map_or_else(ToString::to_string, |id| format!("success {:?}", id.map(|id| id.short().to_string())));
        story += &format!("\n    {}{}: {outcome}", verb.name, if *is_killed { ", killed" } else { "" });
    }
    for (program, call) in played.turns.trace() {
        story += &format!("\n      {program} {}", call.chars().take(60).collect::<String>());
    }
    story
}

fn look(scene: &Scene, played: &Played, goes_on: bool) -> Result<(), String> {
    if played.is_stuck {
        return Err("they wait for each other".to_owned());
    }
    for ended in played.programs.iter().filter(|ended| !ended.is_killed && scene.found.is_none()) {
        if let Err(error) = &ended.outcome
            && !matches!(error.kind(), ErrorKind::Busy | ErrorKind::Exists | ErrorKind::Changed | ErrorKind::WrongKey)
        {
            return Err(format!("{} fails although nothing is damaged: {error}", ended.verb.name));
        }
    }
    let removed: &[_] = if played.programs.iter().any(|ended| ended.verb.removes) { &scene.bench.remove } else { &[] };
    let after = Restorable::of(Arc::new(played.disk.image()));
    scene.before.lost_in(&after, removed).map_or(Ok(()), Err)?;
    if let Some(lost) = &scene.lost {
        let back = Restorable::of(Arc::new(lost.put_back(&played.disk)));
        lost.before.lost_in(&back, removed).map_or(Ok(()), |problem| Err(format!("when what was lost is back, {problem}")))?;
    }
    let reported: Vec<_> = played.programs.iter().filter_map(|ended| *ended.outcome.as_ref().ok()?).collect();
    let repository = match open_any(Arc::new(played.disk.image())) {
        // Nobody has said that there is a repository.
        Err(error) if error.kind() == ErrorKind::NoRepository && scene.bench.snapshots.is_empty() && reported.is_empty() => return Ok(()),
        opened => opened.map_err(|error| format!("it does not open: {error}"))?,
    };
    let (root, files) = (scene.bench.source.path(), scene.bench.source.files());
    reported.iter().try_for_each(|id| Restorable::check_files(&repository, *id, root, files))?;
    let found = Found::of(Arc::new(played.disk.image())).map_err(|error| format!("a check fails: {error}"))?;
    found.beyond(&scene.found).map_or(Ok(()), |found| Err(format!("a check finds {found}")))?;
    if goes_on { go_on(scene, played, &after) } else { Ok(()) }
}

/// The next snapshot and the next prune work without help, and take nothing away.
fn go_on(scene: &Scene, played: &Played, after: &Restorable) -> Result<(), String> {
    let repository = || open_any(Arc::new(played.disk.clone())).map_err(|error| format!("it does not open: {error}"));
    let pruned = run_prune(&repository()?, vec![]);
    if scene.found.is_none() {
        pruned.map_err(|error| format!("the next prune fails: {error}"))?;
    }
    after
        .lost_in(&Restorable::of(Arc::new(played.disk.clone())), &[])
        .map_or(Ok(()), |lost| Err(format!("after the next prune {lost}")))?;
    let outcome = snapshot::run(&repository()?, &snapshot_request(&scene.bench.source, Kind::Incremental), &Silent);
    let id = outcome.map_err(|error| format!("the next snapshot fails: {error}"))?.id.ok_or("the next snapshot has no id")?;
    Restorable::check_files(&repository()?, id, scene.bench.source.path(), scene.bench.source.files())
}
