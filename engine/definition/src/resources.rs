//! Reads the files that definitions name: `OpenAPI` documents, schemas, shared definitions.
//!
//! Owns: resolving the URIs in definitions. Promises: no file outside of the folder of workflows is read, neither by `..` nor through a symbolic
//! link; the document records each file that was read for it, so its revision depends on them. Never: opens the network; the caller
//! passes a [`Fetch`] for that.

mod local;
mod places;

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use url::Url;

use crate::{Properties, PropertyError, Source, custom_resource::MountedFiles, parse::hex, settings};
pub(crate) use places::{MAVEN_RESOURCES, below, folder_of};

/// The largest file that is read, in bytes. The largest published document has 7 MB; a larger file is probably a mistake and would fill the memory.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Fetches documents of other hosts.
pub trait Fetch: Send + Sync {
    /// Fetches the body of an `http` or `https` URL. The error is a message for people, without credentials.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, String>;
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its path below the folder of workflows, or its URL. References in it are relative to this name.
    pub name: String,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// It does not exist at any of these places. The other path is that of a file with a similar name.
    #[error("the file does not exist; looked for {}{}", .0.join(", "), .1.iter().map(|nearest| format!("; there is `{nearest}`")).collect::<String>())]
    NotFound(Vec<String>, Option<String>),
    /// It is outside of the folder of workflows, at this path seen from there.
    #[error("the file is outside of the folder of workflows, at `{0}`")]
    Outside(String),
    /// A link in the folder of workflows leads out of it.
    #[error("`{0}` is a link to a file outside of the folder of workflows")]
    LinkOutside(String),
    /// It is too large.
    #[error("the file `{0}` is larger than {MAX_BYTES} bytes")]
    TooLarge(String),
    /// The operating system refuses to read it.
    #[error("the file `{0}` cannot be read: {1}")]
    Io(String, #[source] io::Error),
    /// It is on another host, and there is neither a mirrored copy nor a client.
    #[error("`{0}` is on another host and is not in the folder `rondo.resources.mirror`")]
    Remote(String),
    /// It is on another host, and fetching failed.
    #[error("`{0}` cannot be fetched: {1}")]
    Fetch(String, String),
    /// It is not the URI of a file.
    #[error("`{0}` is no URI of a file")]
    Invalid(String),
}

/// Reads the files that definitions name. `default()` has no folder and finds no file. Cheap to clone.
#[derive(Clone)]
pub struct Resources {
    root: Option<PathBuf>,
    /// Folders that a file is looked for in, below `root`, in this order; the folder of the naming file comes before them.
    places: Vec<String>,
    /// Folders of documents of other hosts, below `root`.
    mirrors: Vec<String>,
    /// Prefixes of URIs, each with its replacement.
    aliases: Vec<(String, String)>,
    /// Files that are in no folder; they go before those on the disk.
    mounted: Arc<MountedFiles>,
    /// The files by name, if they come from the database instead of a folder.
    bundle: Option<Arc<BTreeMap<String, Vec<u8>>>>,
    fetch: Option<Arc<dyn Fetch>>,
}

impl Resources {
    /// Reads files below a folder, with the mirror and the aliases of the properties `rondo.resources.mirror` and `rondo.uri.alias`. The error
    /// names an invalid property.
    pub fn new(
        root: &Path,
        properties: &Properties,
        fetch: Option<Arc<dyn Fetch>>,
    ) -> Result<Self, PropertyError> {
        let resources = Self { root: Some(root.to_owned()), fetch, ..Self::default() };
        resources.configured("", properties)
    }

    /// Those of a project below the same folder: a file is looked for in its folder first, then where the root looks. The mirror and the
    /// aliases are those of its properties; the folder of the mirror is one of the project, or else of the root.
    pub fn for_project(&self, folder: &str, properties: &Properties) -> Result<Self, PropertyError> {
        let places = places::of_project(folder).into_iter().chain(self.places.iter().cloned()).collect();
        Self { places, ..self.clone() }.configured(folder, properties)
    }

    /// The same with files that are in no folder.
    pub(crate) fn with_mounted(self, mounted: MountedFiles) -> Self {
        Self { mounted: Arc::new(mounted), ..self }
    }

    fn configured(self, folder: &str, properties: &Properties) -> Result<Self, PropertyError> {
        let mirror = settings::MIRROR.text(properties)?;
        let mut mirrors: Vec<String> =
            mirror.iter().flat_map(|mirror| [below(folder, mirror), mirror.clone()]).collect();
        mirrors.dedup();
        let aliases = settings::URI_ALIAS.list(properties)?.into_iter().map(|alias| {
            alias.split_once('=').map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()))
        });
        let aliases: Option<Vec<_>> = aliases.collect();
        let aliases = aliases.ok_or_else(|| settings::URI_ALIAS.type_error(settings::URI_ALIAS.name))?;
        Ok(Self { mirrors, aliases, ..self })
    }

    /// The same that reads only the files of a bundle, which was stored with a definition. The aliases stay.
    #[must_use]
    pub fn with_bundle(self, bundle: Vec<(String, Vec<u8>)>) -> Self {
        let bundle: BTreeMap<String, Vec<u8>> = bundle.into_iter().collect();
        let mounted = Arc::new(MountedFiles::of_bundle(bundle.iter()));
        Self { bundle: Some(Arc::new(bundle)), mounted, fetch: None, ..self }
    }

    /// The files that have been read for a document, with their names, for [`Self::with_bundle`].
    pub fn bundle(&self, owner: &Source) -> Result<Vec<(String, Vec<u8>)>, ResourceError> {
        let mut bundle = Vec::new();
        for (name, _) in owner.used_files() {
            let bytes = if let Some(url) = remote_url("", &name) {
                self.read_remote(&url)?.bytes
            } else if let Some(bytes) = self.mounted.by_name(&name) {
                bytes
            } else {
                self.read_below_root(&name)?
                    .ok_or_else(|| ResourceError::NotFound(vec![name.clone()], None))?
            };
            bundle.push((name, bytes));
        }
        Ok(bundle)
    }

    /// Reads the file with a URI from a workflow document. Looks for it relative to the document, then to the folder of the project, then to its
    /// `src/main/resources`, then to those of the root. The URI must not have a `#fragment`.
    pub fn read(&self, from: &Source, uri: &str) -> Result<Resource, ResourceError> {
        self.read_from(from, from.path(), uri)
    }

    /// Reads the file with a URI from another file, `base`, which was read for the document `owner`.
    pub fn read_from(&self, owner: &Source, base: &str, uri: &str) -> Result<Resource, ResourceError> {
        let uri = self.resolve_alias(uri.trim());
        let resource = match remote_url(base, &uri) {
            Some(url) => self.read_remote(&url)?,
            None => self.read_local(owner, base, &uri)?,
        };
        owner.record_used_file(&resource.name, hex(&Sha256::digest(&resource.bytes)));
        Ok(resource)
    }

    /// Replaces the prefix of a URI by `rondo.uri.alias`. This also applies to the addresses of services.
    pub fn resolve_alias(&self, uri: &str) -> String {
        let alias = self
            .aliases
            .iter()
            .find_map(|(prefix, target)| Some((uri.strip_prefix(prefix.as_str())?, target)));
        match alias {
            Some((rest, target)) => format!("{target}{rest}"),
            None => uri.to_owned(),
        }
    }

    fn read_remote(&self, url: &Url) -> Result<Resource, ResourceError> {
        if let Some(bytes) = self.bundle.as_ref().and_then(|bundle| bundle.get(url.as_str())) {
            return Ok(Resource { bytes: bytes.clone(), name: url.to_string() });
        }
        let path = url.path().trim_start_matches('/');
        let host = url.host_str().unwrap_or_default();
        for mirror in &self.mirrors {
            let with_port = url.port().map(|port| format!("{mirror}/{host}:{port}/{path}"));
            for candidate in with_port.into_iter().chain([format!("{mirror}/{host}/{path}")]) {
                if let Some(bytes) = self.read_below_root(&candidate)? {
                    return Ok(Resource { bytes, name: url.to_string() });
                }
            }
        }
        let name = url.to_string();
        let Some(fetch) = &self.fetch else { return Err(ResourceError::Remote(name)) };
        match fetch.fetch(&name) {
            Ok(bytes) if bytes.len() as u64 > MAX_BYTES => Err(ResourceError::TooLarge(name)),
            Ok(bytes) => Ok(Resource { bytes, name }),
            Err(reason) => Err(ResourceError::Fetch(name, reason)),
        }
    }

    /// The content of a file by its path below the folder; `None` if it does not exist.
    fn read_below_root(&self, path: &str) -> Result<Option<Vec<u8>>, ResourceError> {
        let path = normalize(path).ok_or_else(|| ResourceError::Outside(path.to_owned()))?;
        if let Some(bundle) = &self.bundle {
            return Ok(bundle.get(&path).cloned());
        }
        let Some(root) = &self.root else { return Ok(None) };
        read_confined(root, &path)
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            root: None,
            places: places::of_project("").into(),
            mirrors: Vec::new(),
            aliases: Vec::new(),
            mounted: Arc::default(),
            bundle: None,
            fetch: None,
        }
    }
}

/// Reads a file below `root`; `None` if it does not exist or is a folder.
pub(crate) fn read_confined(root: &Path, path: &str) -> Result<Option<Vec<u8>>, ResourceError> {
    let failed = |error| ResourceError::Io(path.to_owned(), error);
    let is_absent =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    let root = root.canonicalize().map_err(failed)?;
    let file = match root.join(path).canonicalize() {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !file.starts_with(&root) {
        return Err(ResourceError::LinkOutside(path.to_owned()));
    }
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Ok(None);
    }
    if metadata.len() > MAX_BYTES {
        return Err(ResourceError::TooLarge(path.to_owned()));
    }
    fs::read(&file).map(Some).map_err(failed)
}

/// Whether there is a folder with this path below `root`.
pub(crate) fn has_folder(root: &Path, path: &str) -> bool {
    normalize(path).is_some_and(|path| root.join(path).is_dir())
}

/// The URL of a URI relative to the file `base`, if it is on another host.
fn remote_url(base: &str, uri: &str) -> Option<Url> {
    let is_remote = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    if is_remote(uri) {
        return Url::parse(uri).ok();
    }
    let has_scheme = uri.starts_with("classpath:") || uri.starts_with("file:");
    if is_remote(base) && !has_scheme { Url::parse(base).ok()?.join(uri).ok() } else { None }
}

/// The path below the folder without `.` and `..`; `None` if it leads out of the folder.
fn normalize(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => _ = parts.pop()?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources")
            .field("root", &self.root)
            .field("places", &self.places)
            .field("mirrors", &self.mirrors)
            .finish_non_exhaustive()
    }
}
