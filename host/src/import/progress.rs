//! How far an import is: a bar on a terminal, plain lines now and then in a pipe.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use scimguard_core::facts::ResourceKind;

use crate::store::Crawl;

/// How often a pipe is told.
const INTERVAL: Duration = Duration::from_secs(5);

/// What is shown.
pub(crate) struct Progress {
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines { told: Instant },
}

impl Progress {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let shown = if std::io::stderr().is_terminal() {
            let template = "{prefix:6} {bar:30} {pos}/{len} ({per_sec}, {eta} left) {wide_msg}";
            let style = ProgressStyle::with_template(template)?;
            Shown::Bar(ProgressBar::new(0).with_style(style))
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
            Shown::Bar(bar) => {
                if bar.prefix() != what {
                    bar.set_prefix(what);
                    bar.reset_eta();
                }
                bar.set_length(total);
                bar.set_position(done);
                if members > 0 {
                    bar.set_message(format!("{members} memberships"));
                }
            }
            Shown::Lines { told } if told.elapsed() >= INTERVAL => {
                *told = Instant::now();
                anstream::eprintln!("{what}: {done} of {total}, {members} memberships");
            }
            Shown::Lines { .. } => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
