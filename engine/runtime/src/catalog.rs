//! The workflows that are served, and the revisions that running instances are pinned to.
//!
//! Promises: a folder is served as a whole or not at all, and all its problems are reported together. An instance runs the revision that it
//! started with, also after its file has changed. A revision is the text of the document and of every file that it refers to.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use rondo_definition::{
    Diagnostic, Document, Fetch, Folder, Project, Resources, Severity, Source, codes, in_parallel,
};
use rondo_event::{Channels, CloudEvent};
use rondo_expression::Val;
use rondo_function::{Bindings, Fetcher, PropertiesUse, Secrets, Specs, unused_properties};
use rondo_lowering::Lowered;
use rondo_machine::OutputCheck;
use rondo_program::{Event, Outline, Program, SchemaReference, SchemaSource};

use crate::{
    computing::Cost,
    concurrency::Concurrency,
    refusal::Refusal,
    schema::{Bundler, Schema, read_file},
    secrets,
    versions::sort_by_version,
};

/// One revision of a workflow, ready to run.
#[derive(Debug)]
pub struct Deployed {
    /// Names, states and texts of the workflow, for clients.
    pub outline: Outline,
    /// The instructions that the machine runs.
    pub program: Arc<Program>,
    /// Digest of the document and the files it refers to.
    pub revision: String,
    /// Digest of the listing of the program.
    pub(crate) fingerprint: String,
    /// Schema of the input.
    pub input_schema: Option<Arc<Schema>>,
    /// Schema of the output.
    pub output_schema: Option<Arc<Schema>>,
    /// The project of the workflow, with the properties and resources of its calls.
    pub project: Arc<Project>,
    /// The operation that each function calls.
    pub(crate) bindings: Bindings,
    /// The value of `$SECRET`.
    pub(crate) secrets: Val,
    /// Cost of its recent turns.
    pub(crate) cost: Cost,
    /// The output schema in the form that the machine takes.
    pub(crate) output_check: Option<Arc<dyn OutputCheck>>,
}

impl Deployed {
    /// Checks that the workflow has a state of this name to start at.
    pub(crate) fn check_state(&self, node: &str) -> Result<(), Refusal> {
        if self.program.state(node).is_some() {
            return Ok(());
        }
        Err(Refusal::UnknownNode {
            workflow: self.program.id.to_string(),
            node: node.to_owned(),
            states: self.program.state_names().map(ToString::to_string).collect(),
        })
    }

    /// Checks the input of an instance. The error names what breaks the schema.
    pub(crate) fn check_input(&self, data: &Val) -> Result<(), String> {
        let Some(schema) = &self.input_schema else { return Ok(()) };
        self.judge_input(schema, schema.check(data))
    }

    /// Checks the input of an instance within a small budget; `None` if the budget is not enough.
    pub(crate) fn check_input_quickly(&self, data: &Val) -> Option<Result<(), String>> {
        let Some(schema) = &self.input_schema else { return Some(Ok(())) };
        schema.check_quickly(data).map(|checked| self.judge_input(schema, checked))
    }

    /// The start events of the workflow that a received event matches.
    pub(crate) fn start_events<'a>(&'a self, event: &'a CloudEvent) -> impl Iterator<Item = &'a Event> {
        let names = self.program.start_by_event.iter().flat_map(|start| &start.events);
        names.filter_map(|name| self.program.event(name)).filter(|own| {
            let attribute = |name: &str| event.attribute(name);
            is_one(own, event) && rondo_machine::can_start(&self.program, own, &attribute)
        })
    }

    fn judge_input(&self, schema: &Schema, checked: Result<(), String>) -> Result<(), String> {
        match checked {
            Err(message) if !schema.strict => {
                tracing::warn!(
                    workflow = %self.program.id, %message,
                    "the input breaks the schema, and is accepted because failOnValidationErrors is false"
                );
                Ok(())
            }
            checked => checked,
        }
    }
}

#[derive(Debug)]
struct Output(Arc<Schema>);

impl OutputCheck for Output {
    fn check(&self, data: &Val) -> Result<(), String> {
        match self.0.check(data) {
            Err(_) if !self.0.strict => Ok(()),
            checked => checked,
        }
    }
}

/// Whether a received event has the type and the source of an event definition.
fn is_one(own: &Event, event: &CloudEvent) -> bool {
    *own.event_type == *event.event_type && own.source.as_ref().is_none_or(|source| **source == *event.source)
}

/// A workflow that consumes events of a type.
struct Consumer {
    deployed: Arc<Deployed>,
    /// The source that each of its event definitions of this type asks for; `None` for any source.
    sources: Vec<Option<Arc<str>>>,
}

impl Consumer {
    fn takes(&self, source: &str) -> bool {
        self.sources.iter().any(|own| own.as_ref().is_none_or(|own| **own == *source))
    }
}

/// The workflows of the served folder.
pub(crate) struct Catalog {
    /// The workflows that consume events, by event type.
    by_event_type: HashMap<Arc<str>, Vec<Consumer>>,
    /// The versions of each workflow, the highest first.
    by_id: HashMap<String, Vec<Arc<Deployed>>>,
    order: Vec<Arc<Deployed>>,
    /// The projects of the folder, the root first.
    projects: Vec<Arc<Project>>,
}

/// A folder that was read: its workflows, and all its problems.
pub struct Loaded {
    /// The workflows whose documents could be read; some may have errors among the diagnostics.
    pub workflows: Vec<Deployed>,
    /// Its projects: the root first, then those of its folders.
    pub projects: Vec<Arc<Project>>,
    /// Values that messages and data must not show.
    pub secrets: Secrets,
    /// The channels by which events come and go.
    pub channels: Channels,
    /// The concurrency groups of its workflows.
    pub(crate) concurrency: Concurrency,
    /// All problems, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
    /// How many workflow files there are.
    pub files: usize,
    /// Texts of the workflows and of the files that have problems, by path, to show their lines.
    pub sources: BTreeMap<String, Arc<Source>>,
}

impl Loaded {
    /// The files that a workflow refers to, with their names. `name` is the path of the document. `None` if no workflow has this path, or a
    /// file cannot be read.
    pub fn files_of(&self, name: &str) -> Option<Vec<(String, Vec<u8>)>> {
        let deployed = self.workflows.iter().find(|deployed| *deployed.outline.path == *name)?;
        deployed.project.resources.bundle(self.sources.get(name)?).ok()
    }
}

/// Reads and checks a folder of workflows. Starts nothing.
pub fn load_folder(root: &Path, environment: rondo_definition::Environment) -> Loaded {
    let mut fetcher = None;
    let mut unusable = None;
    let folder = Folder::load(root, environment, |properties| {
        match Fetcher::new(properties) {
            Ok(made) => fetcher = Some(Arc::new(made)),
            Err(error) => unusable = Some(error),
        }
        fetcher.clone().map(|fetcher| fetcher as Arc<dyn Fetch>)
    });
    let root_project = folder.root();
    let Folder { documents, shadowed, files, projects, mut diagnostics, mut sources } = folder;
    if let Some(error) = unusable {
        let fault = root_project.properties.diagnostic_at(
            Severity::Error,
            codes::SETTING,
            error.key,
            error.to_string(),
        );
        // The check of the properties may have reported the same property already.
        if !diagnostics.iter().any(|known| (&known.file, known.position) == (&fault.file, fault.position)) {
            diagnostics.push(fault);
        }
    }
    let specs = Specs::new(fetcher);
    let (channels, problems) = Channels::of_projects(&projects);
    diagnostics.extend(problems);
    let secrets = Secrets::of(projects.iter().map(|project| &project.properties));
    for Document { source, .. } in &documents {
        sources.insert(source.name().to_string(), Arc::clone(source));
    }
    for project in &projects {
        diagnostics.extend(rondo_lowering::unused_replacements(&documents, project));
    }
    // A workflow that could not be read may use properties that no other one uses, and be the one that a concurrency group names, so then
    // no property is reported as unused, and no workflow as missing.
    let is_complete = documents.len() == files;
    let ready = in_parallel(documents, |document| deploy(document, &secrets, &specs));
    let (workflows, problems): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
    diagnostics.extend(problems.into_iter().flatten());
    let ids = workflows.iter().map(|deployed| &deployed.program.id);
    let (concurrency, problems) = Concurrency::read(&root_project.properties, ids);
    diagnostics.extend(problems.into_iter().filter(|problem| is_complete || problem.is_error()));
    let uses = projects.iter().map(|project| PropertiesUse {
        properties: &project.properties,
        bindings: bindings_of(project, &workflows),
        is_complete,
    });
    diagnostics.extend(unused_properties(&uses.collect::<Vec<_>>()));
    let problems = shadowed.into_iter().flat_map(|document| deploy(document, &secrets, &specs).1);
    diagnostics.extend(problems.filter(|problem| !problem.is_error()));
    diagnostics.sort();
    diagnostics.dedup();
    Loaded { workflows, projects, secrets, channels, concurrency, diagnostics, files, sources }
}

/// The bindings of all workflows of a project.
fn bindings_of<'a>(project: &Arc<Project>, workflows: &'a [Deployed]) -> Vec<&'a Bindings> {
    let own = workflows.iter().filter(|deployed| Arc::ptr_eq(&deployed.project, project));
    own.map(|deployed| &deployed.bindings).collect()
}

/// Makes a document ready to run, with the properties and files of its project. Adds the values of `$SECRET` to `hidden`.
pub(crate) fn deploy(mut document: Document, hidden: &Secrets, specs: &Specs) -> (Deployed, Vec<Diagnostic>) {
    let project = Arc::clone(&document.project);
    let Project { properties, resources, .. } = &*project;
    let replaced = rondo_lowering::replace_functions(&mut document, properties);
    let make = |received: &BTreeMap<String, String>| {
        let (lowered, mut diagnostics) = rondo_lowering::lower_receiving(&document, received);
        let (functions, workflow) = (&lowered.declarations, &lowered.program.id);
        let (bindings, problems) =
            rondo_function::bind(functions, &document.source, workflow, resources, properties, specs);
        diagnostics.extend(problems);
        (lowered, bindings, diagnostics)
    };
    let made = make(&BTreeMap::new());
    // Only the bound documents (AsyncAPI) say which functions receive a message, so the lowering runs a second time if there are any.
    let received = made.1.received();
    let (lowered, bindings, mut diagnostics) = if received.is_empty() { made } else { make(&received) };
    diagnostics.extend(replaced);
    let Lowered { program, outline, input_schema, output_schema, .. } = lowered;
    let mut schema = |reference: Option<SchemaReference>| {
        let reference = reference?;
        match read_schema(&document.source, resources, &reference) {
            Ok(schema) => Some(Arc::new(schema)),
            Err(message) => {
                let at = &reference.at;
                diagnostics.push(Diagnostic::error(codes::SCHEMA, &document.source, at, message));
                None
            }
        }
    };
    let input_schema = schema(input_schema);
    let output_schema = schema(output_schema);
    let output_check = output_schema.clone().map(|schema| Arc::new(Output(schema)) as Arc<dyn OutputCheck>);
    let deployed = Deployed {
        revision: document.revision(),
        fingerprint: program.fingerprint(),
        program: Arc::new(program),
        input_schema,
        output_schema,
        bindings,
        secrets: secrets::secrets(properties, hidden),
        project: Arc::clone(&project),
        output_check,
        cost: Cost::default(),
        outline,
    };
    (deployed, diagnostics)
}

fn read_schema(
    source: &Source,
    resources: &Resources,
    reference: &SchemaReference,
) -> Result<Schema, String> {
    let own = source.path();
    let (name, schema) = match &reference.source {
        SchemaSource::Inline(schema) => (own.to_string(), schema.clone()),
        SchemaSource::Uri(uri) => read_file(resources, source, own, uri)?,
    };
    let read = |from: &str, uri: &str| read_file(resources, source, from, uri);
    let bundled = Bundler::bundle(&name, schema, &read)?;
    Schema::new(bundled, reference.is_strict)
        .map_err(|error| format!("`{name}` is no valid JSON schema: {error}"))
}

impl Catalog {
    pub(crate) fn new(workflows: Vec<Deployed>, projects: Vec<Arc<Project>>) -> Self {
        let order: Vec<_> = workflows.into_iter().map(Arc::new).collect();
        let mut by_id: HashMap<_, Vec<Arc<Deployed>>> = HashMap::new();
        for deployed in &order {
            by_id.entry(deployed.program.id.to_string()).or_default().push(Arc::clone(deployed));
        }
        for versions in by_id.values_mut() {
            sort_by_version(versions, |deployed| &deployed.program.version);
        }
        let mut by_event_type: HashMap<_, Vec<Consumer>> = HashMap::new();
        for deployed in &order {
            let mut types: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for event in deployed.program.awaited_events() {
                types.entry(Arc::clone(&event.event_type)).or_default().push(event.source.clone());
            }
            for (event_type, sources) in types {
                let consumer = Consumer { deployed: Arc::clone(deployed), sources };
                by_event_type.entry(event_type).or_default().push(consumer);
            }
        }
        Self { by_event_type, by_id, order, projects }
    }

    /// The workflows with an event definition of the type and source of this event that one of their states waits for.
    pub(crate) fn consumers<'a>(&'a self, event: &'a CloudEvent) -> impl Iterator<Item = &'a Arc<Deployed>> {
        let consumers = self.by_event_type.get(event.event_type.as_str()).into_iter().flatten();
        consumers.filter(|consumer| consumer.takes(&event.source)).map(|consumer| &consumer.deployed)
    }

    /// The workflows that a received event can start, each in its highest version.
    pub(crate) fn started_by<'a>(&'a self, event: &'a CloudEvent) -> impl Iterator<Item = &'a Arc<Deployed>> {
        self.consumers(event)
            .filter(|deployed| self.is_highest(deployed) && deployed.start_events(event).next().is_some())
    }

    /// Whether this is the highest served version of its workflow.
    pub(crate) fn is_highest(&self, deployed: &Arc<Deployed>) -> bool {
        let versions = self.by_id.get(&*deployed.program.id);
        versions.and_then(|versions| versions.first()).is_some_and(|highest| Arc::ptr_eq(highest, deployed))
    }

    /// A workflow by its id, in the given version, else in the highest.
    pub(crate) fn find(&self, id: &str, version: Option<&str>) -> Option<Arc<Deployed>> {
        let mut versions = self.by_id.get(id)?.iter();
        let is_asked_for =
            |found: &&Arc<Deployed>| version.is_none_or(|version| *found.program.version == *version);
        versions.find(is_asked_for).map(Arc::clone)
    }

    /// A workflow that another one refers to. The error says which id or version is missing, and which versions exist.
    pub(crate) fn require(&self, id: &str, version: Option<&str>) -> Result<Arc<Deployed>, String> {
        self.find(id, version).ok_or_else(|| match (self.by_id.get(id), version) {
            (Some(versions), Some(version)) => {
                let known: Vec<&str> = versions.iter().map(|found| &*found.program.version).collect();
                format!("workflow `{id}` has no version `{version}`, only `{}`", known.join("`, `"))
            }
            _ => format!("no workflow is called `{id}`"),
        })
    }

    /// A workflow by its id, or else by the part of its id after the last dot; in the highest version.
    pub(crate) fn find_by_path(&self, part: &str) -> Option<Arc<Deployed>> {
        self.find(part, None).or_else(|| {
            let last = |workflow: &&Arc<Deployed>| workflow.program.id.rsplit('.').next() == Some(part);
            self.find(&self.order.iter().find(last)?.program.id, None)
        })
    }

    /// A served workflow by its revision.
    pub(crate) fn revision(&self, revision: &str) -> Option<Arc<Deployed>> {
        self.order.iter().find(|workflow| workflow.revision == revision).map(Arc::clone)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Deployed>> {
        self.order.iter()
    }

    /// The project of a file: that of the nearest project folder above it, else the root project.
    pub(crate) fn project_of(&self, path: &str) -> Arc<Project> {
        Project::of_path(&self.projects, path).map(Arc::clone).unwrap_or_default()
    }
}
