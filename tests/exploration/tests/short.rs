//! The short form of the exploration: every order of two requests, some histories of many, every history
//! that ever went wrong, and guards that are broken on purpose, which must be found.

use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, ensure};
use scimguard_exploration::exhaustive::{Bounds, explore};
use scimguard_exploration::{
    Backing, Blueprint, History, Memories, Request, Sabotage, Traits, catalogue, random,
};

/// Histories of 50 requests each.
const HISTORIES: u64 = 1_000;

/// Histories after which a broken guard has to be found.
const PATIENCE: u64 = 8_000;

fn honest() -> anyhow::Result<Arc<Blueprint>> {
    Blueprint::new("", None)
}

#[test]
fn no_order_of_two_requests_goes_wrong() -> anyhow::Result<()> {
    let (blueprint, memories) = (honest()?, Arc::default());
    let bounds = Bounds {
        faults: 0,
        settles: false,
        overtakes: false,
        states: 100_000,
    };
    for traits in [false, true].map(|unlike| Traits {
        removes_deactivated: unlike,
        takes_over: unlike,
        is_silent: unlike,
    }) {
        for start in catalogue::starts(&blueprint, traits)? {
            for one in catalogue::of_the_provider() {
                for other in catalogue::of_operators() {
                    let pair = [one.clone(), other];
                    seen(&blueprint, &memories, &start, &pair, bounds)?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn no_order_of_a_request_and_a_fault_goes_wrong() -> anyhow::Result<()> {
    let (blueprint, memories) = (honest()?, Arc::default());
    let bounds = Bounds {
        faults: 1,
        settles: true,
        overtakes: false,
        states: 100_000,
    };
    for start in catalogue::starts(&blueprint, Traits::default())? {
        let provider = catalogue::of_the_provider().into_iter();
        for request in provider.chain(catalogue::of_operators()) {
            for request in [request.clone(), request.at_gateway()] {
                seen(&blueprint, &memories, &start, &[request], bounds)?;
            }
        }
    }
    Ok(())
}

fn seen(
    blueprint: &Arc<Blueprint>,
    memories: &Arc<Memories>,
    start: &catalogue::Start,
    requests: &[Request],
    bounds: Bounds,
) -> anyhow::Result<()> {
    let explored = explore(blueprint, memories, &start.history, requests, bounds)?;
    if let Some(finding) = explored.finding {
        return Err(told(blueprint, finding.history, start.name)?);
    }
    ensure!(
        explored.is_complete && explored.ends > 0,
        "{}: not seen to the end",
        start.name
    );
    Ok(())
}

#[test]
fn no_history_goes_wrong() -> anyhow::Result<()> {
    let blueprint = honest()?;
    for seed in 0..HISTORIES {
        let (_, finding) = random::history(&blueprint, seed, false)?;
        if let Some(finding) = finding {
            return Err(told(&blueprint, finding.history, &format!("seed {seed}"))?);
        }
    }
    Ok(())
}

/// The shortest history that goes wrong in the same way.
fn told(
    blueprint: &Arc<Blueprint>,
    history: History,
    about: &str,
) -> anyhow::Result<anyhow::Error> {
    let shortest = history.shrink(blueprint)?;
    let world = shortest.history.replay(blueprint, true)?;
    let log = world.log().join("\n");
    Ok(anyhow!("{about}: {}\n{log}", shortest.wrong))
}

#[test]
fn what_once_went_wrong_goes_right() -> anyhow::Result<()> {
    let blueprint = honest()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let mut history: History = serde_json::from_slice(&std::fs::read(&path)?)?;
        for backing in [Backing::Memory, Backing::Sqlite] {
            history.backing = backing;
            let world = history.replay(&blueprint, true)?;
            let log = world.log().join("\n");
            assert_eq!(world.wrong(), None, "{}\n{log}", path.display());
        }
        count += 1;
    }
    assert!(count > 0);
    Ok(())
}

#[test]
fn a_broken_guard_is_found() -> anyhow::Result<()> {
    let all = [
        Sabotage::ForgetIntents,
        Sabotage::ForgetPending,
        Sabotage::KeepDeleted,
        Sabotage::ForgetDeactivation,
        Sabotage::ForgetRemovals,
        Sabotage::IgnoreStore,
        Sabotage::WithdrawAt503,
        Sabotage::WithdrawUnanswered,
        Sabotage::ReleaseEarly,
        Sabotage::LeaseNothing,
        Sabotage::SettleTooEarly,
    ];
    for sabotage in all {
        let blueprint = Blueprint::new("", Some(sabotage))?;
        let mut is_found = false;
        for seed in 0..PATIENCE {
            is_found = random::history(&blueprint, seed, false)?.1.is_some();
            if is_found {
                break;
            }
        }
        ensure!(
            is_found,
            "{sabotage:?} is not found in {PATIENCE} histories"
        );
    }
    Ok(())
}
