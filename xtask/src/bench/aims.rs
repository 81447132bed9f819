//! What wharf wants to reach, and whether it did.

use super::figures::{Figure, Measure, Run};
use super::servers::Server;

/// At least this many times what a peer does, in each of some cases.
#[derive(Debug)]
pub(crate) struct Aim {
    /// The cases by name.
    pub(crate) cases: &'static [&'static str],
    pub(crate) measure: Measure,
    pub(crate) peer: Server,
    /// The ratio wanted.
    pub(crate) at_least: f64,
}

const SMALL: &[&str] = &[
    "base",
    "manifest-tag",
    "manifest-digest",
    "blob-head",
    "blob-1k",
    "blob-64k",
];

/// All of them, but for the memory.
pub(crate) const AIMS: [Aim; 7] = [
    Aim {
        cases: SMALL,
        measure: Measure::Requests,
        peer: Server::Registry2,
        at_least: 20.0,
    },
    Aim {
        cases: SMALL,
        measure: Measure::RequestsPerCpu,
        peer: Server::Registry3,
        at_least: 5.0,
    },
    Aim {
        cases: SMALL,
        measure: Measure::RequestsPerCpu,
        peer: Server::Nginx,
        at_least: 0.5,
    },
    Aim {
        cases: &["blob-1m", "blob-100m"],
        measure: Measure::BytesPerCpu,
        peer: Server::Nginx,
        at_least: 0.9,
    },
    Aim {
        cases: &["push-large", "push-large-chunked"],
        measure: Measure::BytesPerCpu,
        peer: Server::Registry2,
        at_least: 4.0,
    },
    Aim {
        cases: &["push-4k", "push-4k-chunked"],
        measure: Measure::Requests,
        peer: Server::Registry2,
        at_least: 3.0,
    },
    Aim {
        cases: &["tags", "catalog"],
        measure: Measure::RequestsPerCpu,
        peer: Server::Registry2,
        at_least: 20.0,
    },
];

/// The anonymous memory under the load of many clients stays below this, in MiB.
pub(crate) const MEMORY_MIB: f64 = 64.0;

/// The median time of a small pull in the midst of it stays below this, in milliseconds.
pub(crate) const PULL_MS: f64 = 50.0;

impl Aim {
    /// How wharf stands to the peer; `None` where one of the two was not measured.
    pub(crate) fn judge(&self, wharf: &[Run], peer: &[Run]) -> Option<Verdict> {
        let ratio = Figure::ratio(&self.measure.all(wharf), &self.measure.all(peer))?;
        Some(Verdict {
            ratio,
            met: ratio.median >= self.at_least,
        })
    }
}

/// What came of an aim in one case.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) ratio: Figure,
    pub(crate) met: bool,
}

/// The word for it.
pub(crate) fn word(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cases;

    fn runs(requests: &[f64]) -> Vec<Run> {
        let run = |requests: &f64| Run {
            requests: *requests,
            bytes: 0,
            wall: 1.0,
            cpu: 1.0,
            anonymous_kib: 0,
        };
        requests.iter().map(run).collect()
    }

    #[test]
    fn an_aim_is_met_by_the_ratio_of_medians() {
        let aim = &AIMS[0];
        let verdict = aim
            .judge(&runs(&[200.0, 210.0, 100.0]), &runs(&[10.0, 10.0, 11.0]))
            .unwrap();
        assert!(verdict.met && (verdict.ratio.median - 20.0).abs() < 1e-9);
        assert!(!aim.judge(&runs(&[199.0]), &runs(&[10.0])).unwrap().met);
        assert!(aim.judge(&runs(&[199.0]), &[]).is_none());
    }

    #[test]
    fn every_aim_names_cases_that_its_peer_answers() {
        let cases = cases::all(false);
        for aim in &AIMS {
            for name in aim.cases {
                let case = cases.iter().find(|case| case.name == *name);
                let case = case.unwrap_or_else(|| panic!("there is no case `{name}`"));
                assert!(case.servers().contains(&aim.peer), "{aim:?}");
            }
        }
    }
}
