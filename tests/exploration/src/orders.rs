//! Every order of two requests, one of the provider and one of anybody, from every start.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use scimguard_exploration::exhaustive::{Bounds, explore};
use scimguard_exploration::{Blueprint, Finding, Request, Traits, catalogue};

/// Explores, and tells how much was seen.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
pub(crate) fn explore_all(
    blueprint: &Arc<Blueprint>,
    faults: u32,
    save: Option<&Path>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let bounds = Bounds {
        faults,
        rounds: u32::from(faults > 0),
        states: 200_000,
    };
    let starts: Vec<catalogue::Start> = kinds()
        .map(|traits| catalogue::starts(blueprint, traits))
        .collect::<anyhow::Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let pairs = pairs();
    let all: Vec<(&catalogue::Start, &[Request; 2])> = starts
        .iter()
        .flat_map(|start| pairs.iter().map(move |pair| (start, pair)))
        .collect();
    let (next, states, ends, cut) =
        <(AtomicUsize, AtomicUsize, AtomicUsize, AtomicUsize)>::default();
    let found: Mutex<Vec<(String, Finding)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let work = || -> anyhow::Result<()> {
            while let Some((start, pair)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let explored = explore(blueprint, &start.history, &pair[..], bounds)?;
                states.fetch_add(explored.states, Ordering::Relaxed);
                ends.fetch_add(explored.ends, Ordering::Relaxed);
                cut.fetch_add(usize::from(!explored.is_complete), Ordering::Relaxed);
                if let (Some(finding), Ok(mut found)) = (explored.finding, found.lock()) {
                    let [one, other] = pair;
                    let about = format!(
                        "{}: {} {} against {} {}",
                        start.name, one.method, one.path, other.method, other.path
                    );
                    found.push((about, finding));
                }
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    })?;
    println!(
        "{} starts and pairs of requests with at most {faults} faults: {} states, {} ends, {} not \
         seen to the end, {:.0} s",
        all.len(),
        states.into_inner(),
        ends.into_inner(),
        cut.into_inner(),
        begun.elapsed().as_secs_f64()
    );
    let mut found = found.into_inner().unwrap_or_default();
    for (about, finding) in &found {
        println!("{about}: {:.150}", finding.wrong);
    }
    match found.pop() {
        None => Ok(()),
        Some((_, finding)) => tell(blueprint, finding, save),
    }
}

/// Tells the shortest history of a finding, keeps it, and fails.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
pub(crate) fn tell(
    blueprint: &Arc<Blueprint>,
    finding: Finding,
    save: Option<&Path>,
) -> anyhow::Result<()> {
    let shortest = finding.history.shrink(blueprint)?;
    let world = shortest.history.replay(blueprint, true)?;
    println!("\n{} events:", shortest.history.events.len());
    for line in world.log() {
        println!("{line}");
    }
    if let Some(path) = save {
        std::fs::write(path, serde_json::to_vec_pretty(&shortest.history)?)?;
    }
    anyhow::bail!("{}", shortest.wrong)
}

/// Kinds of applications.
fn kinds() -> impl Iterator<Item = Traits> {
    [false, true].into_iter().map(|unlike| Traits {
        removes_deactivated: unlike,
        takes_over: unlike,
        is_silent: unlike,
    })
}

fn pairs() -> Vec<[Request; 2]> {
    let provider = catalogue::of_the_provider();
    let others: Vec<Request> = provider
        .iter()
        .cloned()
        .chain(catalogue::of_operators())
        .collect();
    let mut pairs = Vec::new();
    for (number, one) in provider.iter().enumerate() {
        for other in &others[number..] {
            pairs.push([one.clone(), other.clone()]);
        }
    }
    pairs
}
