//! Several clients at one upload, and at one blob.

use std::sync::Barrier;
use std::thread;

use wharf_testing::encoding::{encoded, sha256};
use wharf_testing::http::{Request, Response};

use super::{begin, expect_blob, expect_created, expect_received, noise, put};
use crate::harness::{Torture, check, expect_error};
use crate::transport::Http2;

/// Sends requests at the same moment, each over a connection of its own.
fn at_once(torture: &Torture, requests: &[Request]) -> Vec<Response> {
    let start = &Barrier::new(requests.len());
    thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|request| {
                scope.spawn(move || {
                    let client = torture.client();
                    start.wait();
                    let answer = client.send(request);
                    check(&answer);
                    answer
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Sends requests at the same moment, all over one connection.
fn at_once_over_http2(torture: &Torture, requests: &[Request]) -> Vec<Response> {
    let http2 = &Http2::open(torture.client().addr());
    let start = &Barrier::new(requests.len());
    thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|request| {
                scope.spawn(move || {
                    start.wait();
                    http2.send(request)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// How many answers have a status.
fn count(answers: &[Response], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[test]
fn upl_05_a_chunk_sent_twice_at_once_counts_once() {
    let torture = Torture::start();
    for round in 0..20 {
        let content = noise(&format!("twice {round}"), 100_000);
        let digest = sha256(&content);
        let location = begin(&torture, "twice");
        let patch = Request::patch(&location)
            .header("Content-Range", "0-99999")
            .body(&content);
        let both = [patch.clone(), patch];
        let answers = if round % 2 == 0 {
            at_once(&torture, &both)
        } else {
            at_once_over_http2(&torture, &both)
        };
        assert_eq!((count(&answers, 202), count(&answers, 416)), (1, 1), "{answers:?}");
        let next = expect_received(&torture, &location, content.len());
        expect_created(torture.send(put(&next, &digest)), "twice", &digest);
        expect_blob(&torture, "twice", &content);
    }
    torture.finish();
}

#[test]
fn upl_07_fifty_parallel_patches_append_once() {
    let torture = Torture::start();
    for round in 0..6 {
        let contents: Vec<_> = (0..50)
            .map(|number| noise(&format!("{round} {number}"), 20_000))
            .collect();
        let location = begin(&torture, "fifty");
        let patches: Vec<_> = contents
            .iter()
            .map(|content| Request::patch(&location).body(content))
            .collect();
        let answers = if round % 2 == 0 {
            at_once(&torture, &patches)
        } else {
            at_once_over_http2(&torture, &patches)
        };
        assert_eq!((count(&answers, 202), count(&answers, 416)), (1, 49), "{answers:?}");
        let winner = answers.iter().position(|answer| answer.status == 202).unwrap();
        let next = expect_received(&torture, &location, 20_000);
        let wants_winner = round < 4;
        let digest = sha256(&contents[if wants_winner { winner } else { (winner + 1) % 50 }]);
        let answer = torture.send(put(&next, &digest));
        if wants_winner {
            expect_created(answer, "fifty", &digest);
            expect_blob(&torture, "fifty", &contents[winner]);
        } else {
            expect_error(&answer, 400, "DIGEST_INVALID");
        }
    }
    torture.finish();
}

/// Who ends an upload while others add to it gets the blob that it named, or nothing.
#[test]
fn upl_07_patches_and_a_closing_put_at_once_make_no_wrong_blob() {
    let torture = Torture::start();
    for round in 0..10 {
        let content = noise(&format!("closing {round}"), 50_000);
        let digest = sha256(&content);
        let location = begin(&torture, "closing");
        let mut requests: Vec<_> = (0..49)
            .map(|number| Request::patch(&location).body(noise(&format!("other {round} {number}"), 50_000)))
            .collect();
        requests.push(put(&location, &digest).body(&content));
        let answers = at_once(&torture, &requests);
        let closed = answers.last().unwrap().status;
        assert!(matches!(closed, 201 | 416), "{closed}");
        for answer in &answers[..49] {
            assert!(matches!(answer.status, 202 | 404 | 416), "{answer}");
        }
        assert_eq!(count(&answers, 201) + count(&answers, 202), 1, "{answers:?}");
        if closed == 201 {
            expect_blob(&torture, "closing", &content);
        } else {
            let next = expect_received(&torture, &location, 50_000);
            torture.send(Request::delete(next)).expect_status(204);
        }
    }
    torture.finish();
}

#[test]
fn upl_16_fifty_pushes_of_one_digest_store_it_once() {
    let torture = Torture::start();
    for same_repository in [true, false] {
        let content = noise(&format!("one digest, {same_repository}"), 30_000);
        let digest = sha256(&content);
        let repository = |number: usize| {
            if same_repository {
                "same".to_owned()
            } else {
                format!("other/{number}")
            }
        };
        let puts: Vec<_> = (0..50)
            .map(|number| put(&begin(&torture, &repository(number)), &digest).body(&content))
            .collect();
        for (number, answer) in at_once(&torture, &puts).into_iter().enumerate() {
            expect_created(answer, &repository(number), &digest);
            expect_blob(&torture, &repository(number), &content);
        }
        let hex = encoded(&digest);
        let directory = torture.tree(&format!("blobs/sha256/{}/{hex}", &hex[..2]));
        let files: Vec<_> = std::fs::read_dir(directory).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
    }
    torture.finish();
}
