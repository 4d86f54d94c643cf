//! Every order of a few requests, one of them the provider's, from every starting record.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use scimguard_exploration::exhaustive::{Bounds, Explored, explore};
use scimguard_exploration::{Blueprint, Finding, Memories, Request, Traits, catalogue};

/// The orders to try.
pub(crate) struct Orders {
    /// The number of concurrent requests.
    pub(crate) requests: usize,
    /// The most faults in one order, including deaths of the guard.
    pub(crate) faults: u32,
    /// Whether a gateway decides the first of the requests.
    pub(crate) at_gateway: bool,
    /// Whether the application may do a late write after a later one.
    pub(crate) overtakes: bool,
    /// The name of the only starting record; `None`: all.
    pub(crate) start: Option<String>,
}

/// The results so far.
#[derive(Default)]
struct Seen {
    states: usize,
    ends: usize,
    /// The number of states of the largest search.
    largest: usize,
    cut: usize,
    found: Vec<(String, Finding)>,
}

/// Above this many states, the search from one start ends incomplete.
const MOST_STATES: usize = 5_000_000;

/// Explores, and prints how much was searched.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
pub(crate) fn explore_all(
    blueprint: &Arc<Blueprint>,
    orders: &Orders,
    save: Option<&Path>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let bounds = Bounds {
        faults: orders.faults,
        settles: orders.faults > 0,
        overtakes: orders.overtakes,
        states: MOST_STATES,
    };
    let mut starts = Vec::new();
    for traits in kinds() {
        starts.extend(catalogue::starts(blueprint, traits)?);
    }
    starts.retain(|start| {
        orders
            .start
            .as_deref()
            .is_none_or(|name| name == start.name)
    });
    let meetings = meetings(orders);
    let all: Vec<(&catalogue::Start, &Vec<Request>)> = starts
        .iter()
        .flat_map(|start| meetings.iter().map(move |meeting| (start, meeting)))
        .collect();
    let progress =
        ProgressBar::new(u64::try_from(all.len())?).with_style(ProgressStyle::with_template(
            "{bar:30} {pos} of {len} starts and requests, {msg}, {eta} left",
        )?);
    let next = AtomicUsize::new(0);
    let memories = Arc::<Memories>::default();
    let seen = Mutex::<Seen>::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let work = || -> anyhow::Result<()> {
            while let Some((start, meeting)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let explored = explore(blueprint, &memories, &start.history, meeting, bounds)?;
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.add(start.name, meeting, explored);
                progress.set_message(format!(
                    "{} states, {} findings",
                    seen.states,
                    seen.found.len()
                ));
                progress.inc(1);
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
    progress.finish_and_clear();
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{} starts and meetings of {} requests with at most {} faults: {} states, at most {} of one, \
         {} ends, {} not seen to the end, {:.0} s",
        all.len(),
        orders.requests,
        orders.faults,
        seen.states,
        seen.largest,
        seen.ends,
        seen.cut,
        begun.elapsed().as_secs_f64()
    );
    for (about, finding) in &seen.found {
        println!("{about}: {:.150}", finding.wrong);
    }
    match seen.found.pop() {
        None => Ok(()),
        Some((_, finding)) => tell(blueprint, finding, save),
    }
}

impl Seen {
    fn add(&mut self, start: &str, meeting: &[Request], explored: Explored) {
        self.states += explored.states;
        self.ends += explored.ends;
        self.largest = self.largest.max(explored.states);
        let is_cut = explored.finding.is_none() && !explored.is_complete;
        self.cut += usize::from(is_cut);
        if let Some(finding) = explored.finding {
            let requests = meeting.iter();
            let requests = requests.map(|request| format!("{} {}", request.method, request.path));
            let requests: Vec<String> = requests.collect();
            let about = format!("{start}: {}", requests.join(" against "));
            self.found.push((about, finding));
        }
    }
}

/// Prints the shortest history of a finding, saves it, and fails.
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

/// The combinations of this many requests, the first of which is the provider's.
fn meetings(orders: &Orders) -> Vec<Vec<Request>> {
    let provider = catalogue::of_the_provider();
    let own = provider.len();
    let all: Vec<Request> = provider
        .into_iter()
        .chain(catalogue::of_operators())
        .collect();
    let mut chosen: Vec<Vec<usize>> = (0..own).map(|first| vec![first]).collect();
    for _ in 1..orders.requests {
        let with_another = |some: Vec<usize>| {
            let last = some.last().copied().unwrap_or_default();
            (last..all.len()).map(move |next| [some.clone(), vec![next]].concat())
        };
        chosen = chosen.into_iter().flat_map(with_another).collect();
    }
    let requests = |some: Vec<usize>| {
        let mut requests: Vec<Request> = some.into_iter().map(|one| all[one].clone()).collect();
        if orders.at_gateway
            && let Some(first) = requests.first_mut()
        {
            *first = first.clone().at_gateway();
        }
        requests
    };
    chosen.into_iter().map(requests).collect()
}
