//! What each worker of Envoy takes of memory after it has worked, and how long Envoy takes to be ready.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use scimguard_tests::environment::{self, EMPTY_FILTER, FILTER};
use scimguard_tests::envoy::{Envoy, Filter};
use scimguard_tests::load;

use crate::loads::Load;
use crate::table::{median, size, table, time};
use crate::usage;
use crate::ways::{self, Facts};

/// A start is measured this often; what the table has is the median.
const STARTS: usize = 3;

const SPAN: Duration = Duration::from_millis(700);

/// What one start gave.
#[derive(Clone, Copy)]
struct Sample {
    ready: Duration,
    memory: f64,
}

/// The table.
pub(crate) async fn figures(application: SocketAddr, facts: &Facts) -> anyhow::Result<String> {
    let kinds: [(_, fn() -> Filter, _); 3] = [
        ("Envoy", || Filter::None, None),
        ("Envoy, empty filter", ways::empty, Some(EMPTY_FILTER)),
        ("Envoy, scimguard", ways::policy, Some(FILTER)),
    ];
    let mut rows = Vec::new();
    for (name, filter, file) in kinds {
        let [one, two, four] = [
            started(application, facts, filter, 1).await?,
            started(application, facts, filter, 2).await?,
            started(application, facts, filter, 4).await?,
        ];
        rows.push(vec![
            name.to_owned(),
            file.map(length).transpose()?.unwrap_or_default(),
            time(one.ready),
            size(one.memory),
            size(two.memory),
            size(four.memory),
            // Of three: one is within what memory differs by from start to start.
            size((four.memory - one.memory) / 3.0),
        ]);
    }
    let heads = [
        "",
        "filter",
        "ready after",
        "memory, 1 worker",
        "2 workers",
        "4 workers",
        "each worker more",
    ];
    Ok(table(&heads, &rows))
}

fn length(file: &str) -> anyhow::Result<String> {
    let length = environment::file(file).metadata()?.len();
    Ok(size(u32::try_from(length)?.into()))
}

/// The median of some starts with so many workers.
async fn started(
    application: SocketAddr,
    facts: &Facts,
    filter: fn() -> Filter,
    workers: usize,
) -> anyhow::Result<Sample> {
    let mut samples = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let bed = ways::bed(application, facts, workers);
        let envoy = Envoy::start_with(&bed, &[filter()]).await?;
        let ready = begun.elapsed();
        for load in [Load::Read, Load::Write] {
            load::run(envoy.listeners[0], load.clients(&facts.token)?, SPAN).await?;
        }
        let memory = usage::memory(envoy.id().context("Envoy has ended")?)?;
        samples.push(Sample { ready, memory });
    }
    Ok(Sample {
        ready: median(samples.iter().map(|sample| sample.ready)).context("no start")?,
        memory: median(samples.iter().map(|sample| sample.memory)).context("no start")?,
    })
}
