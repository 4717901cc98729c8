//! Encryption of the request headers that are kept with an instance.
//!
//! Headers hold the caller's tokens. They must outlive the request (calls behind a timer pass them on) and a crash, but must
//! not stand in the database in clear. The key is `RONDO_SECRET_KEY` (64 hexadecimal digits), else a file beside the
//! database that is made at first use and readable by its owner only.

use std::{fs, io::Write, path::Path};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use uuid::Uuid;

/// Seals and opens small texts; bound to the instance, so that a sealed text of one cannot be moved to another.
pub(crate) struct Sealer {
    key: LessSafeKey,
    random: SystemRandom,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sealer")
    }
}

/// The key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The environment variable is no key.
    #[error(
        "RONDO_SECRET_KEY must be 64 hexadecimal digits (32 bytes), for example from `openssl rand -hex 32`"
    )]
    Environment,
    /// The key file holds no key.
    #[error("{0} does not hold a key: 64 hexadecimal digits were expected")]
    Content(String),
    /// The key file cannot be read or written.
    #[error("the key file {path} cannot be read or made: {source}")]
    File {
        /// Where it is.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a new key")]
    Random,
}

impl Sealer {
    /// The key of the environment, else that of the file, which is made when it is not there.
    pub(crate) fn open(from_environment: Option<&str>, file: Option<&Path>) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let bytes = match (from_environment, file) {
            (Some(text), _) => parse(text).ok_or(KeyError::Environment)?,
            (None, Some(path)) => of_file(path, &random)?,
            (None, None) => fresh(&random)?,
        };
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| KeyError::Random)?;
        Ok(Self { key: LessSafeKey::new(key), random })
    }

    /// Seals a text; `None` if the system has no random numbers, so that nothing is ever stored in clear.
    pub(crate) fn seal(&self, instance: Uuid, text: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = text.to_vec();
        let aad = Aad::from(instance.as_bytes());
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        let mut all = nonce.to_vec();
        all.append(&mut sealed);
        Some(all)
    }

    /// Opens what was sealed for this instance with this key.
    pub(crate) fn open_sealed(&self, instance: Uuid, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = rest.to_vec();
        let length = self.key.open_in_place(nonce, Aad::from(instance.as_bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

fn of_file(path: &Path, random: &SystemRandom) -> Result<[u8; 32], KeyError> {
    let failed = |source| KeyError::File { path: path.display().to_string(), source };
    match fs::read_to_string(path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| KeyError::Content(path.display().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let bytes = fresh(random)?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(path).map_err(failed)?;
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(bytes)
        }
        Err(error) => Err(failed(error)),
    }
}

fn fresh(random: &SystemRandom) -> Result<[u8; 32], KeyError> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes).map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_instance_and_key_only() {
        let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let sealer = Sealer::open(Some(key), None).unwrap();
        let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = sealer.seal(mine, b"Bearer top-secret").unwrap();
        assert!(!sealed.windows(10).any(|window| window == b"top-secret"));
        assert_eq!(sealer.open_sealed(mine, &sealed).unwrap(), b"Bearer top-secret");
        assert_eq!(sealer.open_sealed(other, &sealed), None);
        assert_eq!(Sealer::open(None, None).unwrap().open_sealed(mine, &sealed), None);
        assert_eq!(sealer.open_sealed(mine, &sealed[..5]), None);
    }

    #[test]
    fn the_key_file_is_made_once_and_read_again() {
        let folder = std::env::temp_dir().join(format!("rondo-key-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("rondo.key");
        let sealed = Sealer::open(None, Some(&path)).unwrap().seal(Uuid::nil(), b"x").unwrap();
        assert_eq!(Sealer::open(None, Some(&path)).unwrap().open_sealed(Uuid::nil(), &sealed).unwrap(), b"x");
        fs::write(&path, "short").unwrap();
        assert!(matches!(Sealer::open(None, Some(&path)), Err(KeyError::Content(_))));
        fs::remove_dir_all(folder).unwrap();
    }
}
