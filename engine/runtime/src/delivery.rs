//! A delivery: an input or signal for an instance, with the client that waits for the result.

use rondo_machine::Input;
use rondo_memory::Share;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::Uuid;

use crate::{crash_loop::Mark, refusal::Refusal, views::InstanceView};

/// Work for an instance.
pub(crate) struct Delivery {
    pub(crate) signal: Signal,
    pub(crate) reply: Option<Reply>,
    /// Root of the instance's tree, if the sender knows it. The dispatcher needs it while the instance is not in memory.
    pub(crate) root: Option<Uuid>,
    /// Permit, mark and memory, released when the delivery has been processed.
    pub(crate) held: Held,
}

/// Resources that a delivery holds until it has been processed.
#[derive(Default)]
pub(crate) struct Held {
    /// Bounds how many deliveries are processed at once.
    _permit: Option<OwnedSemaphorePermit>,
    /// Names the instance in the file of `crash_loop`.
    _mark: Option<Mark>,
    /// The memory of the delivered data, until the instance takes over the share.
    pub(crate) memory: Option<Share>,
}

/// The content of a delivery.
pub(crate) enum Signal {
    /// An input of the machine.
    Input(Box<Input>),
    /// The mailbox of the instance may have new messages.
    Mailbox,
    /// A child instance has nothing in flight any more.
    ChildSettled(Uuid),
    /// Resume the work that was under way when the engine stopped.
    Recover,
    /// Wait for a place of the concurrency group to take this input there: a retrigger or a skip.
    WaitForPlace(Box<Input>),
}

/// An input, with the number of the mailbox message that brought it.
pub(crate) struct QueuedInput {
    pub(crate) input: Input,
    pub(crate) message: Option<i64>,
}

/// The client that waits for an answer.
pub(crate) struct Reply {
    to: oneshot::Sender<Result<InstanceView, Refusal>>,
    /// Whether the answer waits until nothing of the instance is in flight any more.
    pub(crate) when_settled: bool,
}

impl Delivery {
    pub(crate) fn input(input: Input) -> Self {
        Self::signal(Signal::Input(Box::new(input)))
    }

    pub(crate) fn signal(signal: Signal) -> Self {
        Self { signal, reply: None, root: None, held: Held::default() }
    }

    pub(crate) fn with_reply(self, reply: Option<Reply>) -> Self {
        Self { reply, ..self }
    }

    pub(crate) fn in_tree(self, root: Option<Uuid>) -> Self {
        Self { root, ..self }
    }

    pub(crate) fn with_mark(self, mark: Option<Mark>) -> Self {
        Self { held: Held { _mark: mark, ..self.held }, ..self }
    }

    pub(crate) fn with_memory(self, memory: Option<Share>) -> Self {
        Self { held: Held { memory, ..self.held }, ..self }
    }

    pub(crate) fn with_permit(self, permit: OwnedSemaphorePermit) -> Self {
        Self { held: Held { _permit: Some(permit), ..self.held }, ..self }
    }

    /// Whether the delivery ends the instance; it then goes before the work of other instances of the tree.
    pub(crate) fn is_abort(&self) -> bool {
        matches!(&self.signal, Signal::Input(input) if matches!(**input, Input::Abort))
    }

    /// Whether the delivery is the outcome of a call. One turn may take several of these.
    pub(crate) fn is_answer(&self) -> bool {
        let is_answer = |input: &Input| matches!(input, Input::Answered { .. } | Input::CallFailed { .. });
        self.reply.is_none() && matches!(&self.signal, Signal::Input(input) if is_answer(input))
    }

    /// Whether the delivery halts the instance with an error.
    pub(crate) fn is_halt(&self) -> bool {
        matches!(&self.signal, Signal::Input(input) if matches!(**input, Input::Halt(_)))
    }
}

impl Reply {
    /// A reply, and the receiver of its answer.
    pub(crate) fn channel(when_settled: bool) -> (Self, oneshot::Receiver<Result<InstanceView, Refusal>>) {
        let (to, receiver) = oneshot::channel();
        (Self { to, when_settled }, receiver)
    }

    /// Answers the client, if it still waits.
    pub(crate) fn send(self, answer: Result<InstanceView, Refusal>) {
        let _ = self.to.send(answer);
    }
}

/// Refuses the request of the client, if there is one.
pub(crate) fn refuse(reply: Option<Reply>, refusal: Refusal) {
    if let Some(reply) = reply {
        reply.send(Err(refusal));
    }
}
