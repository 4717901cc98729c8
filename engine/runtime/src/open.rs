//! Opens the engine: reads the folder, opens database and key, stores the revisions, and starts the background tasks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rondo_definition::{Diagnostic, Environment, Project, Properties, PropertyError, Source, settings};
use rondo_event::Sender;
use rondo_function::Caller;
use rondo_machine::SuccessorCheck;
use rondo_memory::MemoryBudget;
use rondo_store::{Database, INSTANCES, Revision, Store};

use crate::{
    acceptance::Retention,
    active_instance::Limits,
    catalog::{Catalog, Deployed, Loaded, load_folder},
    clock::Clock,
    computing::Computing,
    concurrency::Concurrency,
    crash_loop::CrashLoop,
    definition_events,
    encryption::{Encryption, KeyError},
    engine::Engine,
    executor::{Executor, Parts},
    instance_tree::InstanceTrees,
    neighbour::Neighbour,
    process_events::ProcessEvents,
    secrets,
    served::Served,
};

/// How many steps one turn may take: they take some tens of milliseconds.
const TURN_STEPS: u32 = 4000;

/// Options of an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of workflows.
    pub workflows: PathBuf,
    /// The database: `sqlite://path`.
    pub store: String,
    /// Base of links to this engine, if the property `kogito.service.url` is not set.
    pub service_url: String,
    /// The environment variables.
    pub environment: Environment,
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder has errors, so none of its workflows is served.
    #[error("the workflows in the folder cannot be served")]
    Definitions {
        /// All problems, warnings included.
        diagnostics: Vec<Diagnostic>,
        /// Texts of the files, to show their lines.
        sources: BTreeMap<String, Arc<Source>>,
        /// How many workflow files there are.
        files: usize,
        /// The projects of the folder, the root first.
        projects: Vec<Arc<Project>>,
    },
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Store(String),
    /// There is no key for encryption.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The threads that compute turns cannot be started.
    #[error("no threads can be started: {0}")]
    Threads(String),
    /// A property has a wrong value.
    #[error("{0}")]
    Property(String),
}

/// What stands around the engine: a clock and a database that replace the usual ones, for tests, and other parts of the process.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Parts that have tables in the database which the engine opens, by the properties of the root project.
    pub neighbours: Option<fn(&Properties) -> Vec<Neighbour>>,
    /// The clock; the system's by default.
    pub clock: Clock,
    /// The database; `None` opens the one of the options.
    pub store: Option<Arc<dyn Store>>,
    /// Whether turns run on the caller's threads, so that a test with a single thread controls their order.
    pub computes_here: bool,
}

impl Engine {
    /// Opens the engine and starts its background tasks. Logs the warnings about the folder.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_in(options, Surroundings::default()).await
    }

    /// Opens the engine with what stands around it. The key and the file of the crash loop are beside the database that
    /// the options name.
    pub async fn open_in(options: Options, surroundings: Surroundings) -> Result<Self, OpenError> {
        let loaded = {
            let (root, environment) = (options.workflows.clone(), options.environment.clone());
            let reading = tokio::task::spawn_blocking(move || load_folder(&root, environment));
            reading.await.map_err(|error| OpenError::Property(error.to_string()))?
        };
        if loaded.diagnostics.iter().any(Diagnostic::is_error) {
            let Loaded { diagnostics, sources, files, projects, .. } = loaded;
            return Err(OpenError::Definitions { diagnostics, sources, files, projects });
        }
        for diagnostic in &loaded.diagnostics {
            tracing::warn!("{diagnostic}");
        }
        let database_file = rondo_store::file_of(&options.store);
        let is_new = !database_file.as_ref().is_some_and(|file| file.exists());
        // The properties of the root project configure the engine.
        let root = loaded.projects.first().map(Arc::clone).unwrap_or_default();
        let properties = root.properties.clone();
        let neighbours: Vec<Neighbour> =
            surroundings.neighbours.iter().flat_map(|of| of(&properties)).collect();
        let (store, database) = if let Some(store) = surroundings.store {
            (store, None)
        } else {
            let own = std::iter::once(INSTANCES);
            let components: Vec<_> = own.chain(neighbours.iter().map(|neighbour| neighbour.tables)).collect();
            let opened = Database::open(&options.store, &components).await;
            let database = opened.map_err(|error| OpenError::Store(error.to_string()))?;
            (rondo_store::store_in(database.clone()), Some(database))
        };
        let crash_file = database_file.as_ref().map(|file| beside(file, ".turns"));
        let crash_loop =
            CrashLoop::open(crash_file.as_deref()).map_err(|error| OpenError::Store(error.to_string()))?;
        let encryption = encryption(&options, is_new)?;
        keep_revisions(&*store, &loaded).await?;
        let Loaded { workflows, projects, secrets: hidden, channels, concurrency, .. } = loaded;
        keep_groups(&*store, &concurrency).await?;
        let wrong = |error: PropertyError| OpenError::Property(error.to_string());
        let service_url =
            settings::SERVICE_URL.text(&properties).map_err(wrong)?.unwrap_or(options.service_url);
        let clock = surroundings.clock.with_speed(settings::CLOCK_SPEED.count(&properties).map_err(wrong)?);
        if clock.speed() > 1 {
            tracing::warn!(speed = clock.speed(), "durations pass faster than written (rondo.clock.speed)");
        }
        let served = Served::new(Catalog::new(workflows, projects));
        let limits = Limits {
            mask: Some(secrets::text_mask(&hidden)),
            successors: Some(Arc::clone(&served) as Arc<dyn SuccessorCheck>),
            ..limits(&properties, clock.speed()).map_err(wrong)?
        };
        let memory = memory(&properties).map_err(wrong)?;
        let trees = InstanceTrees::new(settings::MAX_SUBFLOWS.count(&properties).map_err(wrong)?);
        let caller = Caller::new(&properties, hidden.clone(), &memory)
            .map_err(|error| OpenError::Property(error.to_string()))?;
        let channels = Arc::new(channels.trusting(caller.tls()));
        let client = caller.client().map_err(OpenError::Property)?;
        let sender = Sender::new(Arc::clone(&channels), client, &properties).map_err(wrong)?;
        let retention = retention(&properties).map_err(wrong)?;
        let max_outbox = settings::MAX_OUTBOX.count(&properties).map_err(wrong)?;
        let process_events = ProcessEvents::new(&properties, &channels, &service_url).map_err(wrong)?;
        let computing = match surroundings.computes_here {
            true => Computing::here(),
            false => Computing::on_own_threads().map_err(|error| OpenError::Threads(error.to_string()))?,
        };
        let executor = Executor::new(Parts {
            store,
            database,
            neighbours,
            computing,
            clock,
            crash_loop,
            trees,
            caller,
            secrets: hidden,
            properties,
            encryption,
            limits,
            concurrency,
            memory,
            channels,
            sender: Arc::new(sender),
            retention,
            max_outbox,
            process_events,
            served,
        });
        definition_events::publish(&executor).await.map_err(|error| OpenError::Store(error.to_string()))?;
        Ok(Self::run(executor, &service_url))
    }
}

/// Opens the key of the environment, else that of the file beside the database. `is_new` says that there was no database before.
fn encryption(options: &Options, is_new: bool) -> Result<Encryption, KeyError> {
    let key_file = rondo_store::folder_of(&options.store).map(|folder| folder.join("rondo.key"));
    let secret_key = options.environment.get("RONDO_SECRET_KEY");
    if !is_new && secret_key.is_none() && key_file.as_ref().is_some_and(|file| !file.exists()) {
        tracing::warn!(
            "there is a database and no key beside it, so one is made: request headers and iteration variables that were \
             encrypted with another cannot be opened, and calls of such instances go on without them"
        );
    }
    if let Some(file) = &key_file {
        rondo_store::keep_private(file);
    }
    Encryption::open(secret_key.map(String::as_str), key_file.as_deref().map(Path::new))
}

/// The path of `file` with `ending` appended to its name.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Stores the served revisions with their files, so that an instance can go on after its files have changed or are gone.
async fn keep_revisions(store: &dyn Store, loaded: &Loaded) -> Result<(), OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError::Store(error.to_string());
    let mut revisions = Vec::with_capacity(loaded.workflows.len());
    for Deployed { program, outline, revision, fingerprint, project, .. } in &loaded.workflows {
        let Some(source) = loaded.sources.get(&*outline.path) else { continue };
        let bundle = project.resources.bundle(source).map_err(|error| failed(&error))?;
        revisions.push(Revision {
            digest: revision.clone(),
            workflow: program.id.to_string(),
            version: program.version.to_string(),
            name: program.name.to_string(),
            description: outline.description.clone(),
            source: outline.text.to_string(),
            path: outline.path.to_string(),
            fingerprint: Some(fingerprint.clone()),
            bundle,
        });
    }
    let changed = store.put_revisions(revisions).await.map_err(|error| failed(&error))?;
    for revision in changed.iter().filter(|revision| revision.before.is_some()) {
        tracing::info!(
            workflow = %revision.workflow, revision = %revision.digest,
            "this version of Rondo runs the workflow by other instructions; running instances go on at the places of the same names"
        );
    }
    Ok(())
}

/// Stores the concurrency groups. Instances that have a place by that are busy, and recovery finds them.
async fn keep_groups(store: &dyn Store, concurrency: &Concurrency) -> Result<(), OpenError> {
    let admitted = store.put_concurrency_groups(concurrency.limits()).await;
    let admitted = admitted.map_err(|error| OpenError::Store(error.to_string()))?;
    if !admitted.is_empty() {
        tracing::info!(
            instances = admitted.len(),
            "waiting instances have a place of their concurrency group now"
        );
    }
    Ok(())
}

/// The budget of memory, from its property or from the memory of the machine.
fn memory(properties: &Properties) -> Result<MemoryBudget, PropertyError> {
    let bytes = match settings::MEMORY.text(properties)? {
        Some(_) => settings::MEMORY.count(properties)?,
        None => rondo_memory::default_budget(),
    };
    tracing::info!(bytes, "memory for bodies, answers and data (rondo.limits.memory)");
    Ok(MemoryBudget::new(bytes))
}

fn retention(properties: &Properties) -> Result<Retention, PropertyError> {
    Ok(Retention {
        remember: settings::REMEMBER_EVENTS.duration(properties)?,
        keep: settings::KEEP_EVENTS.duration(properties)?,
        max_kept: settings::MAX_KEPT_EVENTS.count(properties)?,
        max_kept_bytes: settings::MAX_KEPT_BYTES.count(properties)?,
    })
}

fn limits(properties: &Properties, speed: u32) -> Result<Limits, PropertyError> {
    Ok(Limits {
        budget: rondo_expression::Budget::default(),
        speed,
        max_steps: settings::MAX_STEPS.count(properties)?,
        turn_steps: TURN_STEPS,
        mask: None,
        successors: None,
    })
}
