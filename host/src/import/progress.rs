//! Progress of an import: a bar on a terminal, periodic lines in a pipe.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use scimguard_core::facts::ResourceKind;

use crate::plural::counted;
use scimguard_store::Crawl;

/// How often a line is written to a pipe.
const INTERVAL: Duration = Duration::from_secs(5);

/// The progress display.
pub(crate) struct Progress {
    shown: Shown,
}

enum Shown {
    Bar {
        bar: ProgressBar,
        /// When this kind began in this run, and how far it was: an interrupted import resumes
        /// where it stopped.
        begun: (Instant, u64),
    },
    Lines {
        told: Instant,
    },
}

impl Progress {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let shown = if std::io::stderr().is_terminal() {
            let template = "{prefix:6} {bar:30} {human_pos}/{human_len} {wide_msg}";
            let style = ProgressStyle::with_template(template)?;
            Shown::Bar {
                bar: ProgressBar::new(0).with_style(style),
                begun: (Instant::now(), 0),
            }
        } else {
            Shown::Lines {
                told: Instant::now(),
            }
        };
        Ok(Self { shown })
    }

    pub(crate) fn show(&mut self, crawl: &Crawl, total: u64) {
        let what = match crawl.kind {
            ResourceKind::User => "users",
            ResourceKind::Group => "groups",
        };
        let done = crawl.next.saturating_sub(1);
        let total = total.max(done);
        let members = crawl.tally.members;
        match &mut self.shown {
            Shown::Bar { bar, begun } => {
                if bar.prefix() != what {
                    bar.set_prefix(what);
                    *begun = (Instant::now(), done);
                }
                bar.set_length(total);
                bar.set_position(done);
                let (since, from) = *begun;
                let pace = pace(done.saturating_sub(from), total - done, since.elapsed());
                let members = match members {
                    0 => String::new(),
                    members => format!(", {}", counted(members, "membership", "memberships")),
                };
                bar.set_message(format!("{pace}{members}"));
            }
            Shown::Lines { told } if told.elapsed() >= INTERVAL => {
                *told = Instant::now();
                let members = counted(members, "membership", "memberships");
                anstream::eprintln!("{what}: {done} of {total}, {members}");
            }
            Shown::Lines { .. } => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar { bar, .. } = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// The speed of this run, and the estimated time for the rest.
fn pace(done: u64, left: u64, took: Duration) -> String {
    let (done, left) = (u128::from(done), u128::from(left));
    let millis = took.as_millis();
    if done == 0 || millis < 1000 {
        return String::new();
    }
    let per_second = done * 1000 / millis;
    let rest = u64::try_from(left * millis / done / 1000).unwrap_or(u64::MAX);
    format!(
        "({per_second}/s, {} left)",
        HumanDuration(Duration::from_secs(rest))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_this_run() {
        let second = Duration::from_secs(1);
        assert_eq!(pace(0, 100, 10 * second), "");
        assert_eq!(pace(500, 14_000, Duration::ZERO), "");
        assert_eq!(pace(200, 13_800, 2 * second), "(100/s, 2 minutes left)");
    }
}
