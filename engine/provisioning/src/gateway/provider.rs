//! What the gateway has to know of a kind of cluster. Each provider is one file that says so, and sends nothing itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rondo_function::Secrets;
use serde_json::{Map, Value};

use super::{
    call::{Call, Rule},
    kubernetes::Kubernetes,
    openstack::OpenStack,
    proxmox::Proxmox,
    vsphere::VSphere,
};
use crate::model::{Cluster, Metrics, Recorded};

/// A cluster with its credentials.
pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    credentials: Map<String, Value>,
}

impl Place {
    pub(crate) fn new(cluster: Cluster, credentials: Map<String, Value>) -> Self {
        Self { cluster, credentials }
    }

    /// A member of the credentials that is a text.
    pub(crate) fn credential(&self, name: &str) -> Option<&str> {
        self.credentials.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A member of the credentials of any type.
    pub(crate) fn credential_value(&self, name: &str) -> Option<&Value> {
        self.credentials.get(name)
    }

    /// A member of the settings that is a text.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.cluster.settings.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Where the cluster is.
    pub(crate) fn api_url(&self) -> Result<&str, String> {
        let url = self.cluster.api_url.as_deref().filter(|url| !url.is_empty());
        url.ok_or_else(|| format!("the cluster `{}` has no `apiUrl`", self.cluster.name))
    }

    /// A credential that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, String> {
        self.credential(name)
            .ok_or_else(|| format!("the credentials of the cluster `{}` have no `{name}`", self.cluster.name))
    }
}

/// What is sent with each call, and where to. `Debug` shows no header.
pub(crate) struct Session {
    /// Addresses of services.
    pub(crate) endpoints: BTreeMap<String, String>,
    /// Headers that say who calls.
    pub(crate) headers: Vec<(String, String)>,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether another one can be opened when a service does not take it.
    pub(crate) is_renewable: bool,
    /// What must not be in an answer.
    pub(crate) secrets: Secrets,
}

impl Session {
    /// A session whose headers identify the caller. `tokens` are what is secret in them.
    pub(crate) fn new(
        endpoints: BTreeMap<String, String>,
        headers: Vec<(String, String)>,
        tokens: &[&str],
    ) -> Self {
        let secrets = Secrets::default();
        for token in tokens {
            secrets.hide(token);
        }
        Self { endpoints, headers, expires_at: None, is_renewable: false, secrets }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Session")
            .field("endpoints", &self.endpoints)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// How a session is opened.
pub(crate) enum Login {
    /// The credentials are all it needs.
    Ready(Session),
    /// By a call, whose answer [`Provider::read_login`] reads.
    Call(LoginCall),
}

/// The call that opens a session.
pub(crate) struct LoginCall {
    pub(crate) endpoint: String,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

/// A list that shows whether something is there already.
pub(crate) struct Look {
    pub(crate) call: Call,
    /// What the list shows.
    pub(crate) read: Box<dyn Fn(&Value) -> Seen + Send + Sync>,
}

/// What a look has shown.
pub(crate) enum Seen {
    /// It is not there.
    Nothing,
    /// It is: the answer that its creation would have given.
    Found(Value),
    /// Another look is needed.
    Look(Look),
}

/// A call that makes something with a name that only one request has.
pub(crate) struct Create {
    /// What is made: kind and name, unique in the cluster.
    pub(crate) thing: String,
    pub(crate) look: Look,
}

/// A kind of cluster. All of it is pure; the gateway does the calling.
pub(crate) trait Provider: Send + Sync {
    /// Its services, each with the calls that are let through.
    fn services(&self) -> &'static [(&'static str, &'static [Rule])];

    /// How a session is opened. The error is for people.
    fn login(&self, place: &Place) -> Result<Login, String>;

    /// Reads the answer of the call that opens a session, which was a success. `header` looks up a header of it. The error is for people.
    fn read_login(
        &self,
        _place: &Place,
        _header: &dyn Fn(&str) -> Option<String>,
        _body: &Value,
    ) -> Result<Session, String> {
        Err("this kind of cluster needs no call to open a session".to_owned())
    }

    /// Headers of each call of a service.
    fn headers(&self, _service: &str) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Small lists that show whether the cluster works, as service, path and query; the first one that there is counts.
    fn checks(&self) -> &'static [(&'static str, &'static str, &'static str)];

    /// Checks what the rules of paths cannot. The error is for people.
    fn check_body(&self, _call: &Call) -> Result<(), String> {
        Ok(())
    }

    /// Whether a call makes something that must be made once.
    fn create(&self, _call: &Call) -> Option<Create> {
        None
    }

    /// The look after an error that says that there is such a thing already.
    fn look_after(&self, _call: &Call, _status: u16, _answer: &Value) -> Option<Look> {
        None
    }

    /// An answer that the gateway gives itself.
    fn answer(&self, _call: &Call) -> Option<Value> {
        None
    }

    /// Whether the answer of a call may hold what nobody may see.
    fn cleans(&self, _call: &Call) -> bool {
        false
    }

    /// Takes it out of the answer. Answers whether there was anything.
    fn clean(&self, _answer: &mut Value) -> bool {
        false
    }

    /// Whether an answer says that the cluster is out of order, rather than that it refuses something.
    fn is_out_of_order(&self, status: u16, _answer: &Value) -> bool {
        status >= 500
    }

    /// The call that measures something that was recorded, and how its answer is read. `None` if nothing measures it.
    fn measure(&self, _place: &Place, _recorded: &Recorded) -> Option<(Call, fn(&Value) -> Metrics)> {
        None
    }
}

/// The provider of a type of clusters; `None` for those without an interface.
pub(crate) fn provider(kind: &str) -> Option<&'static dyn Provider> {
    match kind {
        "openstack" => Some(&OpenStack),
        "kubernetes" => Some(&Kubernetes),
        "proxmox" => Some(&Proxmox),
        "vmware" => Some(&VSphere),
        _ => None,
    }
}

/// Finds one of our own in a list by the member that has its name. The service has filtered the list, and one that ignores the filter must
/// not lead to a thing of somebody else: so the name is the one that is asked for. A simulator may show the mark `rq` alone, or no name.
pub(crate) fn find<'v>(items: &'v Value, member: &str, wanted: &str) -> Option<&'v Value> {
    let items = items.as_array()?;
    let exact = items.iter().find(|item| item[member] == wanted);
    let is_unnamed = |item: &&Value| item.get(member).is_none_or(|name| name == MARK);
    exact.or_else(|| items.first().filter(|item| items.len() == 1 && is_unnamed(item)))
}

/// What the names of our own begin with.
const MARK: &str = "rq";

/// Whether a name is one that only one request has.
pub(crate) fn is_own_name(name: &str) -> bool {
    name.len() > 3 && name.starts_with("rq-")
}
