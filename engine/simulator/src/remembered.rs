//! The first answers to requests with idempotency keys.
//!
//! Promises: no more answers are remembered than the limits say; the oldest are forgotten. Source:
//! draft-ietf-httpapi-idempotency-key-header.

use std::collections::{HashMap, VecDeque};

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::service::Service;

/// Most answers. A workflow repeats a call within minutes, in which a simulator sees some thousands of others.
const MOST: usize = 10_000;

/// Most bytes of requests and answers together.
const MOST_BYTES: usize = 64 << 20;

/// Two requests are the same when all of this is equal: service, key, method, path with query, body.
pub(crate) type Identity = (Service, String, Method, String, Bytes);

/// An answer in a form that can be given twice.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The answers, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    answers: HashMap<Identity, Answer>,
    order: VecDeque<Identity>,
    bytes: usize,
}

impl Remembered {
    pub(crate) fn get(&self, identity: &Identity) -> Option<&Answer> {
        self.answers.get(identity)
    }

    pub(crate) fn insert(&mut self, identity: Identity, answer: Answer) {
        self.bytes += bytes(&identity, &answer);
        self.order.push_back(identity.clone());
        self.answers.insert(identity, answer);
        while self.order.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(answer) = self.answers.remove(&oldest) {
                self.bytes -= bytes(&oldest, &answer);
            }
        }
    }
}

fn bytes((_, key, _, path, sent): &Identity, answer: &Answer) -> usize {
    key.len() + path.len() + sent.len() + answer.body.len()
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(number: usize, bytes: usize) -> Identity {
        (Service::Gitlab, number.to_string(), Method::POST, "/a".to_owned(), vec![0; bytes].into())
    }

    fn answer() -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() }
    }

    #[test]
    fn the_oldest_answers_are_forgotten() {
        let mut remembered = Remembered::default();
        for number in 0..MOST + 10 {
            remembered.insert(identity(number, 0), answer());
        }
        assert!(remembered.get(&identity(9, 0)).is_none() && remembered.get(&identity(10, 0)).is_some());
        remembered.insert(identity(0, MOST_BYTES / 2), answer());
        remembered.insert(identity(1, MOST_BYTES / 2), answer());
        assert!(remembered.bytes <= MOST_BYTES && remembered.get(&identity(1, MOST_BYTES / 2)).is_some());
        assert_eq!(remembered.answers.len(), remembered.order.len());
    }
}
