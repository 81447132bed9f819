//! Requests at random.

use wharf_testing::Kind;
use wharf_testing::encoding::sha256;
use wharf_testing::image::{Content, Random};

use super::ask::{Ask, State};
use super::content::{ALL_TYPES, Contents, INDEX, LIST, OCI, SCHEMA1, SCHEMA2};
use super::pair::{KINDS, Pair};
use super::push::{self, WAYS, Way, delete_tag, pull_anything, uploads};
use super::upload::Fate;

const REPOSITORIES: [&str; 5] = ["r", "r/s", "r-s", "t", "u/v/w"];
const TAGS: [&str; 8] = ["latest", "v1", "v1.10", "v1.9", "Z", "_", "0", "edge"];

/// Makes requests from a seed.
pub(crate) struct Operations<'a> {
    random: Random,
    contents: &'a Contents,
    /// Uploads that were begun, with the blob that is sent and how much of it was.
    begun: Vec<(usize, &'a Content, usize)>,
}

impl<'a> Operations<'a> {
    pub(crate) fn new(seed: u64, contents: &'a Contents) -> Self {
        Self {
            random: Random::new(seed).with("operations"),
            contents,
            begun: Vec::new(),
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        let number = self.random.number() % limit as u64;
        usize::try_from(number).expect("it is below the limit")
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn repository(&mut self) -> &'static str {
        self.one_of(&REPOSITORIES)
    }

    fn blob(&mut self) -> &'a Content {
        &self.contents.blobs[self.below(self.contents.blobs.len())]
    }

    /// Performs the next operation.
    pub(crate) fn perform(&mut self, pair: &mut Pair) {
        match self.below(100) {
            0..10 => self.push_blob(pair),
            10..22 => self.push_manifest(pair),
            22..26 => self.put_manifest(pair),
            26..34 => self.mount(pair),
            34..38 => self.begin(pair),
            38..55 => self.go_on(pair),
            55..65 => self.read_blob(pair),
            65..80 => self.read_manifest(pair),
            80..85 => self.delete_manifest(pair),
            85..89 => self.delete_blob(pair),
            _ => self.list(pair),
        }
    }

    /// Asks every repository for everything that was ever pushed to any.
    pub(crate) fn ask_for_everything(&self, pair: &mut Pair) {
        let digests = self.contents.manifests.iter().map(|manifest| &*manifest.content.digest);
        let references: Vec<_> = TAGS.into_iter().chain(digests).collect();
        for repository in REPOSITORIES {
            for reference in &references {
                let head = Ask::new("HEAD", format!("/v2/{repository}/manifests/{reference}"));
                pair.ask(&head.header("Accept", ALL_TYPES.join(",")));
            }
            for blob in &self.contents.blobs {
                pair.ask(&Ask::new("HEAD", format!("/v2/{repository}/blobs/{}", blob.digest)));
            }
            pair.ask(&Ask::get(format!("/v2/{repository}/tags/list")));
        }
        pair.ask(&Ask::get("/v2/_catalog"));
    }

    fn push_blob(&mut self, pair: &mut Pair) {
        let (repository, blob) = (self.repository(), self.blob());
        let way = self.one_of(&WAYS);
        // A POST without a body announces a digest and begins an upload.
        let way = if blob.bytes.is_empty() { Way::Halves } else { way };
        push::blob(pair, repository, blob, way);
    }

    /// The position of a manifest, and a tag or its digest.
    fn manifest(&mut self) -> (usize, String) {
        let position = self.below(self.contents.manifests.len());
        let digest = self.contents.manifests[position].content.digest.clone();
        let reference = match self.below(4) {
            0 => digest,
            _ => self.one_of(&TAGS).to_owned(),
        };
        (position, reference)
    }

    /// A manifest with everything that it needs.
    fn push_manifest(&mut self, pair: &mut Pair) {
        let (repository, (position, reference)) = (self.repository(), self.manifest());
        push::manifest(pair, repository, &reference, &self.contents.manifests, position);
    }

    /// A manifest alone, whatever is there.
    fn put_manifest(&mut self, pair: &mut Pair) {
        let (repository, (position, mut reference)) = (self.repository(), self.manifest());
        if self.below(8) == 0 {
            reference = sha256("another manifest");
        }
        pair.ask(&push::put(
            repository,
            &reference,
            &self.contents.manifests[position].content,
        ));
    }

    fn mount(&mut self, pair: &mut Pair) {
        let (repository, blob) = (self.repository(), self.blob());
        let mut query = format!("mount={}", blob.digest);
        if self.below(4) > 0 {
            query = format!("{query}&from={}", self.repository().replace('/', "%2F"));
        }
        let answers = pair.ask(&Ask::new("POST", uploads(repository)).query(&query));
        if let Some(number) = answers.upload {
            let finish = Ask::finish(number, &blob.digest).body(&blob.bytes);
            for kind in answers.begun_at() {
                assert_eq!(pair.ask_only(kind, &finish).status, 201);
            }
        }
    }

    fn begin(&mut self, pair: &mut Pair) {
        let (repository, blob) = (self.repository(), self.blob());
        self.begun.push((push::begin(pair, repository), blob, 0));
    }

    /// The next request of some upload, be it open or not.
    fn go_on(&mut self, pair: &mut Pair) {
        if self.begun.is_empty() {
            return self.begin(pair);
        }
        let position = self.below(self.begun.len());
        let (number, blob, sent) = self.begun[position];
        let piece = self.below(blob.bytes.len() - sent + 1);
        let piece = &blob.bytes[sent..sent + piece];
        let state = self.one_of(&[State::Newest, State::First, State::Missing, State::Forged]);
        match self.below(14) {
            0..6 => {
                let ask = Ask::upload("PATCH", number).body(piece);
                let ask = if self.below(2) == 0 { ask.chunked() } else { ask };
                if pair.ask(&ask).is(202) {
                    self.begun[position].2 += piece.len();
                }
            }
            6..9 => drop(pair.ask(&Ask::finish(number, &blob.digest).body(&blob.bytes[sent..]))),
            9 => drop(pair.ask(&Ask::finish(number, &sha256("wrong")).body(piece))),
            10 => drop(pair.ask(&Ask::upload("PATCH", number).state(state).body(piece))),
            11 => drop(pair.ask(&Ask::upload("DELETE", number).state(state))),
            _ => drop(pair.ask(&Ask::upload("HEAD", number).state(state))),
        }
        self.settle(pair, number, blob);
    }

    /// Brings both together again where they took the last request otherwise on purpose.
    fn settle(&mut self, pair: &mut Pair, number: usize, blob: &'a Content) {
        let fates = KINDS.map(|kind| pair.uploads.get(number).fate(kind));
        match fates {
            // An old state cancels an upload of wharf's.
            [Fate::Open, Fate::Ended] => push::cancel_only(pair, Kind::Registry28, number),
            // A second try, after a wrong digest.
            [Fate::Ended, Fate::Mismatched] => {
                let repository = pair.uploads.get(number).repository.clone();
                push::blob(pair, &repository, blob, Way::Monolithic);
                self.begun.retain(|(begun, ..)| *begun != number);
            }
            _ => {}
        }
    }

    fn read_blob(&mut self, pair: &mut Pair) {
        let digest = match self.below(8) {
            0 => sha256("unknown"),
            1 => self
                .one_of(&["sha256:abc", "md5:0123456789abcdef0123456789abcdef"])
                .to_owned(),
            _ => self.blob().digest.clone(),
        };
        let method = self.one_of(&["GET", "HEAD"]);
        let mut ask = Ask::new(method, format!("/v2/{}/blobs/{digest}", self.repository()));
        if self.below(2) == 0 {
            let (first, last) = (self.below(400), self.below(400));
            let range = match self.below(4) {
                0 => format!("bytes={first}-{last}"),
                1 => format!("bytes={first}-"),
                2 => format!("bytes=-{last}"),
                _ => format!("bytes={first}-{},{last}-{last}", first + 10),
            };
            ask = ask.header("Range", range);
        }
        if self.below(4) == 0 {
            let name = self.one_of(&["If-None-Match", "If-Match", "If-Range"]);
            let other = self.blob().digest.clone();
            let etag = if self.below(2) == 0 { other } else { digest };
            ask = ask.header(name, format!("\"{etag}\""));
        }
        pair.ask(&ask);
    }

    fn read_manifest(&mut self, pair: &mut Pair) {
        let (repository, (_, reference)) = (self.repository(), self.manifest());
        let reference = match self.below(12) {
            0 => self.blob().digest.clone(),
            1 => self.one_of(&["unknown", "sha256:abc"]).to_owned(),
            _ => reference,
        };
        if self.below(4) == 0 {
            let accept = self.one_of(&[None, Some("*/*"), Some("application/*, text/html")]);
            return pull_anything(pair, repository, &reference, accept);
        }
        let method = self.one_of(&["GET", "HEAD"]);
        let ask = Ask::new(method, format!("/v2/{repository}/manifests/{reference}"));
        let accept = self.one_of(&["", "", SCHEMA1, SCHEMA2, LIST, OCI, INDEX]);
        if !accept.is_empty() {
            pair.ask(&ask.header("Accept", accept));
            return;
        }
        let mut ask = ask.header("Accept", ALL_TYPES.join(","));
        if self.below(3) == 0 {
            let digest = match self.below(2) {
                0 => pair.stored().resolve(repository, &reference),
                _ => None,
            };
            let name = self.one_of(&["If-None-Match", "If-None-Match", "If-Match"]);
            ask = ask.header(name, format!("\"{}\"", digest.unwrap_or_else(|| sha256("other"))));
        }
        pair.ask(&ask);
    }

    fn delete_manifest(&mut self, pair: &mut Pair) {
        let (repository, (_, reference)) = (self.repository(), self.manifest());
        if reference.contains(':') {
            pair.ask(&Ask::new("DELETE", format!("/v2/{repository}/manifests/{reference}")));
        } else {
            delete_tag(pair, repository, &reference);
        }
    }

    fn delete_blob(&mut self, pair: &mut Pair) {
        let (repository, digest) = (self.repository(), &self.blob().digest);
        pair.ask(&Ask::new("DELETE", format!("/v2/{repository}/blobs/{digest}")));
    }

    fn list(&mut self, pair: &mut Pair) {
        let path = match self.below(3) {
            0 => "/v2/_catalog".to_owned(),
            _ => format!("/v2/{}/tags/list", self.repository()),
        };
        let last = if path.ends_with("_catalog") {
            self.repository()
        } else {
            self.one_of(&TAGS)
        };
        let query = match self.below(4) {
            0 => format!("?n={}&last={}", self.below(6), last.replace('/', "%2F")),
            1 => format!("?n={}", self.below(6)),
            _ => String::new(),
        };
        let method = self.one_of(&["GET", "GET", "HEAD"]);
        pair.ask(&Ask::new(method, path + &query));
    }
}
