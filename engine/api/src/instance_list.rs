//! Streams the list of a workflow's instances while it reads them.
//!
//! Promises: a list takes the memory of a few rows, however long it is and however slowly the client reads it. It contains the instances that
//! have not ended when the request arrives, each with its data at the moment of sending. Damaged rows are left out.

use std::{
    collections::{HashMap, VecDeque},
    io::Write,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::body::Frame;
use rondo_store::{Columns, Condition, Field, Filter, Instance, Query, State};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    answers::{self, ChunkWriter},
    app::App,
    damaged_rows,
    errors::ErrorAnswer,
    instance_answer::{self, RowError},
    request_memory::Claim,
    row_reader::{self, RowsError},
};

/// Most rows that are read at once.
const BATCH: usize = 64;

/// Most bytes of rows that are read at once, unless one row alone is larger.
const BATCH_BYTES: u64 = 256 * 1024;

/// Answers the list of a workflow's instances that have not ended.
pub(crate) async fn unfinished(app: &App, workflow: &str) -> Result<Response, ErrorAnswer> {
    let mut rows = Rows { app: app.clone(), left: ids(app, workflow).await?, written: 0 };
    // An error before the first bytes are sent still gets its own status.
    let first = rows.next_chunks().await?;
    if rows.left.is_empty() {
        return Ok((StatusCode::OK, answers::JSON, rows.end(first)).into_response());
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(error) = rows.send(first, &sender).await {
            // The status has been sent, so a body that breaks off is the only way to tell the client that the list is incomplete.
            tracing::warn!(%error, "a list of instances breaks off");
            let _ = sender.send(Err(error)).await;
        }
    });
    Ok((StatusCode::OK, answers::JSON, Body::new(ListBody(receiver))).into_response())
}

/// Ids of the instances of a workflow that have not ended, oldest first.
async fn ids(app: &App, workflow: &str) -> Result<VecDeque<Uuid>, ErrorAnswer> {
    let ended = [State::Completed, State::Aborted].map(|state| Value::from(state.as_str()));
    let ended = Filter::Compare { field: Field::State, condition: Condition::In(ended.into()) };
    let of_workflow =
        Filter::Compare { field: Field::Workflow, condition: Condition::Equal(workflow.into()) };
    let query = Query {
        filter: Filter::And(vec![of_workflow, Filter::Not(Box::new(ended))]),
        limit: u64::try_from(app.settings.max_listed).ok(),
        ..Query::default()
    };
    let mut claim = app.memory.answer();
    let rows = row_reader::read(&app.engine, query, &mut claim, app.memory.most_of_answer()).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The rest of a list. The ids of the rows left, 16 bytes each, are not claimed.
struct Rows {
    app: App,
    left: VecDeque<Uuid>,
    written: usize,
}

impl Rows {
    /// Reads and serializes the next rows; returns nothing if none are left.
    async fn next_chunks(&mut self) -> Result<VecDeque<Bytes>, ErrorAnswer> {
        let mut writer = ChunkWriter::new(&self.app.memory);
        let mut batch = BATCH.min(self.left.len());
        let rows = loop {
            let ids: Vec<Uuid> = self.left.iter().take(batch).copied().collect();
            let most = if batch > 1 { BATCH_BYTES } else { self.app.memory.most_of_answer() };
            match self.read(ids, most).await {
                Ok(rows) => break rows,
                Err(RowsError::TooLarge(_)) if batch > 1 => batch = batch.div_ceil(4),
                Err(error) => return Err(error.into()),
            }
        };
        self.left.drain(..batch);
        let (rows, _claim) = rows;
        let places = self.app.engine.places_of(&rows).await?;
        for row in rows {
            let separator = if self.written == 0 { "[" } else { "," };
            let written = match instance_answer::write_row(std::io::sink(), &row, None) {
                Err(RowError::Damaged(error)) => {
                    damaged_rows::log(row.id, &error);
                    continue;
                }
                _ => writer.write_all(separator.as_bytes()).map_err(serde_json::Error::io),
            };
            let written = written.map_err(RowError::Unwritten);
            let place = places.get(&row.id);
            if let Err(error) = written.and_then(|()| instance_answer::write_row(&mut writer, &row, place)) {
                return Err(writer.refusal(&error));
            }
            self.written += 1;
        }
        Ok(writer.into_chunks())
    }

    async fn read(&self, ids: Vec<Uuid>, most: u64) -> Result<(Vec<Instance>, Claim), RowsError> {
        let mut claim = self.app.memory.answer();
        if ids.is_empty() {
            return Ok((Vec::new(), claim));
        }
        let condition = Condition::In(ids.iter().map(|id| id.to_string().into()).collect());
        let query = Query {
            filter: Filter::Compare { field: Field::Id, condition },
            columns: Columns { data: true, frames: false },
            ..Query::default()
        };
        let rows = row_reader::read(&self.app.engine, query, &mut claim, most).await?;
        let mut by_id: HashMap<Uuid, Instance> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok((ids.iter().filter_map(|id| by_id.remove(id)).collect(), claim))
    }

    /// These chunks and the end of the list, as a body.
    fn end(&self, mut chunks: VecDeque<Bytes>) -> Body {
        chunks.push_back(Bytes::from_static(self.last_text().as_bytes()));
        answers::body_of(chunks)
    }

    fn last_text(&self) -> &'static str {
        if self.written == 0 { "[]" } else { "]" }
    }

    /// Sends these chunks and the rest of the list. Ends without an error if the client disconnects.
    async fn send(
        mut self,
        mut chunks: VecDeque<Bytes>,
        sender: &mpsc::Sender<Result<Bytes, ErrorAnswer>>,
    ) -> Result<(), ErrorAnswer> {
        loop {
            while let Some(chunk) = chunks.pop_front() {
                if sender.send(Ok(chunk)).await.is_err() {
                    return Ok(());
                }
            }
            if self.left.is_empty() {
                let _ = sender.send(Ok(Bytes::from_static(self.last_text().as_bytes()))).await;
                return Ok(());
            }
            chunks = self.next_chunks().await?;
        }
    }
}

/// The chunks that [`Rows::send`] sends, as a body.
struct ListBody(mpsc::Receiver<Result<Bytes, ErrorAnswer>>);

impl HttpBody for ListBody {
    type Data = Bytes;
    type Error = ErrorAnswer;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ErrorAnswer>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}
