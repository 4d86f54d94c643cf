//! Collects the reports that nothing waits for, so that many of them are one call.

use std::cell::RefCell;

use scimguard_wire::RecordsRequest;

/// The most that wait.
const MOST: usize = 32;

/// The reports of one worker that wait to be sent.
#[derive(Default)]
pub struct Reports(RefCell<Vec<RecordsRequest>>);

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The first one waits: send it after a few milliseconds.
    Soon,
    /// It goes with those that wait already.
    Waits,
    /// There are enough of them: send them.
    Now,
}

impl Reports {
    /// Adds one. The service counts its request as in progress until it is sent.
    pub fn add(&self, report: RecordsRequest) -> Due {
        let mut waiting = self.0.borrow_mut();
        waiting.push(report);
        match waiting.len() {
            1 => Due::Soon,
            MOST.. => Due::Now,
            _ => Due::Waits,
        }
    }

    /// Takes all of them.
    #[must_use]
    pub fn take(&self) -> Vec<RecordsRequest> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use scimguard_wire::Head;

    use super::*;

    #[test]
    fn a_report_is_sent_soon_or_with_enough_others() {
        let report = RecordsRequest {
            pass: None,
            head: Head {
                method: "GET".to_owned(),
                path: "/".to_owned(),
                credentials: Vec::new(),
                source: None,
            },
            verdict: None,
            records: Vec::new(),
            end: true,
        };
        let reports = Reports::default();
        for _ in 0..2 {
            let dues: Vec<Due> = (0..MOST).map(|_| reports.add(report.clone())).collect();
            let [Due::Soon, between @ .., Due::Now] = &dues[..] else {
                panic!("{dues:?}");
            };
            assert!(between.iter().all(|due| *due == Due::Waits));
            assert_eq!(reports.take().len(), MOST);
        }
        assert_eq!(reports.take(), []);
    }
}
