//! Uploads as both know them: ids, URLs and ends of their own.

use wharf_testing::Kind;
use wharf_testing::http::{Response, query_value, with_query};

use super::answer::Answer;
use super::ask::{Ask, Endpoint, Target};
use super::pair::KINDS;

/// What became of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It never was.
    None,
    Open,
    /// It is a blob, or was cancelled.
    Ended,
    /// It ended with a wrong digest.
    Mismatched,
    /// Its connection broke.
    Broken,
}

/// An upload as one of the two knows it.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) id: String,
    /// Every URL it had, with host and state.
    pub(crate) locations: Vec<String>,
    pub(crate) fate: Fate,
}

/// An upload, begun at both by the same request.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) repository: String,
    sides: [Side; 2],
}

impl Upload {
    pub(crate) fn side(&self, kind: Kind) -> &Side {
        &self.sides[kind as usize]
    }

    pub(crate) fn fate(&self, kind: Kind) -> Fate {
        self.side(kind).fate
    }
}

/// Every upload of a pair, by number.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Vec<Upload>);

impl Uploads {
    pub(crate) fn get(&self, number: usize) -> &Upload {
        &self.0[number]
    }

    /// The upload that a request goes to.
    pub(crate) fn of(&self, ask: &Ask) -> Option<&Upload> {
        ask.upload_number().map(|number| self.get(number))
    }

    /// Says what became of an upload where no answer says it.
    pub(crate) fn set_fate(&mut self, kind: Kind, number: usize, fate: Fate) {
        self.0[number].sides[kind as usize].fate = fate;
    }

    /// The name of an upload by its id; other names are left alone.
    pub(crate) fn label(&self, name: &str) -> String {
        let mut uploads = self.0.iter();
        let position = uploads.position(|upload| upload.sides.iter().any(|side| side.id == name));
        position.map_or_else(|| name.to_owned(), |number| format!("upload-{number}"))
    }

    /// The URL of a request.
    pub(crate) fn target(&self, kind: Kind, ask: &Ask) -> String {
        let (number, state, query) = match &ask.target {
            Target::Path(path) => return path.clone(),
            Target::Upload { number, state, query } => (*number, state, query),
        };
        let locations = |number: usize| &self.get(number).side(kind).locations;
        let newest = |number: usize| {
            let location = locations(number).last().cloned();
            query_value(&location.unwrap_or_default(), "_state").unwrap_or_default()
        };
        let target = state.apply(locations(number), newest);
        if query.is_empty() {
            target
        } else {
            with_query(&target, query)
        }
    }

    /// Keeps the upload that a POST began, at one of them or at both, and returns its number.
    pub(crate) fn note_begun(&mut self, ask: &Ask, responses: &[Response; 2]) -> Option<usize> {
        let repository = match ask.endpoint() {
            Endpoint::Uploads(name) if responses.iter().any(|response| response.status == 202) => name.to_owned(),
            _ => return None,
        };
        let sides = KINDS.map(|kind| Side::new(&responses[kind as usize]));
        self.0.push(Upload { repository, sides });
        Some(self.0.len() - 1)
    }

    /// Keeps the next URL of an upload that goes on.
    pub(crate) fn note_location(&mut self, kind: Kind, ask: &Ask, response: &Response) {
        let location = response
            .header("Location")
            .filter(|location| location.contains("_state="));
        if let (Some(number), Some(location)) = (ask.upload_number(), location) {
            let side = &mut self.0[number].sides[kind as usize];
            side.locations.push(location.to_owned());
        }
    }

    /// Keeps what an answer says became of an upload.
    pub(crate) fn note_fate(&mut self, kind: Kind, ask: &Ask, answer: &Answer) {
        let Some(number) = ask.upload_number() else { return };
        let refused_before_the_body = answer
            .detail()
            .is_some_and(|detail| detail == "digest missing" || detail == "digest parsing failed");
        let fate = match (ask.method, answer.status) {
            ("PUT", 201) | ("DELETE", 204) => Fate::Ended,
            ("PUT", 400) if !refused_before_the_body => Fate::Mismatched,
            _ => return,
        };
        // Of one that ended with a wrong digest, wharf knows nothing any more, whatever it answers.
        let before = self.get(number).fate(kind);
        let is_gone = kind == Kind::Wharf && before == Fate::Mismatched;
        if !is_gone && before != Fate::None {
            self.set_fate(kind, number, fate);
        }
    }
}

impl Side {
    fn new(response: &Response) -> Self {
        let begun = response.status == 202;
        let header = |name: &str| response.header(name).filter(|_| begun).map(str::to_owned);
        Self {
            id: header("Docker-Upload-Uuid").unwrap_or_else(|| "-".to_owned()),
            locations: header("Location").into_iter().collect(),
            fate: if begun { Fate::Open } else { Fate::None },
        }
    }
}
