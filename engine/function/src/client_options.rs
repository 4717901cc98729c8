//! The options of calls of one document, from the properties: time limits, redirects and proxy.
//!
//! Promises: a value that cannot be used is an error that names the property, never a default; no error shows a value.

use std::time::Duration;

use rondo_definition::{PropertyError, settings as table};

use crate::proxy::{ProxyServer, Proxying};
use crate::redirects::Redirects;
use crate::secret::Secret;
use crate::settings::{
    CONNECT_TIMEOUT, ClientSetting, ClientSettings, FOLLOW_REDIRECTS, NON_PROXY_HOSTS, PROXY_ADDRESS,
    PROXY_PASSWORD, PROXY_USER, READ_TIMEOUT,
};

/// The options of the calls of one client.
#[derive(Debug)]
pub(crate) struct ClientOptions {
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) redirects: Redirects,
    pub(crate) proxying: Proxying,
}

/// The value of `proxy-address` that forbids a proxy.
const NO_PROXY: &str = "none";

impl ClientOptions {
    /// Reads the options of a client.
    pub(crate) fn read(settings: &ClientSettings<'_>) -> Result<Self, PropertyError> {
        Ok(Self {
            connect_timeout: duration(settings, CONNECT_TIMEOUT)?,
            read_timeout: duration(settings, READ_TIMEOUT)?,
            redirects: redirects(settings)?,
            proxying: proxying(settings)?,
        })
    }
}

/// Reads milliseconds; 0 means no limit of its own.
fn duration(
    settings: &ClientSettings<'_>,
    setting: ClientSetting,
) -> Result<Option<Duration>, PropertyError> {
    let Some((key, value)) = settings.client(setting)? else { return Ok(None) };
    let millis: u64 = value.trim().parse().map_err(|_| type_error(key, "a whole number of milliseconds"))?;
    Ok((millis > 0).then(|| Duration::from_millis(millis)))
}

fn redirects(settings: &ClientSettings<'_>) -> Result<Redirects, PropertyError> {
    let Some((key, value)) = settings.client(FOLLOW_REDIRECTS)? else { return Ok(Redirects::default()) };
    match table::parse_flag(&value) {
        Some(true) => Ok(Redirects::Anywhere),
        Some(false) => Ok(Redirects::Nowhere),
        None => Err(type_error(key, "`true` or `false`")),
    }
}

fn proxying(settings: &ClientSettings<'_>) -> Result<Proxying, PropertyError> {
    let Some((key, address)) = settings.client(PROXY_ADDRESS)? else { return Ok(Proxying::default()) };
    if address.trim().eq_ignore_ascii_case(NO_PROXY) {
        return Ok(Proxying::Direct);
    }
    let value = |setting| Ok::<_, PropertyError>(settings.client(setting)?.map(|(_, value)| value));
    let (user, password) = (value(PROXY_USER)?, value(PROXY_PASSWORD)?);
    let credentials = user.map(|user| (user, Secret::new(password.unwrap_or_default())));
    let proxy = ProxyServer::parse(&address, credentials)
        .ok_or_else(|| type_error(key, "`<host>:<port>`, or `none`"))?;
    Ok(Proxying::through(proxy, &value(NON_PROXY_HOSTS)?.unwrap_or_default()))
}

fn type_error(key: String, expected: &'static str) -> PropertyError {
    PropertyError::Type { key, expected: expected.into() }
}
