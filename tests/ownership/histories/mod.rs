//! Long histories: the provider and operators act at the same time, on a guard that is killed again
//! and again while requests are in flight. Nothing that the model forbids ever reaches the
//! application, and once the guard has settled what was open, its record is what the application
//! has.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use scimguard_tests::acts::Operation;
use scimguard_tests::acts::chance::{self, Plan};
use scimguard_tests::client::Answer;
use scimguard_tests::model::{Actor, World};
use scimguard_tests::oracle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::observing_proxy::{Seen, View};
use crate::record;
use crate::scenario::{Hands, Scenario};

/// How often the guard is killed, unless the long run says otherwise.
const KILLS: usize = 24;
const KILLS_VARIABLE: &str = "SCIMGUARD_HISTORIES_KILLS";

/// What chance begins with, unless the long run says otherwise.
const SEED: u64 = 6;
const SEED_VARIABLE: &str = "SCIMGUARD_HISTORIES_SEED";

/// After so many kills, or fewer, the guard is left alone until it has settled.
const KILLS_TO_A_REST: usize = 12;

/// How long settling may take.
const SETTLING_LIMIT: Duration = Duration::from_secs(30);

/// The longest that everybody acts before the guard is killed, in milliseconds.
const LONGEST_LIFE: u64 = 300;

/// Operators who act at the same time.
const OPERATORS: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_forbidden_passes_and_the_record_is_right_after_any_kill() -> anyhow::Result<()> {
    let kills = number(KILLS_VARIABLE)?.map_or(Ok(KILLS), usize::try_from)?;
    let seed = number(SEED_VARIABLE)?.unwrap_or(SEED);
    let history = async {
        let mut history = History {
            scenario: Scenario::assemble(seed, true).await?,
            random: StdRng::seed_from_u64(seed),
            counts: Arc::default(),
        };
        let mut next_rest = 0;
        for kill in 1..=kills {
            history.live_and_die().await?;
            tell(&format!("kill {kill} of {kills}, {}", history.counts()))?;
            if kill >= next_rest || kill == kills {
                history.rest().await?;
                next_rest = kill + history.random.random_range(1..=KILLS_TO_A_REST);
            }
        }
        history.was_eventful(kills).await
    };
    history.await.with_context(|| format!("seed {seed}"))
}

struct History {
    scenario: Scenario,
    random: StdRng,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Requests in flight now.
    in_flight: AtomicUsize,
    /// Requests in flight when the guard was killed, all together.
    cut_off: AtomicUsize,
    done: AtomicUsize,
    refused: AtomicUsize,
}

impl History {
    /// Everybody acts for a while; then the guard is killed and started again.
    async fn live_and_die(&mut self) -> anyhow::Result<()> {
        let mut party = JoinSet::new();
        for share in 0..chance::WORKERS {
            party.spawn(self.provider(share));
        }
        for _ in 0..OPERATORS {
            party.spawn(self.operator());
        }
        let while_ = Duration::from_millis(self.random.random_range(10..LONGEST_LIFE));
        sleep(while_).await;
        self.scenario.guard.kill().await?;
        self.scenario.proxy.seen().await.note("the guard is killed");
        let cut_off = self.counts.in_flight.swap(0, Ordering::SeqCst);
        self.counts.cut_off.fetch_add(cut_off, Ordering::SeqCst);
        party.abort_all();
        while party.join_next().await.is_some() {}
        self.counts.in_flight.store(0, Ordering::SeqCst);
        self.scenario.guard.start().await?;
        self.scenario.proxy.saw_nothing_forbidden().await
    }

    /// A worker of the provider, until the guard is dead.
    fn provider(&mut self, share: u32) -> impl Future<Output = ()> + Send + 'static {
        let mut life = self.life(Actor::Provisioner);
        async move {
            loop {
                life.look_around().await;
                let plan = chance::of_the_provider(&mut life.random, &life.seen, share);
                if life.carry_out(plan).await.is_none() {
                    return;
                }
            }
        }
    }

    /// An operator, until the guard is dead.
    fn operator(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let mut life = self.life(Actor::Operator);
        async move {
            loop {
                life.look_around().await;
                let operation = chance::of_an_operator(&mut life.random, &life.seen);
                if life.act(&operation).await.is_none() {
                    return;
                }
            }
        }
    }

    fn life(&mut self, actor: Actor) -> Life {
        Life {
            actor,
            hands: match actor {
                Actor::Provisioner => self.scenario.provider.clone(),
                Actor::Operator => self.scenario.operator.clone(),
            },
            view: self.scenario.proxy.view(),
            seen: World::default(),
            random: StdRng::seed_from_u64(self.random.random()),
            counts: Arc::clone(&self.counts),
        }
    }

    /// Nobody acts until the guard has settled what is open; then its record is right.
    async fn rest(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let database = self.scenario.guard.database();
        let record = loop {
            let record = record::read(&database)?;
            let seen = self.scenario.proxy.seen().await;
            if record.is_settled(&seen.world) {
                break record;
            }
            let about = format!("{record:?}");
            ensure!(
                begun.elapsed() < SETTLING_LIMIT,
                "not settled after {SETTLING_LIMIT:?}: {about}\nof these writes:\n{}",
                seen.about(&about)
            );
            drop(seen);
            sleep(Duration::from_millis(50)).await;
        };
        let mut seen = self.scenario.proxy.seen().await;
        let Seen { world, claimed, .. } = &mut *seen;
        oracle::grant_claims(world, claimed, &record);
        let differences = record.differences(&seen.world, false);
        ensure!(
            differences.is_empty(),
            "the record is not what the application has:\n{}\nof these writes:\n{}",
            differences.join("\n"),
            seen.about(&differences.join(" "))
        );
        Ok(())
    }

    /// Passes if enough happened for the rest to mean anything.
    async fn was_eventful(&self, kills: usize) -> anyhow::Result<()> {
        let seen = self.scenario.proxy.seen().await;
        let counts = &self.counts;
        let refused = counts.refused.load(Ordering::SeqCst);
        let cut_off = counts.cut_off.load(Ordering::SeqCst);
        // Slow machines do less between two kills.
        let enough = kills / 2;
        ensure!(
            seen.of_operators > enough
                && seen.of_the_provider > enough
                && refused > enough
                && cut_off > enough,
            "{} writes of operators, {} of the provider, {}",
            seen.of_operators,
            seen.of_the_provider,
            self.counts()
        );
        Ok(())
    }

    fn counts(&self) -> String {
        let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        let counts = &self.counts;
        format!(
            "{} requests in flight, {} done, {} refused",
            of(&counts.cut_off),
            of(&counts.done),
            of(&counts.refused)
        )
    }
}

/// One who acts until the guard is dead.
struct Life {
    actor: Actor,
    hands: Hands,
    view: View,
    seen: World,
    random: StdRng,
    counts: Arc<Counts>,
}

impl Life {
    /// Not always: an edit may be made of what was seen a while ago.
    async fn look_around(&mut self) {
        if self.random.random() {
            self.seen = self.view.world().await;
        }
    }

    /// The answer; `None` if there was none.
    async fn act(&self, operation: &Operation) -> Option<Answer> {
        if let (Actor::Provisioner, Some(user)) = (self.actor, operation.user()) {
            self.view.claim(user).await;
        }
        let counts = &self.counts;
        counts.in_flight.fetch_add(1, Ordering::SeqCst);
        let answer = self.hands.send(operation).await.ok()?;
        counts.in_flight.fetch_sub(1, Ordering::SeqCst);
        match answer.rule {
            Some(_) => counts.refused.fetch_add(1, Ordering::SeqCst),
            None => counts.done.fetch_add(1, Ordering::SeqCst),
        };
        Some(answer)
    }

    /// The provider links what it finds, as long as it is let.
    async fn carry_out(&self, plan: Plan) -> Option<()> {
        let (search, create, change) = match plan {
            Plan::Do(operation) => return self.act(&operation).await.map(drop),
            Plan::Find {
                search,
                create,
                change,
            } => (search, create, change),
        };
        let found = self.act(&search).await?;
        if found.status != 200 {
            return Some(());
        }
        for resource in found.body["Resources"].as_array().into_iter().flatten() {
            let id = resource["id"].as_str().unwrap_or_default();
            let changed = self.act(&change(id)).await?;
            // A group that is not its own is not there for the provider: it pushes another.
            if changed.status != 404 {
                return Some(());
            }
        }
        self.act(&create).await.map(drop)
    }
}

/// For whoever watches the long run.
fn tell(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "{line}")?)
}

fn number(variable: &str) -> anyhow::Result<Option<u64>> {
    let text = std::env::var(variable).ok();
    text.map(|text| {
        text.parse()
            .with_context(|| format!("{variable} is {text:?}"))
    })
    .transpose()
}
