//! Credentials of what is made for a request: a user and a password that nobody chose.
//!
//! Owns: their making, and the forms in which providers take them. Promises: a password has 24 characters of a secure random source; no
//! `Debug` shows one. Never: stores or sends anything.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::sha512_crypt::{DIGITS, sha512_crypt};

/// Characters of a password. With 24 of 56 it has 139 bits, beyond any search.
const LENGTH: usize = 24;

/// What passwords are made of: letters and digits that cannot be mistaken for each other, and nothing that a shell, a URL or YAML treats in
/// its own way.
const CHARACTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnopqrstuvwxyz23456789";

/// Characters of a salt, the most that the hash takes.
const SALT_LENGTH: usize = 16;

/// Most bytes of user data: Nova takes 65535 in base64.
const MOST_USER_DATA: usize = 65_535;

/// What the credentials open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CredentialKind {
    /// A machine.
    Vm,
    /// A database.
    Database,
    /// A store of objects.
    ObjectStorage,
}

impl CredentialKind {
    /// The user where nobody asks for another name.
    fn default_user(self) -> &'static str {
        match self {
            Self::Vm => "admin",
            Self::Database => "dbadmin",
            Self::ObjectStorage => "store",
        }
    }
}

/// What is known of the credentials of a request. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credential {
    /// What they open.
    pub(crate) kind: CredentialKind,
    /// Name of the user.
    pub(crate) user: String,
    /// The attempt of the request that they were made for.
    pub(crate) attempt: u32,
    /// When they were made.
    pub(crate) made_at: Timestamp,
    /// When they were revealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revealed_at: Option<Timestamp>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revealed_to: Option<String>,
}

/// The credentials themselves, in the forms in which they are referred to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CredentialSecrets {
    /// The password.
    pub(crate) password: String,
    /// Its hash, as Linux keeps it.
    pub(crate) password_hash: String,
    /// User data for cloud-init that make the user, in base64.
    pub(crate) cloud_init: String,
}

impl std::fmt::Debug for CredentialSecrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CredentialSecrets")
    }
}

/// Why no credentials can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MakeError {
    /// The name is no user name.
    #[error("`{0}` is no user name: a small letter or `_`, then up to 31 small letters, digits, `_` and `-`")]
    User(String),
    /// The members of cloud-init are too many.
    #[error("the user data have {0} bytes in base64; clouds take {MOST_USER_DATA}")]
    TooLong(usize),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Makes a user and a password. `cloud_init` are members of the cloud-config beside those that make the user. Computes for milliseconds.
pub(crate) fn make_credentials(
    kind: CredentialKind,
    user: Option<&str>,
    cloud_init: &Map<String, Value>,
) -> Result<(String, CredentialSecrets), MakeError> {
    let user = user.unwrap_or_else(|| kind.default_user());
    if !is_user_name(user) {
        return Err(MakeError::User(user.to_owned()));
    }
    let random = SystemRandom::new();
    let password = random_text(&random, CHARACTERS, LENGTH)?;
    let salt = random_text(&random, DIGITS, SALT_LENGTH)?;
    let password_hash = sha512_crypt(password.as_bytes(), &salt);
    let config = cloud_config(kind, user, &password, &password_hash, cloud_init);
    let cloud_init = STANDARD.encode(config);
    if cloud_init.len() > MOST_USER_DATA {
        return Err(MakeError::TooLong(cloud_init.len()));
    }
    Ok((user.to_owned(), CredentialSecrets { password, password_hash, cloud_init }))
}

fn is_user_name(text: &str) -> bool {
    let is_first = |character: char| character.is_ascii_lowercase() || character == '_';
    let is_other = |character: char| is_first(character) || character.is_ascii_digit() || character == '-';
    text.len() <= 32 && text.starts_with(is_first) && text.chars().all(is_other)
}

/// Random characters of a set, each as likely as the others: bytes beyond the last whole multiple of the set are thrown away.
fn random_text(random: &dyn SecureRandom, characters: &[u8], length: usize) -> Result<String, MakeError> {
    let usable = 256 - 256 % characters.len();
    let mut text = String::new();
    while text.len() < length {
        let mut bytes = [0; 64];
        random.fill(&mut bytes).map_err(|_| MakeError::Random)?;
        let usable = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < usable);
        text.extend(
            usable.take(length - text.len()).map(|byte| char::from(characters[byte % characters.len()])),
        );
    }
    Ok(text)
}

/// User data of cloud-init. JSON is YAML, and needs no rules of quoting of its own.
fn cloud_config(
    kind: CredentialKind,
    user: &str,
    password: &str,
    hash: &str,
    more: &Map<String, Value>,
) -> String {
    let mut config = more.clone();
    let list = |config: &mut Map<String, Value>, name: &str, first: Option<Value>, item: Value| {
        let given = config.remove(name).and_then(|given| given.as_array().cloned());
        let mut items = given.unwrap_or_else(|| first.into_iter().collect());
        items.push(item);
        config.insert(name.to_owned(), items.into());
    };
    match kind {
        CredentialKind::Vm => {
            let account = json!({
                "name": user, "lock_passwd": false, "hashed_passwd": hash, "shell": "/bin/bash", "sudo": "ALL=(ALL) NOPASSWD:ALL",
            });
            list(&mut config, "users", Some("default".into()), account);
            config.entry("ssh_pwauth").or_insert(true.into());
        }
        // The image makes the user at its first start from this file.
        CredentialKind::Database | CredentialKind::ObjectStorage => {
            let content = format!("DESK_USER={user}\nDESK_PASSWORD={password}\n");
            let file = json!({"path": "/etc/desk/credentials", "permissions": "0600", "owner": "root:root", "content": content});
            list(&mut config, "write_files", None, file);
        }
    }
    format!("#cloud-config\n{}\n", Value::Object(config))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn config(secrets: &CredentialSecrets) -> Value {
        let text = String::from_utf8(STANDARD.decode(&secrets.cloud_init).unwrap()).unwrap();
        serde_json::from_str(text.strip_prefix("#cloud-config\n").unwrap()).unwrap()
    }

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let (user, secrets) = make_credentials(CredentialKind::Vm, None, &Map::new()).unwrap();
            assert_eq!(user, "admin");
            assert_eq!(secrets.password.len(), 24);
            assert!(secrets.password.bytes().all(|byte| CHARACTERS.contains(&byte)), "{}", secrets.password);
            assert!(seen.insert(secrets.password));
        }
    }

    #[test]
    fn a_machine_gets_the_user_with_the_hash_and_keeps_what_was_given() {
        let Value::Object(more) =
            json!({"packages": ["curl"], "users": [{"name": "ops"}], "ssh_pwauth": false})
        else {
            panic!()
        };
        let (_, secrets) = make_credentials(CredentialKind::Vm, Some("jane"), &more).unwrap();
        let config = config(&secrets);
        assert_eq!(config["packages"], json!(["curl"]));
        assert_eq!(config["ssh_pwauth"], false);
        assert_eq!(
            (&config["users"][0]["name"], &config["users"][1]["name"]),
            (&json!("ops"), &json!("jane"))
        );
        assert_eq!(config["users"][1]["hashed_passwd"], secrets.password_hash.as_str());
        let salt = secrets.password_hash.split('$').nth(2).unwrap();
        assert_eq!(secrets.password_hash, sha512_crypt(secrets.password.as_bytes(), salt));
        assert!(!config.to_string().contains(&secrets.password));
    }

    #[test]
    fn a_database_reads_its_password_from_a_file() {
        let (user, secrets) = make_credentials(CredentialKind::Database, None, &Map::new()).unwrap();
        let content = config(&secrets)["write_files"][0]["content"].as_str().unwrap().to_owned();
        assert_eq!(content, format!("DESK_USER={user}\nDESK_PASSWORD={}\n", secrets.password));
    }

    #[test]
    fn what_no_cloud_would_take_is_refused() {
        for user in ["", "Jane", "1a", "a b", "a:b", "-a", &"a".repeat(33)] {
            let made = make_credentials(CredentialKind::Vm, Some(user), &Map::new());
            assert_eq!(made.unwrap_err(), MakeError::User(user.to_owned()));
        }
        let more = Map::from_iter([("runcmd".to_owned(), json!(["x".repeat(60_000)]))]);
        assert!(
            matches!(make_credentials(CredentialKind::Vm, None, &more), Err(MakeError::TooLong(length)) if length > 80_000)
        );
    }
}
