//! `cargo xtask explore`: searches for orders of events that fail.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

mod orders;

use clap::Parser;
use scimguard_exploration::{Blueprint, Finding, Sabotage, random};

/// Deciding a request makes thousands of small allocations, which this allocator serves faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Explore random histories of many requests.
#[derive(Parser)]
#[command(name = "cargo xtask explore")]
struct Arguments {
    /// Duration in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The seed of the first history; the next histories use the following numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Explore a guard with this fault.
    #[arg(long)]
    sabotage: Option<Sabotage>,
    /// Write the shortest failing history to this file.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Instead, try every order of a few requests with at most this many faults, from every
    /// starting record.
    #[arg(long, value_name = "FAULTS")]
    orders: Option<u32>,
    /// The number of requests; the first is the provider's.
    #[arg(long, default_value_t = 2, requires = "orders")]
    requests: usize,
    /// Let a gateway decide the first request.
    #[arg(long, requires = "orders")]
    at_gateway: bool,
    /// Let the application do a late write after a later one.
    #[arg(long)]
    overtaking: bool,
    /// Use only the starting record with this name.
    #[arg(long, requires = "orders")]
    start: Option<String>,
    /// Continue after a finding, and count findings by kind.
    #[arg(long)]
    count: bool,
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let blueprint = Blueprint::new("", arguments.sabotage)?;
    if let Some(faults) = arguments.orders {
        let orders = orders::Orders {
            requests: arguments.requests,
            faults,
            at_gateway: arguments.at_gateway,
            overtakes: arguments.overtaking,
            start: arguments.start,
        };
        return orders::explore_all(&blueprint, &orders, arguments.save.as_deref());
    }
    let begun = Instant::now();
    let until = begun + Duration::from_secs(arguments.seconds);
    let (seeds, requests) = (AtomicU64::new(arguments.seed), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let found: Mutex<Vec<(u64, Finding)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| -> anyhow::Result<()> {
                while Instant::now() < until && !is_over.load(Ordering::Relaxed) {
                    let seed = seeds.fetch_add(1, Ordering::Relaxed);
                    let (count, finding) = random::history(&blueprint, seed, arguments.overtaking)?;
                    requests.fetch_add(count as u64, Ordering::Relaxed);
                    if let Some(finding) = finding {
                        is_over.store(!arguments.count, Ordering::Relaxed);
                        if let Ok(mut found) = found.lock() {
                            found.push((seed, finding));
                        }
                    }
                }
                Ok(())
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let histories = seeds.load(Ordering::Relaxed) - arguments.seed;
    let requests = requests.load(Ordering::Relaxed);
    println!(
        "{histories} histories, {requests} requests, {:.0} requests a second",
        requests as f64 / seconds
    );
    let found = found.into_inner().unwrap_or_default();
    if arguments.count {
        let mut kinds = std::collections::BTreeMap::<String, Vec<u64>>::new();
        for (seed, finding) in &found {
            let kind: String = finding.wrong.chars().take(70).collect();
            kinds.entry(kind).or_default().push(*seed);
        }
        for (kind, seeds) in kinds {
            println!(
                "{:6} {kind} {:?}",
                seeds.len(),
                &seeds[..seeds.len().min(4)]
            );
        }
    }
    let Some((seed, first)) = found.into_iter().min_by_key(|(seed, _)| *seed) else {
        return Ok(());
    };
    println!("seed {seed}: {}", first.wrong);
    orders::tell(&blueprint, first, arguments.save.as_deref())
}
