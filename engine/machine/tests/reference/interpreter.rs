//! The interpreter that the machine is compared with: states as the specification tells them (spec-0.8, rules 24 to 142), each as a path that
//! runs from top to bottom.

use std::{cell::RefCell, pin::Pin, pin::pin, rc::Rc, task::Poll};

use serde_json::{Value, json};

use crate::{
    actions::{Element, Limits},
    data::Data,
    graph::{ERRORS, Entry, Exit, Graph, Kind, State, payload},
    world::{Error, Path, Reply, Wanted, World, join, poll, until, until_single},
};

/// How an instance ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    Completed,
    Failed { state: String, code: String },
    Aborted,
}

/// One path through states: that of the instance, or a compensation.
#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) graph: Rc<Graph>,
    pub(crate) world: Rc<World>,
    pub(crate) data: Data,
    /// The code of the error that a handler led here with.
    pub(crate) error: Rc<RefCell<String>>,
    current: Rc<RefCell<Current>>,
}

/// What is known of an instance while it runs.
#[derive(Default)]
struct Current {
    /// What has to be compensated, as indexes of compensating states, each with the state that it compensates; the last to complete stands last.
    completed: Vec<(String, usize)>,
    /// The data of the branches that run.
    branches: Vec<Data>,
    /// The results of the loop that runs, and where they go.
    elements: Option<(String, Results)>,
}

pub(crate) type Results = Rc<RefCell<Vec<Option<Value>>>>;

/// Where a state leads if it is not its own exit, and the name of this exit.
type Chosen = Option<(String, Exit)>;

/// The actions of a branch with their time limits.
struct BranchPlan<'a> {
    place: String,
    actions: &'a [crate::graph::Action],
    limit: Option<i64>,
    action_limit: Option<i64>,
}

impl Player {
    pub(crate) fn new(graph: &Rc<Graph>, data: Value) -> Self {
        Self {
            graph: Rc::clone(graph),
            world: Rc::default(),
            data: Data::new(data),
            error: Rc::default(),
            current: Rc::default(),
        }
    }

    /// The whole way of an instance.
    pub(crate) async fn all_states(self) -> Ending {
        self.data.merge(None, json!({"begun": true}));
        let graph = Rc::clone(&self.graph);
        let mut at = 0;
        while let Some(state) = graph.states.get(at) {
            match self.state(&format!("S{at}"), state).await {
                Ok(to) => at = to,
                Err(failed) => return failed,
            }
        }
        Ending::Completed
    }

    /// What follows when the time of the workflow is over (rule 133).
    pub(crate) async fn run_before(self) -> Ending {
        // No handler has led there.
        self.error.borrow_mut().clear();
        let graph = Rc::clone(&self.graph);
        let last = graph.limit.as_ref().and_then(|limit| limit.run_before.as_ref());
        match last {
            Some(last) => self.state("R", last).await.err().unwrap_or(Ending::Aborted),
            None => Ending::Aborted,
        }
    }

    /// What branches and elements have reached counts when the time of the workflow is over.
    pub(crate) fn keep_reached(&self) {
        let Current { branches, elements, .. } = &mut *self.current.borrow_mut();
        for branch in branches.drain(..) {
            self.data.take_over(&branch);
        }
        if let Some((member, results)) = elements.take() {
            self.data.append(&member, results.borrow().iter().flatten().cloned().collect());
        }
    }

    /// A state. Returns where it leads.
    async fn state(&self, name: &str, state: &State) -> Result<usize, Ending> {
        self.world.begin().await;
        if state.filters {
            self.data.merge(None, json!({format!("i{name}"): true}));
        }
        let total = state.total.map(|seconds| self.world.now() + seconds * 1000 + 37);
        self.world.set_single(state.single.map(|seconds| self.world.now() + seconds * 1000 + 53));
        let body = until_single(&self.world, self.body(name, state));
        let outcome = until(&self.world, total, body).await;
        self.world.set_single(None);
        self.world.begin().await;
        self.current.borrow_mut().elements = None;
        let branches = std::mem::take(&mut self.current.borrow_mut().branches);
        let (place, exit) = match outcome {
            Ok(chosen) => {
                if state.filters {
                    self.data.merge(None, json!({format!("o{name}"): true}));
                }
                if let Some(undo) = state.compensated_by {
                    let completed = &mut self.current.borrow_mut().completed;
                    completed.retain(|(known, _)| known != name);
                    completed.push((name.to_owned(), undo));
                }
                chosen.unwrap_or_else(|| (name.to_owned(), state.exit.clone()))
            }
            Err(error) => {
                let found =
                    state.handlers.iter().position(|handler| handler.errors.iter().any(|it| is(&error, *it)));
                let Some(number) = found else {
                    return Err(Ending::Failed { state: name.to_owned(), code: error.code });
                };
                for branch in &branches {
                    self.data.take_over(branch);
                }
                *self.error.borrow_mut() = error.code;
                (format!("{name}_h{number}"), state.handlers[number].exit.clone())
            }
        };
        if exit.compensates {
            Box::pin(self.compensate()).await?;
        }
        // The end of a compensating state is ignored (rule 137).
        if exit.produces && !(name.starts_with('U') && exit.to >= self.graph.undos.len()) {
            self.publish(&place);
        }
        Ok(exit.to)
    }

    /// Compensates all that has completed, the last one first (rule 139).
    async fn compensate(&self) -> Result<(), Ending> {
        loop {
            let next = self.current.borrow_mut().completed.pop();
            let Some((_, mut at)) = next else { return Ok(()) };
            let error = Rc::new(RefCell::new(self.error.borrow().clone()));
            let player = Self { error, ..self.clone() };
            while let Some(undo) = self.graph.undos.get(at) {
                at = player.state(&format!("U{at}"), undo).await?;
            }
        }
    }

    async fn body(&self, name: &str, state: &State) -> Result<Chosen, Error> {
        match &state.kind {
            Kind::Inject(number) => self.data.merge(None, json!({format!("n{name}"): number})),
            Kind::Sleep(seconds) => self.world.sleep(seconds * 1000 + 29).await,
            Kind::Choose { above, then } => {
                if self.data.count() > *above {
                    return Ok(Some((format!("{name}_t"), then.clone())));
                }
            }
            Kind::Operation { actions, parallel } => {
                self.actions(name, actions, *parallel, state).await?;
            }
            Kind::Parallel { branches, at_least } => {
                let plans = branches.iter().enumerate().map(|(number, branch)| BranchPlan {
                    place: format!("{name}_{number}"),
                    actions: &branch.actions,
                    limit: branch.limit,
                    action_limit: branch.action_limit,
                });
                self.fork(plans.collect(), at_least.unwrap_or(branches.len())).await?;
            }
            Kind::ForEach { length, batch, actions, collects } => {
                self.for_each(name, *length, *batch, actions, *collects, state).await?;
            }
            Kind::Event { exclusive, entries, limit } => {
                self.event_state(name, *exclusive, entries, *limit, state).await?;
            }
            Kind::Switch { conditions, limit } => {
                let events = conditions.iter().map(|(event, _)| *event).collect();
                let Some((event, number)) = self.event(events, self.event_deadline(*limit)).await else {
                    return Ok(None);
                };
                let place = conditions.iter().position(|(known, _)| *known == event).unwrap();
                self.data.merge(Some(&format!("s{name}_{place}")), payload(event, number));
                return Ok(Some((format!("{name}_c{place}"), conditions[place].1.clone())));
            }
            Kind::Callback { action, event, limit } => {
                self.action(&format!("{name}_0"), None, action, &self.data, limits(state)).await?;
                self.world.begin().await;
                if let Some((event, number)) = self.event(vec![*event], self.event_deadline(*limit)).await {
                    self.data.merge(Some(&format!("b{name}")), payload(event, number));
                }
            }
        }
        Ok(None)
    }

    /// The actions of a state, one after the other or at the same time.
    async fn actions(
        &self,
        place: &str,
        actions: &[crate::graph::Action],
        parallel: bool,
        state: &State,
    ) -> Result<(), Error> {
        if parallel {
            let plans = actions.iter().enumerate().map(|(number, action)| BranchPlan {
                place: format!("{place}_{number}"),
                actions: std::slice::from_ref(action),
                limit: None,
                action_limit: state.action_limit,
            });
            return self.fork(plans.collect(), actions.len()).await;
        }
        for (number, action) in actions.iter().enumerate() {
            let place = format!("{place}_{number}");
            self.action(&place, None, action, &self.data, limits(state)).await?;
        }
        Ok(())
    }

    /// Branches, of which some must end (rules 85 to 89).
    async fn fork(&self, plans: Vec<BranchPlan<'_>>, needed: usize) -> Result<(), Error> {
        let sheets: Vec<Data> = plans.iter().map(|_| self.data.copy()).collect();
        self.current.borrow_mut().branches.clone_from(&sheets);
        let ended = RefCell::new(vec![false; plans.len()]);
        let paths = plans.into_iter().zip(&sheets).enumerate().map(|(number, (plan, data))| {
            let ended = &ended;
            let path: Path<'_> = Box::pin(async move {
                let limit = plan.limit.map(|seconds| self.world.now() + seconds * 1000 + 5);
                let actions = async {
                    for (number, action) in plan.actions.iter().enumerate() {
                        let place = format!("{}_{number}", plan.place);
                        let limits = Limits { action: plan.action_limit, single: None };
                        self.action(&place, None, action, data, limits).await?;
                    }
                    Ok(())
                };
                let outcome = until(&self.world, limit, actions).await;
                // What runs in the other branches may finish then.
                self.world.begin().await;
                outcome?;
                ended.borrow_mut()[number] = true;
                Ok(())
            });
            path
        });
        join(paths.collect(), needed).await?;
        self.current.borrow_mut().branches.clear();
        let ended = ended.borrow();
        let ended = sheets.iter().zip(&*ended).filter(|(_, has_ended)| **has_ended);
        ended.for_each(|(sheet, _)| self.data.take_over(sheet));
        Ok(())
    }

    /// A loop over the numbers below a length (rules 92 to 98).
    async fn for_each(
        &self,
        name: &str,
        length: usize,
        batch: Option<usize>,
        actions: &[crate::graph::Action],
        collects: bool,
        state: &State,
    ) -> Result<(), Error> {
        let items: Vec<usize> = (0..length).collect();
        let results: Results = Rc::new(RefCell::new(vec![None; items.len()]));
        let member = format!("e{name}");
        self.current.borrow_mut().elements = collects.then(|| (member.clone(), Rc::clone(&results)));
        for batch in items.chunks(batch.unwrap_or(items.len()).max(1)) {
            let paths = batch.iter().map(|item| {
                let element = Element { item: *item, results: Rc::clone(&results) };
                let path: Path<'_> = Box::pin(async move {
                    let data = self.data.copy();
                    for (number, action) in actions.iter().enumerate() {
                        let place = format!("{name}_{number}");
                        self.action(&place, Some(&element), action, &data, limits(state)).await?;
                    }
                    self.world.begin().await;
                    Ok(())
                });
                path
            });
            join(paths.collect(), batch.len()).await?;
        }
        self.current.borrow_mut().elements = None;
        if collects {
            self.data.append(&member, results.borrow().iter().flatten().cloned().collect());
        }
        Ok(())
    }

    /// An event state (rules 74 to 78).
    async fn event_state(
        &self,
        name: &str,
        exclusive: bool,
        entries: &[Entry],
        limit: Option<i64>,
        state: &State,
    ) -> Result<(), Error> {
        let deadline = self.event_deadline(limit);
        let mut missing: Vec<usize> = entries.iter().flat_map(|entry| &entry.events).copied().collect();
        let mut arrived = Vec::new();
        while !missing.is_empty() {
            let Some((event, number)) = self.event(missing.clone(), deadline).await else { return Ok(()) };
            arrived.push((event, number));
            missing.retain(|other| *other != event && !exclusive);
        }
        for (number, entry) in entries.iter().enumerate() {
            self.world.begin().await;
            let place = format!("{name}_{number}");
            let mut has_some = false;
            for event in &entry.events {
                let came = arrived.iter().find(|(known, _)| known == event);
                if let Some((event, number)) = came {
                    self.data.merge(Some(&format!("g{place}")), payload(*event, *number));
                    has_some = true;
                }
            }
            if has_some {
                self.actions(&place, &entry.actions, entry.parallel, state).await?;
                if exclusive {
                    break;
                }
            }
        }
        Ok(())
    }

    fn event_deadline(&self, limit: Option<i64>) -> Option<i64> {
        limit.map(|seconds| self.world.now() + seconds * 1000 + 3)
    }

    /// The first of some events; `None`: none came in time.
    pub(crate) async fn event(&self, events: Vec<usize>, deadline: Option<i64>) -> Option<(usize, i64)> {
        let mut event = pin!(self.world.wait(Wanted::Events(events)));
        let mut timer = deadline.map(|at| Box::pin(self.world.wait(Wanted::Sleep(at))));
        std::future::poll_fn(move |_| match (poll(event.as_mut()), timer.as_mut()) {
            (Some(Reply::Event { event, number }), _) => Poll::Ready(Some((event, number))),
            (_, Some(timer)) => match poll(timer.as_mut()) {
                Some(_) => Poll::Ready(None),
                None => Poll::Pending,
            },
            _ => Poll::Pending,
        })
        .await
    }

    pub(crate) fn publish(&self, place: &str) {
        self.world.line(format!("publish {place} key={:?}", self.world.key()));
    }
}

fn limits(state: &State) -> Limits {
    Limits { action: state.action_limit, single: state.single }
}

/// Whether an error is one of a definition (rules 117, 118).
pub(crate) fn is(error: &Error, definition: usize) -> bool {
    let (name, code) = ERRORS[definition];
    match code {
        Some(code) => error.code == code,
        None => error.name == Some(name),
    }
}

/// An instance.
pub(crate) struct Interpreter {
    player: Player,
    path: Option<Pin<Box<dyn Future<Output = Ending>>>>,
    ending: Option<Ending>,
    limit: Option<i64>,
}

impl Interpreter {
    pub(crate) fn start(graph: &Graph, data: Value, now: i64) -> Self {
        let player = Player::new(&Rc::new(graph.clone()), data);
        player.world.time(now);
        let limit = graph.limit.as_ref().map(|limit| now + limit.seconds * 1000 + 1);
        let path: Pin<Box<dyn Future<Output = Ending>>> = Box::pin(player.clone().all_states());
        let mut interpreter = Self { player, path: Some(path), ending: None, limit };
        interpreter.run();
        interpreter
    }

    pub(crate) fn world(&self) -> &World {
        &self.player.world
    }

    pub(crate) fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    pub(crate) fn data(&self) -> Value {
        self.player.data.value()
    }

    /// The data with what the branches have reached.
    pub(crate) fn visible_data(&self) -> Value {
        let data = self.player.data.copy();
        self.player.current.borrow().branches.iter().for_each(|branch| data.take_over(branch));
        data.value()
    }

    pub(crate) fn next_moment(&self) -> Option<i64> {
        let moment = self.player.world.next_moment().into_iter().chain(self.limit).min();
        moment.filter(|_| self.ending.is_none())
    }

    /// The time is now another one.
    pub(crate) fn time(&mut self, now: i64) {
        let world = Rc::clone(&self.player.world);
        if self.limit.is_none_or(|at| at > now) {
            world.time(now);
            self.run();
            return;
        }
        self.limit = None;
        world.time(now);
        let interrupts = self.player.graph.limit.as_ref().is_some_and(|limit| limit.interrupts);
        world.set_over(true);
        if interrupts {
            self.path = None;
        }
        self.run();
    }

    /// What was waited for has come.
    pub(crate) fn go_on(&mut self) {
        self.run();
    }

    pub(crate) fn abort(&mut self) {
        self.path = None;
        self.end(Ending::Aborted);
    }

    fn run(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if let Some(ending) = self.path.as_mut().and_then(|path| poll(path.as_mut())) {
            self.end(ending);
            return;
        }
        let world = Rc::clone(&self.player.world);
        if world.is_over() && !world.is_running() {
            self.path = None;
            world.set_over(false);
            world.set_single(None);
            self.player.keep_reached();
            self.path = Some(Box::pin(self.player.clone().run_before()));
            self.run();
        }
    }

    fn end(&mut self, ending: Ending) {
        self.path = None;
        if !matches!(ending, Ending::Failed { .. }) {
            self.player.world.end_detached();
        }
        self.ending = Some(ending);
    }
}
