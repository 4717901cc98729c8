//! Opens the engine: folder, database, key, what was under way.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use rondo_definition::{Diagnostic, Environment, Properties, PropertyError, Source, settings};
use rondo_function::Caller;
use rondo_store::{Revision, Store};
use tokio::sync::watch;

use crate::{
    Engine,
    at_work::AtWork,
    catalog::{Catalog, Deployed, Loaded, load_folder},
    clock::Clock,
    engine::Inner,
    families::Families,
    lanes::Lanes,
    living::Limits,
    registry::Registry,
    seal::{KeyError, Sealer},
    tasks::Tasks,
    timers::Timers,
};

/// How much one turn may do: some tens of milliseconds of the machine.
const TURN_STEPS: u32 = 4000;

/// What an engine is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of workflows.
    pub workflows: PathBuf,
    /// The database: `sqlite://path`.
    pub store: String,
    /// Base of links, when neither `kogito.service.url` nor anything else says otherwise.
    pub service_url: String,
    /// The environment variables.
    pub environment: Environment,
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something is wrong with the folder. All problems, warnings included.
    #[error("the workflows in the folder cannot be served")]
    Definitions {
        /// All problems.
        diagnostics: Vec<Diagnostic>,
        /// Texts of the files, to show their lines.
        sources: BTreeMap<String, Arc<Source>>,
        /// How many workflow files there are.
        files: usize,
    },
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Store(String),
    /// The key for request headers cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A property is not what it must be.
    #[error("{0}")]
    Property(String),
}

impl Engine {
    /// Opens the engine and begins to work. Warnings about the folder are logged.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let loaded = {
            let (root, environment) = (options.workflows.clone(), options.environment.clone());
            let reading = tokio::task::spawn_blocking(move || load_folder(&root, environment));
            reading.await.map_err(|error| OpenError::Property(error.to_string()))?
        };
        if loaded.diagnostics.iter().any(Diagnostic::is_error) {
            let Loaded { diagnostics, sources, files, .. } = loaded;
            return Err(OpenError::Definitions { diagnostics, sources, files });
        }
        for diagnostic in &loaded.diagnostics {
            tracing::warn!("{diagnostic}");
        }
        let database = rondo_store::file_of(&options.store);
        let is_new = !database.as_ref().is_some_and(|file| file.exists());
        let store =
            rondo_store::open(&options.store).await.map_err(|error| OpenError::Store(error.to_string()))?;
        let key_file = rondo_store::folder_of(&options.store).map(|folder| folder.join("rondo.key"));
        let turns_file = rondo_store::file_of(&options.store).map(|file| beside(&file, ".turns"));
        let at_work =
            AtWork::open(turns_file.as_deref()).map_err(|error| OpenError::Store(error.to_string()))?;
        let secret_key = options.environment.get("RONDO_SECRET_KEY").cloned();
        if !is_new && secret_key.is_none() && key_file.as_ref().is_some_and(|file| !file.exists()) {
            tracing::warn!(
                "there is a database and no key beside it, so one is made: request headers and iteration variables that were \
                 sealed with another cannot be opened, and calls of such instances go on without them"
            );
        }
        let sealer = Sealer::open(secret_key.as_deref(), key_file.as_deref().map(Path::new))?;
        keep_revisions(&*store, &loaded).await?;
        let Loaded { workflows, resources, properties, secrets, .. } = loaded;
        let wrong = |error: PropertyError| OpenError::Property(error.to_string());
        let service_url =
            settings::SERVICE_URL.text(&properties).map_err(wrong)?.unwrap_or(options.service_url);
        let limits = limits(&properties).map_err(wrong)?;
        if limits.speed > 1 {
            tracing::warn!(speed = limits.speed, "durations pass faster than written (rondo.clock.speed)");
        }
        let caller = Caller::new(&properties, secrets.clone())
            .map_err(|error| OpenError::Property(error.to_string()))?;
        let inner = Inner {
            store,
            registry: Registry::default(),
            at_work,
            lanes: Lanes::default(),
            families: Families::new(settings::MAX_SUBFLOWS.count(&properties).map_err(wrong)?),
            timers: Timers::default(),
            clock: Clock,
            caller,
            secrets,
            calls: Tasks::default(),
            sealer,
            limits,
            service_url: service_url.trim_end_matches('/').to_owned(),
            catalog: RwLock::new(Arc::new(Catalog::new(workflows, resources))),
            older: Mutex::default(),
            stopping: watch::Sender::new(false),
            properties,
        };
        Ok(Self { inner: Arc::new(inner) }.run())
    }
}

/// The file that is called as another one, with something behind its name.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Stores the revisions that are served now, so that what starts today can go on whatever becomes of the files.
async fn keep_revisions(store: &dyn Store, loaded: &Loaded) -> Result<(), OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError::Store(error.to_string());
    let mut revisions = Vec::with_capacity(loaded.workflows.len());
    for Deployed { program, outline, revision, .. } in &loaded.workflows {
        let Some(source) = loaded.sources.get(&*outline.path) else { continue };
        let bundle = loaded.resources.bundle(source).map_err(|error| failed(&error))?;
        revisions.push(Revision {
            digest: revision.clone(),
            workflow: program.id.to_string(),
            version: program.version.to_string(),
            name: program.name.to_string(),
            description: outline.description.clone(),
            source: outline.text.to_string(),
            path: outline.path.to_string(),
            fingerprint: Some(program.fingerprint()),
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

fn limits(properties: &Properties) -> Result<Limits, PropertyError> {
    Ok(Limits {
        budget: rondo_expression::Budget::default(),
        speed: settings::CLOCK_SPEED.count(properties)?,
        max_steps: settings::MAX_STEPS.count(properties)?,
        turn_steps: TURN_STEPS,
    })
}
