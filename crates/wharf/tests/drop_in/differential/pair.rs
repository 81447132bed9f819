//! The two registries, asked the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tempfile::TempDir;
use wharf_testing::http::{Client, Response};
use wharf_testing::{DockerRegistry, Kind, Registry, WharfServer};

use super::answer::{Answer, Masks};
use super::ask::{Ask, Endpoint};
use super::stored::Stored;
use super::tree::{Tree, differing};
use super::upload::{Upload, Uploads};
use crate::deviations::{Before, DEVIATIONS, Exchange, Rule, TreeExchange};
use crate::{SECRET, config, wharf};

/// How many requests a failure recalls.
const RECALLED: usize = 10;
/// How many failures are shown.
const SHOWN: usize = 20;

/// Both kinds, in the order in which they are asked.
pub(crate) const KINDS: [Kind; 2] = [Kind::Registry28, Kind::Wharf];

/// The masked answers of both, and the upload that they began.
pub(crate) struct Answers {
    pub(crate) registry_2_8: Answer,
    pub(crate) wharf: Answer,
    pub(crate) upload: Option<usize>,
}

impl Answers {
    /// The upload that was begun.
    #[track_caller]
    pub(crate) fn begun(&self) -> usize {
        self.upload
            .unwrap_or_else(|| panic!("no upload, but {}", self.registry_2_8))
    }

    /// Those that began an upload.
    pub(crate) fn begun_at(&self) -> Vec<Kind> {
        let answers = [&self.registry_2_8, &self.wharf];
        let begun = KINDS
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| answer.status == 202);
        begun.map(|(kind, _)| kind).collect()
    }

    /// Whether both gave this status.
    pub(crate) fn is(&self, status: u16) -> bool {
        self.registry_2_8.status == status && self.wharf.status == status
    }
}

/// Two registries on roots of their own.
pub(crate) struct Pair {
    _scratch: TempDir,
    roots: [PathBuf; 2],
    /// `None` only while they start again.
    registries: Option<[Box<dyn Registry>; 2]>,
    clients: [Client; 2],
    pub(crate) uploads: Uploads,
    /// Manifests that only one of the two took, with the deviation that explains it.
    one_sided: BTreeMap<String, &'static str>,
    /// Positions in the table of what was met.
    met: BTreeSet<usize>,
    journal: Vec<String>,
    /// Differences that the table does not have.
    wrong: Vec<String>,
}

fn start(roots: &[PathBuf; 2]) -> [Box<dyn Registry>; 2] {
    let registry_2_8 = DockerRegistry::start_at(&config(), &roots[0]);
    let wharf: WharfServer = wharf(&config()).root(&roots[1]).start();
    [Box::new(registry_2_8), Box::new(wharf)]
}

impl Pair {
    pub(crate) fn start() -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory can be made");
        let roots = ["registry-2.8", "wharf"].map(|name| scratch.path().join(name));
        let registries = start(&roots);
        let clients = [registries[0].client(), registries[1].client()];
        Self {
            _scratch: scratch,
            roots,
            registries: Some(registries),
            clients,
            uploads: Uploads::default(),
            one_sided: BTreeMap::new(),
            met: BTreeSet::new(),
            journal: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Writes a line into what a failure recalls.
    pub(crate) fn note(&mut self, line: &str) {
        self.journal.push(format!("== {line}"));
    }

    /// Ends both and starts them again on their roots.
    pub(crate) fn restart(&mut self) {
        self.registries = None;
        let registries = start(&self.roots);
        self.clients = [registries[0].client(), registries[1].client()];
        self.registries = Some(registries);
    }

    /// What registry 2.8 has on disk.
    pub(crate) fn stored(&self) -> Stored {
        Stored::new(&self.roots[0])
    }

    pub(crate) fn client(&self, kind: Kind) -> &Client {
        &self.clients[kind as usize]
    }

    /// The bytes of an upload that one of them has on disk.
    pub(crate) fn bytes_at(&self, kind: Kind, number: usize) -> u64 {
        let upload = self.uploads.get(number);
        Stored::new(&self.roots[kind as usize]).upload_size(&upload.repository, &upload.side(kind).id)
    }

    /// Sends a request to both and compares the answers. HEAD is sent after GET, whose headers it must have.
    #[track_caller]
    pub(crate) fn ask(&mut self, ask: &Ask) -> Answers {
        if ask.method != "HEAD" {
            return self.ask_both(ask, None);
        }
        let got = self.ask_both(&ask.clone().method("GET"), None);
        if matches!(ask.endpoint(), Endpoint::Catalog | Endpoint::Tags(_)) {
            return self.ask_both(ask, Some(&got.wharf));
        }
        for (kind, got) in KINDS.into_iter().zip([&got.registry_2_8, &got.wharf]) {
            self.ask_head(kind, ask, got);
        }
        got
    }

    #[track_caller]
    fn ask_both(&mut self, ask: &Ask, got: Option<&Answer>) -> Answers {
        let before = self.before(ask);
        let responses = KINDS.map(|kind| self.send(kind, ask));
        for kind in KINDS {
            self.uploads.note_location(kind, ask, &responses[kind as usize]);
        }
        let upload = self.uploads.note_begun(ask, &responses);
        let [registry_2_8, wharf] = KINDS.map(|kind| self.masked(kind, ask.method, &responses[kind as usize]));
        let (line, statuses) = (ask.describe(), (registry_2_8.status, wharf.status));
        self.journal.push(format!("{line} → {} | {}", statuses.0, statuses.1));
        let number = ask.upload_number().or(upload);
        let exchange = Exchange {
            ask,
            upload: number.map(|number| (number, self.uploads.get(number))),
            before,
            got,
            stored: &self.stored(),
            wharf: &wharf,
        };
        let (met, wrong) = Self::compare(&exchange, &registry_2_8);
        if let Some(wrong) = wrong {
            self.report(&wrong);
        }
        self.note_manifest(ask, [&registry_2_8, &wharf], &met);
        self.met.extend(met);
        for (kind, answer) in KINDS.into_iter().zip([&registry_2_8, &wharf]) {
            self.uploads.note_fate(kind, ask, answer);
        }
        Answers {
            registry_2_8,
            wharf,
            upload,
        }
    }

    /// What registry 2.8 has of what a request is about.
    fn before(&self, ask: &Ask) -> Before {
        let stored = self.stored();
        let upload = self.uploads.of(ask);
        let size = |upload: &Upload| stored.upload_size(&upload.repository, &upload.side(Kind::Registry28).id);
        let named = upload.zip(ask.parameter("digest"));
        let is_manifest = match ask.endpoint() {
            Endpoint::Manifest(name, reference) => stored.has_manifest(name, reference),
            _ => false,
        };
        Before {
            upload_bytes: upload.map_or(0, size),
            is_blob: named.is_some_and(|(upload, digest)| stored.has_blob(&upload.repository, digest)),
            is_manifest,
        }
    }

    /// Sends a request to one of them: what its client does next where the other one has answered otherwise.
    #[track_caller]
    pub(crate) fn ask_only(&mut self, kind: Kind, ask: &Ask) -> Answer {
        let response = self.send(kind, ask);
        self.uploads.note_location(kind, ask, &response);
        let answer = self.masked(kind, ask.method, &response);
        self.journal
            .push(format!("{kind:?} only: {} → {}", ask.describe(), answer.status));
        self.uploads.note_fate(kind, ask, &answer);
        answer
    }

    #[track_caller]
    fn ask_head(&mut self, kind: Kind, ask: &Ask, got: &Answer) {
        let head = self.masked(kind, "HEAD", &self.send(kind, ask));
        let mut expected = got.clone();
        expected.body.clear();
        expected.complete = true;
        if expected
            .headers
            .get("Content-Type")
            .is_some_and(|kind| kind.contains("BOUNDARY"))
        {
            expected.headers.remove("Content-Length");
        }
        if head != expected {
            let wrong = format!("{kind:?} answers HEAD otherwise than GET: {}", ask.describe());
            self.report(&format!("{wrong}\n--- HEAD\n{head}\n--- GET\n{got}"));
        }
    }

    #[track_caller]
    fn send(&self, kind: Kind, ask: &Ask) -> Response {
        self.client(kind).send(ask.request(&self.uploads.target(kind, ask)))
    }

    fn masked(&self, kind: Kind, method: &str, response: &Response) -> Answer {
        let masks = Masks {
            addr: self.client(kind).addr(),
            secret: SECRET,
            label: &|name| self.uploads.label(name),
        };
        Answer::new(response, method, &masks)
    }

    /// Turns registry 2.8's answer into what wharf must give, by the table, and compares. Returns the positions of the
    /// entries that made a difference, and what is wrong.
    fn compare(exchange: &Exchange<'_>, registry_2_8: &Answer) -> (Vec<usize>, Option<String>) {
        let mut expected = registry_2_8.clone();
        let mut met = Vec::new();
        for (position, deviation) in DEVIATIONS.iter().enumerate() {
            let Rule::Answer(rule) = deviation.rule else { continue };
            let before = expected.clone();
            if rule(exchange, &mut expected) {
                assert!(
                    before != expected,
                    "`{}` makes no difference in\n{before}",
                    deviation.id
                );
                met.push(position);
            }
        }
        let ids: Vec<_> = met.iter().map(|position| DEVIATIONS[*position].id).collect();
        let wrong = (expected != *exchange.wharf).then(|| {
            format!(
                "not the answer that is expected (by {ids:?}) to {}\n--- registry 2.8\n{registry_2_8}\n\
                 --- expected of wharf\n{expected}\n--- wharf\n{}",
                exchange.ask.describe(),
                exchange.wharf,
            )
        });
        (met, wrong)
    }

    /// Keeps the digest of a manifest that only one of them took.
    fn note_manifest(&mut self, ask: &Ask, answers: [&Answer; 2], met: &[usize]) {
        let taken = answers.map(|answer| answer.status == 201);
        if let (Endpoint::Manifest(..), [true, false] | [false, true]) = (ask.endpoint(), taken) {
            let digest = wharf_testing::encoding::sha256(ask.body.as_deref().unwrap_or_default());
            let id = met.first().map_or("", |position| DEVIATIONS[*position].id);
            self.one_sided.insert(digest, id);
        }
    }

    /// Compares the two roots.
    #[track_caller]
    pub(crate) fn compare_trees(&mut self) {
        let trees = KINDS.map(|kind| Tree::read(&self.roots[kind as usize], &|name| self.uploads.label(name)));
        let exchange = TreeExchange {
            registry_2_8: &trees[0],
            wharf: &trees[1],
            uploads: &self.uploads,
            one_sided: &self.one_sided,
        };
        let mut wrong = Vec::new();
        for path in differing(&trees[0], &trees[1]) {
            let rule = DEVIATIONS.iter().position(|deviation| match deviation.rule {
                Rule::Tree(rule) => rule(&exchange, deviation.id, &path),
                Rule::Answer(_) => false,
            });
            match rule {
                Some(position) => {
                    self.met.insert(position);
                }
                None => wrong.push(format!(
                    "{path}\n    registry 2.8: {:?}\n    wharf:        {:?}",
                    trees[0].entries.get(&path),
                    trees[1].entries.get(&path)
                )),
            }
        }
        if !wrong.is_empty() {
            self.report(&format!(
                "the trees differ where the table has nothing:\n{}",
                wrong.join("\n")
            ));
        }
    }

    /// Keeps what is wrong, with what led to it.
    fn report(&mut self, wrong: &str) {
        let before = self.journal[self.journal.len().saturating_sub(RECALLED)..].join("\n");
        self.wrong.push(format!("{wrong}\n--- before\n{before}"));
    }

    /// Fails if anything was wrong.
    pub(crate) fn finish(&self) {
        let shown: Vec<_> = self.wrong.iter().take(SHOWN).map(String::as_str).collect();
        assert!(
            self.wrong.is_empty(),
            "{} differences that are not listed; the first are\n{}\n--- log of wharf\n{}",
            self.wrong.len(),
            shown.join("\n\n=========\n\n"),
            self.log_tail()
        );
    }

    /// The entries of the table that were not met.
    pub(crate) fn unmet(&self) -> Vec<&'static str> {
        let positions = (0..DEVIATIONS.len()).filter(|position| !self.met.contains(position));
        positions.map(|position| DEVIATIONS[position].id).collect()
    }

    fn log_tail(&self) -> String {
        let logs = self
            .registries
            .as_ref()
            .map(|[_, wharf]| wharf.logs())
            .unwrap_or_default();
        let lines: Vec<_> = logs.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}
