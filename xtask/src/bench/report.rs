//! The page: what was measured, and how it stands to what is wanted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::aims::{self, AIMS};
use super::cases::{Case, Work};
use super::figures::{Figure, Measure, Run, float, number, rate};
use super::machine::{Machine, Versions};
use super::memory::{self, Outcome};
use super::servers::Server;

/// The runs of one case.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: Case,
    runs: BTreeMap<Server, Vec<Run>>,
}

impl Row {
    /// The runs in the order in which they were made.
    pub(crate) fn new(case: Case, all: Vec<(Server, Run)>) -> Self {
        let mut runs = BTreeMap::<_, Vec<_>>::new();
        for (server, run) in all {
            runs.entry(server).or_default().push(run);
        }
        Self { case, runs }
    }

    /// The runs of each server.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Server, &[Run])> {
        self.runs.iter().map(|(server, runs)| (*server, runs.as_slice()))
    }

    fn of(&self, server: Server) -> &[Run] {
        self.runs.get(&server).map_or(&[], Vec::as_slice)
    }
}

/// What came of the memory case for one server.
pub(crate) type MemoryRow = (Server, Outcome);

/// Everything that is on the page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) machine: Machine,
    pub(crate) versions: Versions,
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) memory: Vec<MemoryRow>,
}

impl Page {
    /// The page as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = self.introduction();
        self.aims(&mut text);
        self.figures(&mut text);
        self.memory(&mut text);
        text
    }

    fn introduction(&self) -> String {
        let Machine {
            date,
            processor,
            cores,
            memory_gib,
            kernel,
            filesystem,
        } = &self.machine;
        let quick = if self.quick { " --quick" } else { "" };
        let versions = self.versions.0.join(", ");
        format!(
            "# `wharf serve` beside other servers

Written by `cargo xtask bench serve{quick}`.

- Date: {date}
- Machine: {processor}, {cores} cores, {memory_gib} GiB, Linux {kernel}, {filesystem}; servers and load share the cores
- Versions: {versions}

All servers ran at once on the same files and were asked in turn, in another order each round; a figure is the median of
{rounds} runs after a warm-up, with the lowest and the highest. Pushes went to a server that was just started, with an
empty root on disk. wharf ran as without any configuration but for the access log, which was off; the registries with
Debian's configuration and errors alone logged; nginx with `sendfile`, `open_file_cache` and without access log. CPU
seconds are the server's own, user and system. Anonymous memory leaves the page cache out.

",
            rounds = self.rounds,
        )
    }

    /// The ratios, and whether they are what is wanted.
    fn aims(&self, text: &mut String) {
        text.push_str("## Aims\n\n| case | wharf against | | ratio | wanted | |\n|---|---|---|---|---|---|\n");
        for aim in &AIMS {
            for row in self.rows.iter().filter(|row| aim.cases.contains(&row.case.name)) {
                let Some(verdict) = aim.judge(row.of(Server::Wharf), row.of(aim.peer)) else {
                    continue;
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | ≥ {} | {} |",
                    row.case.title,
                    aim.peer.name(),
                    aim.measure.name(),
                    verdict.ratio.show(number),
                    aim.at_least,
                    aims::word(verdict.met)
                );
            }
        }
        if let Some((_, outcome)) = self.memory.iter().find(|(server, _)| *server == Server::Wharf) {
            let mib = mib(outcome.highest_kib);
            let met = aims::word(mib < aims::MEMORY_MIB);
            let _ = writeln!(
                text,
                "| anonymous memory under load | | highest | {} MiB | < {} MiB | {met} |",
                number(mib),
                aims::MEMORY_MIB
            );
            if let Some(pull) = outcome.pull_ms() {
                let met = aims::word(pull.median < aims::PULL_MS);
                let _ = writeln!(
                    text,
                    "| small pull under load | | median | {} ms | < {} ms | {met} |",
                    number(pull.median),
                    aims::PULL_MS
                );
            }
        }
        text.push('\n');
    }

    fn figures(&self, text: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        text.push_str(
            "## Figures\n\nRequests, or blobs pushed.\n\n\
             | case | server | per second | per CPU second | bytes per CPU second | anonymous MiB |\n\
             |---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let mut title = row.case.title.clone();
            if let Work::Pull(pull) = &row.case.work {
                let of = if pull.connections == 1 {
                    "connection"
                } else {
                    "connections"
                };
                let _ = write!(title, ", {} {of}", pull.connections);
            }
            for (server, runs) in row.runs() {
                let show = |measure: Measure, print: fn(f64) -> String| {
                    Figure::of(&measure.all(runs)).map_or_else(String::new, |figure| figure.show(print))
                };
                let highest = runs.iter().map(|run| run.anonymous_kib).max().unwrap_or_default();
                let _ = writeln!(
                    text,
                    "| {title} | {} | {} | {} | {} | {} |",
                    server.name(),
                    show(Measure::Requests, number),
                    show(Measure::RequestsPerCpu, number),
                    show(Measure::BytesPerCpu, rate),
                    number(mib(highest))
                );
                title.clear();
            }
        }
        text.push('\n');
    }

    fn memory(&self, text: &mut String) {
        if self.memory.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "## Memory\n\n{} slow clients pull a blob of {}, {} push one of {} each, {} connections are idle, and every 50 ms\n\
             someone pulls a manifest and a blob of 1 KiB. One run.\n\n\
             | server | anonymous MiB, idle | highest | small pull, ms | pushes, s | CPU s | taken by slow clients |\n\
             |---|---|---|---|---|---|---|",
            memory::SLOW_CLIENTS,
            super::cases::show_size(memory::SLOW_BLOB),
            memory::PUSHING_CLIENTS,
            super::cases::show_size(super::cases::large_blob(self.quick)),
            memory::IDLE_CONNECTIONS,
        );
        for (server, outcome) in &self.memory {
            let pull = outcome.pull_ms().map_or_else(String::new, |pull| pull.show(number));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {pull} | {} | {} | {} |",
                server.name(),
                number(mib(outcome.idle_kib)),
                number(mib(outcome.highest_kib)),
                number(outcome.wall),
                number(outcome.cpu),
                rate(float(outcome.pulled_bytes)),
            );
        }
    }
}

fn mib(kib: u64) -> f64 {
    float(kib) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cases;

    fn page() -> Page {
        let run = |requests: u64, cpu| Run {
            requests: float(requests),
            bytes: requests * 1000,
            wall: 1.0,
            cpu,
            anonymous_kib: 2048,
        };
        let case = cases::all(true).into_iter().find(|case| case.name == "base").unwrap();
        let runs = vec![
            (Server::Wharf, run(20_000, 0.5)),
            (Server::Registry2, run(1000, 1.0)),
            (Server::Registry3, run(10_000, 1.0)),
        ];
        Page {
            machine: Machine {
                date: "2026-01-02".to_owned(),
                processor: "CPU".to_owned(),
                cores: 2,
                memory_gib: 8,
                kernel: "6".to_owned(),
                filesystem: "ext4".to_owned(),
            },
            versions: Versions(vec!["wharf 1".to_owned(), "nginx 2".to_owned()]),
            quick: true,
            rounds: 1,
            rows: vec![Row::new(case, runs)],
            memory: vec![(
                Server::Wharf,
                Outcome {
                    idle_kib: 1024,
                    highest_kib: 65 * 1024,
                    pulls_ms: vec![1.0, 2.0, 90.0],
                    pulled_bytes: 5_000_000,
                    wall: 4.0,
                    cpu: 3.0,
                },
            )],
        }
    }

    #[test]
    fn aims_are_judged_where_both_were_measured() {
        let text = page().markdown();
        for line in [
            "| `GET /v2/` | registry 2.8 | per second | 20.0 (20.0–20.0) | ≥ 20 | met |",
            "| `GET /v2/` | registry 3 | per CPU second | 4.00 (4.00–4.00) | ≥ 5 | **missed** |",
            "| anonymous memory under load | | highest | 65.0 MiB | < 64 MiB | **missed** |",
            "| small pull under load | | median | 2.00 ms | < 50 ms | met |",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("| nginx |"));
    }

    #[test]
    fn figures_stand_on_the_page_with_where_they_come_from() {
        let text = page().markdown();
        for line in [
            "- Date: 2026-01-02\n",
            "- Versions: wharf 1, nginx 2\n",
            "| `GET /v2/`, 16 connections | wharf | 20,000 (20,000–20,000) | 40,000 (40,000–40,000) | \
             40.0 MB (40.0 MB–40.0 MB) | 2.00 |",
            "|  | registry 2.8 | 1,000 (1,000–1,000) | 1,000 (1,000–1,000) | 1.00 MB (1.00 MB–1.00 MB) | 2.00 |",
            "| wharf | 1.00 | 65.0 | 2.00 (1.00–90.0) | 4.00 | 3.00 | 5.00 MB |",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
