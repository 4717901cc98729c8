//! What paths of the interpreter wait for, and how they wait.
//!
//! A path is a future; the end of a time limit or of a sibling drops it, and dropping it cancels what it waits for. Nothing wakes a path: after
//! each happening all of them are polled.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use std::future::poll_fn;

use crate::graph::EVENTS;

/// An error of a state or an action.
#[derive(Debug, Clone)]
pub(crate) struct Error {
    pub(crate) code: String,
    /// The name that a service reports.
    pub(crate) name: Option<&'static str>,
}

impl Error {
    pub(crate) fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), name: None }
    }
}

/// What a path waits for.
pub(crate) enum Wanted {
    /// The answer to a call at a place.
    Answer(String),
    /// The end of a subflow of a place.
    Child(String),
    /// The end of a sleep, or of another time that the end of the workflow's time gives up.
    Sleep(i64),
    /// The end of a time limit.
    Limit(i64),
    /// One of several events.
    Events(Vec<usize>),
}

/// What it gets.
pub(crate) enum Reply {
    Over,
    Ended(Result<i64, Error>),
    Event { event: usize, number: i64 },
}

/// A call or a subflow that nobody waits for.
struct Detached {
    what: String,
    /// Whether it ends with the instance.
    ends: bool,
    is_child: bool,
}

#[derive(Default)]
pub(crate) struct World {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    now: i64,
    next: u64,
    waits: BTreeMap<u64, Wait>,
    replies: BTreeMap<u64, Reply>,
    detached: Vec<Detached>,
    /// What was asked of the world since somebody looked.
    lines: Vec<String>,
    /// The key that the first event with one has bound.
    key: Option<String>,
    /// Whether the time of the workflow is over and what runs may finish.
    is_over: bool,
    /// When the time of one execution of the current state is over.
    single: Option<i64>,
    /// The waits for the time limits around what is polled now.
    limits: Vec<u64>,
}

/// Something that is waited for, and the waits for the time limits around it.
struct Wait {
    wanted: Wanted,
    limits: Vec<u64>,
}

impl World {
    pub(crate) fn now(&self) -> i64 {
        self.inner.borrow().now
    }

    pub(crate) fn key(&self) -> Option<String> {
        self.inner.borrow().key.clone()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.inner.borrow().is_over
    }

    pub(crate) fn set_over(&self, is_over: bool) {
        self.inner.borrow_mut().is_over = is_over;
    }

    pub(crate) fn set_single(&self, until: Option<i64>) {
        self.inner.borrow_mut().single = until;
    }

    pub(crate) fn line(&self, line: String) {
        self.inner.borrow_mut().lines.push(line);
    }

    pub(crate) fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.borrow_mut().lines)
    }

    pub(crate) fn wait(self: &Rc<Self>, wanted: Wanted) -> Waiting {
        let mut inner = self.inner.borrow_mut();
        inner.next += 1;
        let id = inner.next;
        let limits = inner.limits.clone();
        inner.waits.insert(id, Wait { wanted, limits });
        Waiting { world: Rc::clone(self), id }
    }

    pub(crate) async fn sleep(self: &Rc<Self>, time: i64) {
        self.wait(Wanted::Sleep(self.now() + time)).await;
    }

    /// Begins something that nobody waits for.
    pub(crate) fn detach(&self, what: String, is_child: bool, ends: bool) {
        self.inner.borrow_mut().detached.push(Detached { what, ends, is_child });
    }

    /// The instance has ended, and with it subflows that nobody waits for.
    pub(crate) fn end_detached(&self) {
        let mut inner = self.inner.borrow_mut();
        let (children, calls) =
            std::mem::take(&mut inner.detached).into_iter().partition(|detached| detached.is_child);
        inner.detached = calls;
        let children: Vec<Detached> = children;
        let ended = children.into_iter().filter(|child| child.ends);
        inner.lines.extend(ended.map(|child| format!("cancel {}", child.what)));
    }

    /// After the end of the workflow's time nothing new begins.
    pub(crate) async fn begin(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }

    /// The calls and subflows in flight, sorted.
    pub(crate) fn in_flight(&self) -> Vec<String> {
        let inner = self.inner.borrow();
        let waits = inner.waits.values().filter_map(Wait::shown);
        let mut all: Vec<String> =
            waits.chain(inner.detached.iter().map(|detached| detached.what.clone())).collect();
        all.sort();
        all
    }

    /// Whether a path waits for a call or a subflow.
    pub(crate) fn is_running(&self) -> bool {
        self.inner.borrow().waits.values().any(|wait| wait.shown().is_some())
    }

    /// When something happens by itself.
    pub(crate) fn next_moment(&self) -> Option<i64> {
        let inner = self.inner.borrow();
        let moments = inner.waits.iter().filter_map(|(id, wait)| inner.moment(*id, &wait.wanted));
        moments.chain(inner.single).min()
    }

    pub(crate) fn time(&self, now: i64) {
        let mut inner = self.inner.borrow_mut();
        inner.now = now;
        let is_due =
            |(id, wait): &(&u64, &Wait)| inner.moment(**id, &wait.wanted).is_some_and(|at| at <= now);
        let due: Vec<u64> = inner.waits.iter().filter(is_due).map(|(id, _)| *id).collect();
        for id in due {
            inner.reply(id, Reply::Over);
        }
    }

    /// Something in flight ends.
    pub(crate) fn end(&self, what: &str, outcome: Result<i64, Error>) {
        let mut inner = self.inner.borrow_mut();
        let found =
            inner.waits.iter().find(|(_, wait)| wait.shown().as_deref() == Some(what)).map(|(id, _)| *id);
        if let Some(id) = found {
            inner.reply(id, Reply::Ended(outcome));
            return;
        }
        // A subflow that stopped at an error may still be mended.
        let place = inner
            .detached
            .iter()
            .position(|detached| detached.what == what && (outcome.is_ok() || !detached.is_child));
        if let Some(place) = place {
            inner.detached.remove(place);
        }
    }

    /// The events that are waited for.
    pub(crate) fn awaited(&self) -> Vec<usize> {
        let inner = self.inner.borrow();
        let events = inner.waits.values().filter_map(|wait| match &wait.wanted {
            Wanted::Events(events) if !inner.is_over => Some(events.iter().copied()),
            _ => None,
        });
        let mut all: Vec<usize> = events.flatten().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// An event comes. Returns whether somebody waits for it.
    pub(crate) fn event(&self, event: usize, key: Option<&str>, user: Option<&str>, number: i64) -> bool {
        let definition = &EVENTS[event];
        let bound = self.key();
        if !self.awaited().contains(&event)
            || definition.has_key && (key.is_none() || bound.is_some() && bound.as_deref() != key)
            || definition.has_user && user != Some("ana")
        {
            return false;
        }
        let mut inner = self.inner.borrow_mut();
        if definition.has_key && bound.is_none() {
            inner.key = key.map(str::to_owned);
        }
        let takers = inner
            .waits
            .iter()
            .filter(|(_, wait)| matches!(&wait.wanted, Wanted::Events(events) if events.contains(&event)));
        let takers: Vec<u64> = takers.map(|(id, _)| *id).collect();
        for id in takers {
            inner.reply(id, Reply::Event { event, number });
        }
        true
    }
}

impl Inner {
    fn reply(&mut self, id: u64, reply: Reply) {
        self.waits.remove(&id);
        self.replies.insert(id, reply);
    }

    /// When a wait ends by itself. After the end of the workflow's time only the limits of what still runs count.
    fn moment(&self, id: u64, wanted: &Wanted) -> Option<i64> {
        let limits_something =
            || self.waits.values().any(|wait| wait.shown().is_some() && wait.limits.contains(&id));
        match wanted {
            Wanted::Sleep(at) => Some(*at).filter(|_| !self.is_over),
            Wanted::Limit(at) => Some(*at).filter(|_| !self.is_over || limits_something()),
            _ => None,
        }
    }
}

impl Wait {
    /// A call or subflow in flight.
    fn shown(&self) -> Option<String> {
        match &self.wanted {
            Wanted::Answer(place) => Some(format!("call {place}")),
            Wanted::Child(place) => Some(format!("child {place}")),
            _ => None,
        }
    }
}

/// A path that waits.
pub(crate) struct Waiting {
    world: Rc<World>,
    id: u64,
}

impl Future for Waiting {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
        self.world.inner.borrow_mut().replies.remove(&self.id).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut inner = self.world.inner.borrow_mut();
        inner.replies.remove(&self.id);
        if let Some(Wait { wanted: Wanted::Child(place), .. }) = inner.waits.remove(&self.id) {
            inner.lines.push(format!("cancel child {place}"));
        }
    }
}

/// A path with a result of its own.
pub(crate) type Path<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// Polls a path; `None`: it waits.
pub(crate) fn poll<T>(path: Pin<&mut (dyn Future<Output = T> + '_)>) -> Option<T> {
    match path.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// Runs paths at the same time until some of them have ended, or one fails. The others are dropped.
pub(crate) async fn join(paths: Vec<Path<'_>>, mut needed: usize) -> Result<(), Error> {
    let mut paths: Vec<Option<Path<'_>>> = paths.into_iter().map(Some).collect();
    poll_fn(move |_| {
        for slot in &mut paths {
            let Some(result) = slot.as_mut().and_then(|path| poll(path.as_mut())) else { continue };
            *slot = None;
            needed -= 1;
            if result.is_err() || needed == 0 {
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    })
    .await
}

/// Runs a path until it ends or a moment has come.
pub(crate) async fn until<T>(
    world: &Rc<World>,
    limit: Option<i64>,
    path: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return path.await };
    let mut timer = pin!(world.wait(Wanted::Limit(limit)));
    let mut path = pin!(path);
    poll_fn(|context| {
        world.inner.borrow_mut().limits.push(timer.id);
        let polled = path.as_mut().poll(context);
        world.inner.borrow_mut().limits.pop();
        match polled {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => timer.as_mut().poll(context).map(|_| Err(Error::new("timeout"))),
        }
    })
    .await
}

/// Runs a path until it ends or the time of one execution is over.
pub(crate) async fn until_single<T>(
    world: &Rc<World>,
    path: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut path = pin!(path);
    poll_fn(|context| match path.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => {
            let inner = world.inner.borrow();
            match inner.single.is_some_and(|at| at <= inner.now) {
                true => Poll::Ready(Err(Error::new("timeout"))),
                false => Poll::Pending,
            }
        }
    })
    .await
}
