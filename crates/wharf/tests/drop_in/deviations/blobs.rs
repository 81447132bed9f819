//! Blobs: ranges and conditions.

use super::Exchange;
use crate::differential::answer::Answer;
use crate::differential::ask::Endpoint;

/// The digest and content that a request for a blob means.
fn blob(exchange: &Exchange<'_>) -> Option<(String, Vec<u8>)> {
    let Endpoint::Blob(_, digest) = exchange.ask.endpoint() else {
        return None;
    };
    Some((digest.to_owned(), exchange.stored.content(digest)?))
}

/// A 416 of the blob's length with another body.
pub(super) fn range_not_satisfiable(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some((digest, content)) = blob(exchange).filter(|_| answer.status == 416) else {
        return false;
    };
    let body = "invalid range: failed to overlap\n";
    *answer = Answer::body(416, "text/plain; charset=utf-8", body)
        .with("Content-Range", format!("bytes */{}", content.len()))
        .with("Docker-Content-Digest", digest);
    true
}

/// More than 16 ranges in one answer.
pub(super) fn many_ranges(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let count = exchange
        .ask
        .header_values("Range")
        .map(|range| range.split(',').count())
        .max();
    let Some((_, content)) = blob(exchange).filter(|_| answer.status == 206 && count > Some(16)) else {
        return false;
    };
    answer.status = 200;
    answer.set("Content-Type", "application/octet-stream");
    answer.set_body(content);
    true
}

/// A 412 of the blob's length without a body.
pub(super) fn precondition_failed(exchange: &Exchange<'_>, answer: &mut Answer) -> bool {
    let Some((digest, _)) = blob(exchange).filter(|_| answer.status == 412) else {
        return false;
    };
    let etag = format!("\"{digest}\"");
    *answer = Answer::empty(412)
        .with("Docker-Content-Digest", digest)
        .with("Etag", etag);
    true
}
