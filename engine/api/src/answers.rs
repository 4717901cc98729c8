//! Answers that hold a share of the memory budget until they have been sent.
//!
//! Promises: memory is claimed before it is allocated; an answer consists of chunks, and each chunk gives its memory back as soon as its bytes
//! have been written to the connection. An answer that finds no memory becomes 503, and none of its bytes are sent.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;

use crate::{
    errors::ErrorAnswer,
    request_memory::{Claim, NoMemory, RequestMemory},
};

/// Bytes of a chunk. A connection may hold one chunk in its buffer beyond what is claimed, so a chunk is small; a smaller one would lock the
/// budget more often.
const CHUNK: usize = 32 * 1024;

/// Answers up to this many bytes claim no memory; the answer to an ordinary start is shorter. The limit of connections bounds their sum.
const UNCLAIMED: usize = 2 * 1024;

/// Values that take more bytes in memory are serialized on a blocking thread.
const WRITTEN_AT_ONCE: usize = 256 * 1024;

/// Serializes a value into a JSON answer.
pub(crate) fn json(memory: &RequestMemory, status: StatusCode, value: &impl Serialize) -> Response {
    let mut writer = ChunkWriter::new(memory);
    match serde_json::to_writer(&mut writer, value) {
        Ok(()) => (status, JSON, writer.into_body()).into_response(),
        Err(error) => writer.refusal(&error).into_response(),
    }
}

/// Serializes a value that takes `weight` bytes in memory. A large one is serialized on a blocking thread, so that other clients do not wait.
pub(crate) async fn large_json<T>(
    memory: &RequestMemory,
    status: StatusCode,
    value: T,
    weight: usize,
) -> Response
where
    T: Serialize + Send + 'static,
{
    if weight <= WRITTEN_AT_ONCE {
        return json(memory, status, &value);
    }
    let memory = memory.clone();
    let written = tokio::task::spawn_blocking(move || json(&memory, status, &value)).await;
    written.unwrap_or_else(|error| ErrorAnswer::defect(&error).into_response())
}

/// The header of a JSON answer.
pub(crate) const JSON: [(header::HeaderName, HeaderValue); 1] =
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];

/// Collects an answer in chunks.
pub(crate) struct ChunkWriter {
    memory: RequestMemory,
    /// Finished chunks, `length` bytes in all: the length of the whole answer decides whether it counts as large.
    chunks: VecDeque<Bytes>,
    length: u64,
    open: Vec<u8>,
    claim: Option<Claim>,
    refused: Option<NoMemory>,
}

/// The bytes of a chunk with their memory.
struct Chunk {
    bytes: Vec<u8>,
    _claim: Option<Claim>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl ChunkWriter {
    pub(crate) fn new(memory: &RequestMemory) -> Self {
        Self {
            memory: memory.clone(),
            chunks: VecDeque::new(),
            length: 0,
            open: Vec::new(),
            claim: None,
            refused: None,
        }
    }

    /// The written bytes as a body.
    pub(crate) fn into_body(self) -> Body {
        body_of(self.into_chunks())
    }

    /// The written bytes as chunks.
    pub(crate) fn into_chunks(mut self) -> VecDeque<Bytes> {
        self.close();
        self.chunks
    }

    /// The answer to send after writing failed: 503 if memory was missing, else 500.
    pub(crate) fn refusal(self, error: &dyn std::fmt::Display) -> ErrorAnswer {
        match self.refused {
            Some(no_memory) => no_memory.into(),
            None => ErrorAnswer::defect(error),
        }
    }

    /// Why writing failed, if memory was missing.
    pub(crate) fn no_memory(&self) -> Option<&NoMemory> {
        self.refused.as_ref()
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        self.length += self.open.len() as u64;
        let chunk = Chunk { bytes: std::mem::take(&mut self.open), _claim: self.claim.take() };
        self.chunks.push_back(Bytes::from_owner(chunk));
    }

    /// Makes room for at least one more byte, and returns for how many of the `wanted` ones.
    fn make_room(&mut self, wanted: usize) -> Result<usize, NoMemory> {
        if self.open.len() == CHUNK {
            self.close();
        }
        let is_small = self.chunks.is_empty() && self.claim.is_none();
        if is_small && self.open.len() + wanted <= UNCLAIMED {
            return Ok(wanted);
        }
        if self.claim.is_none() {
            self.claim = Some(self.memory.answer_chunk(self.length, CHUNK as u64)?);
            self.open.reserve_exact(CHUNK - self.open.len());
        }
        Ok(wanted.min(CHUNK - self.open.len()))
    }
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.make_room(bytes.len()).map_err(|error| {
            self.refused = Some(error.clone());
            io::Error::other(error)
        })?;
        let (now, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.open.extend_from_slice(now);
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Joins chunks into a body of known length.
pub(crate) fn body_of(mut chunks: VecDeque<Bytes>) -> Body {
    match chunks.len() {
        0 | 1 => Body::from(chunks.pop_front().unwrap_or_default()),
        _ => {
            let left = chunks.iter().map(|chunk| chunk.len() as u64).sum();
            Body::new(ChunkBody { chunks, left })
        }
    }
}

/// Chunks that are still to be sent.
struct ChunkBody {
    chunks: VecDeque<Bytes>,
    left: u64,
}

impl HttpBody for ChunkBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.chunks.pop_front();
        self.left = self.left.saturating_sub(next.as_ref().map_or(0, Bytes::len) as u64);
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use http_body_util::BodyExt;
    use rondo_memory::MemoryBudget;

    use super::*;
    use crate::errors::RETRY_AFTER;

    const TOTAL: u64 = 4 * 1024 * 1024;

    #[tokio::test]
    async fn an_answer_holds_its_memory_until_each_chunk_is_gone() {
        let budget = MemoryBudget::new(TOTAL);
        let memory = RequestMemory::new(&budget);
        let text: String = (0..30_000).map(|number| format!("{number},")).collect();
        let mut writer = ChunkWriter::new(&memory);
        writer.write_all(text.as_bytes()).unwrap();
        assert!(budget.used() >= text.len() as u64);
        let mut body = writer.into_body();
        assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let before = budget.used();
            let chunk = frame.unwrap().into_data().unwrap();
            read.extend_from_slice(&chunk);
            drop(chunk);
            assert_eq!(before - budget.used(), CHUNK as u64);
        }
        assert_eq!((String::from_utf8(read).unwrap(), budget.used()), (text, 0));
    }

    #[tokio::test]
    async fn what_is_small_claims_nothing_and_what_finds_no_memory_is_503() {
        let budget = MemoryBudget::new(TOTAL);
        let memory = RequestMemory::new(&budget);
        let _all = budget.try_take(TOTAL).unwrap();
        assert_eq!(json(&memory, StatusCode::OK, &"x".repeat(UNCLAIMED - 2)).status(), 200);
        let refused = json(&memory, StatusCode::OK, &"x".repeat(UNCLAIMED));
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &RETRY_AFTER));
    }

    #[test]
    fn large_answers_leave_half_of_the_memory_to_others() {
        let budget = MemoryBudget::new(TOTAL);
        let memory = RequestMemory::new(&budget);
        let mut writer = ChunkWriter::new(&memory);
        assert!(writer.write_all(&vec![0; usize::try_from(TOTAL).unwrap()]).is_err());
        assert!(writer.no_memory().is_some());
        let used = budget.used();
        assert!((TOTAL / 2..=TOTAL / 2 + 2 * crate::request_memory::SMALL).contains(&used), "{used}");
    }
}
