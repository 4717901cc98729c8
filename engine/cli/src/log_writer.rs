//! Writes the records of the log on a thread of its own.
//!
//! Owns: the queue of records. Promises: whoever logs neither waits nor fails, whatever takes the log: a pipe that nobody reads is full after
//! 64 KiB, and a write to it would stop the threads of the engine. Records that find no room are lost, and counted. Never: formats a record.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// Bytes of records that may wait. A terminal or a collector that pauses for some seconds loses nothing: a busy engine writes some hundred
/// KiB a second.
const QUEUED: usize = 4 * 1024 * 1024;

/// Takes records; each `write` is one. Clones have the same queue.
#[derive(Clone)]
pub(crate) struct LogWriter {
    messages: mpsc::Sender<Message>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Bytes of records in the queue.
    queued: AtomicUsize,
    /// Records that were lost and not yet reported.
    lost: AtomicU64,
}

enum Message {
    Record(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(mpsc::Sender<()>),
}

impl LogWriter {
    /// Starts the thread, which writes to `out`. After a loss it calls `report_loss` with the number of lost records, as soon as records are
    /// taken again.
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        report_loss: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let (messages, received) = mpsc::channel();
        let state = Arc::new(State::default());
        let writer = Self { messages, state: Arc::clone(&state) };
        thread::Builder::new()
            .name("rondo-log".to_owned())
            .spawn(move || take(&received, &state, out, report_loss))?;
        Ok(writer)
    }

    /// Waits until everything is written, no longer than the given time.
    pub(crate) fn flush_within(&self, patience: Duration) {
        let (done, written) = mpsc::channel();
        if self.messages.send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(patience);
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let queued = self.state.queued.fetch_add(record.len(), Ordering::Relaxed) + record.len();
        let is_taken = queued <= QUEUED && self.messages.send(Message::Record(record.to_vec())).is_ok();
        if !is_taken {
            self.state.queued.fetch_sub(record.len(), Ordering::Relaxed);
            self.state.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes messages until the last writer is gone.
fn take(messages: &mpsc::Receiver<Message>, state: &State, mut out: impl Write, report_loss: impl Fn(u64)) {
    for message in messages {
        match message {
            Message::Record(record) => {
                // Where the log cannot be written, there is nowhere to say so.
                let _ = out.write_all(&record);
                state.queued.fetch_sub(record.len(), Ordering::Relaxed);
            }
            Message::Flush(done) => {
                let _ = out.flush();
                // Who asked may have stopped waiting.
                let _ = done.send(());
            }
        }
        let lost = state.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            report_loss(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes what is written when `open` gives a token for it.
    struct Pipe {
        open: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.open.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_nobody_reads_stops_nobody_and_what_is_lost_is_counted() {
        let (open, opened) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let (report, reported) = mpsc::channel();
        let pipe = Pipe { open: opened, written: Arc::clone(&written) };
        let mut writer = LogWriter::start(pipe, move |lost| report.send(lost).unwrap()).unwrap();
        let record = vec![b'x'; QUEUED / 4];
        for _ in 0..7 {
            writer.write_all(&record).unwrap();
        }
        // Nothing was read so far: four are there, three are lost.
        for _ in 0..4 {
            open.send(()).unwrap();
        }
        assert_eq!(reported.recv().unwrap(), 3);
        writer.flush_within(Duration::from_mins(1));
        assert_eq!(written.lock().unwrap().len(), QUEUED);
        open.send(()).unwrap();
        writer.write_all(b"next\n").unwrap();
        writer.flush_within(Duration::from_mins(1));
        assert!(written.lock().unwrap().ends_with(b"xnext\n"), "there is room again");
        assert!(reported.try_recv().is_err());
    }

    #[test]
    fn a_broken_pipe_is_no_error_for_who_logs() {
        let (open, opened) = mpsc::channel();
        drop(open);
        let pipe = Pipe { open: opened, written: Arc::default() };
        let mut writer = LogWriter::start(pipe, |_| {}).unwrap();
        for _ in 0..10 {
            writer.write_all(&vec![b'x'; QUEUED / 2]).unwrap();
            writer.flush_within(Duration::from_mins(1));
        }
        assert_eq!(writer.state.lost.load(Ordering::Relaxed), 0, "what cannot be written takes no room");
    }
}
