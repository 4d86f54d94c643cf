//! What has a process used, by Linux's own accounts (proc(5))?

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// `utime` and `stime` are in hundredths of a second on every processor that Envoy is built for.
const TICK: Duration = Duration::from_millis(10);

/// Time of the processors that processes have had, together.
pub(crate) fn busy(processes: &[u32]) -> anyhow::Result<Duration> {
    processes.iter().try_fold(Duration::ZERO, |sum, process| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        Ok(sum + TICK * (field(&stat, 14)? + field(&stat, 15)?))
    })
}

/// A process and those that it has started.
pub(crate) fn family(process: u32) -> anyhow::Result<Vec<u32>> {
    let mut family = vec![process];
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|id| id.parse().ok()) else {
            continue;
        };
        // One that has ended since is nobody's child.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if field(&stat, 4).is_ok_and(|parent| parent == process) {
            family.push(id);
        }
    }
    Ok(family)
}

/// A field of `/proc/PID/stat`, by its number there.
fn field(stat: &str, number: usize) -> anyhow::Result<u32> {
    // The second is the program's name in brackets, which may have anything in it.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let field = fields.split_whitespace().nth(number - 3);
    Ok(field.context("stat is too short")?.parse()?)
}

/// Resident memory of a process, in bytes.
pub(crate) fn memory(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let amount = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u32 = amount.context("no VmRSS in status")?.parse()?;
    Ok(f64::from(kilobytes) * 1024.0)
}
