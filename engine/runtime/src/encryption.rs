//! Encryption of what the database must not hold in clear: headers of start requests, and events of the outbox.
//!
//! Headers hold the caller's tokens. They must outlive the request (calls after a timer pass them on) and a crash, so they are stored, but
//! encrypted. The key is `RONDO_SECRET_KEY` (64 hexadecimal digits), else that of a file beside the database, which is created at first use
//! and readable by its owner only.

use std::{fs, io::Write, path::Path};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use uuid::Uuid;

/// First byte of an encrypted text, which is this version, the nonce, and the ciphertext with its tag. Version 1 had no such byte.
const VERSION: u8 = 2;

/// Encrypts and decrypts texts (AES-256-GCM). The id of the instance is authenticated with the text, so a text that was copied to another
/// instance cannot be decrypted there.
pub(crate) struct Encryption {
    key: LessSafeKey,
    random: SystemRandom,
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Encryption")
    }
}

/// Why a text cannot be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncryptionError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for encryption")]
    Random,
    /// The text is longer than the cipher takes: 64 GiB.
    #[error("the text is too long to be encrypted")]
    TooLong,
    /// It was encrypted with another key or for another instance, or is damaged.
    #[error("it was encrypted with another key, or is damaged")]
    Key,
}

/// Why there is no key.
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
        /// Path of the key file.
        path: String,
        /// Error of the file system.
        source: std::io::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a new key")]
    Random,
}

impl Encryption {
    /// Takes the key of the environment, else that of the file, which is created if it is missing. Without either the key is random.
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

    /// Encrypts a text for an instance. Fails if the system gives no random numbers; the caller must not store the text then.
    pub(crate) fn encrypt(&self, instance: Uuid, text: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.encrypt_for(instance.as_bytes(), text)
    }

    /// Encrypts a text for an owner other than an instance; see [`Encryption::encrypt`].
    pub(crate) fn encrypt_for(&self, owner: &[u8], text: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| EncryptionError::Random)?;
        let mut encrypted = text.to_vec();
        let bound_to = Aad::from(owner);
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to, &mut encrypted)
            .map_err(|_| EncryptionError::TooLong)?;
        let mut all = Vec::with_capacity(1 + NONCE_LEN + encrypted.len());
        all.push(VERSION);
        all.extend_from_slice(&nonce);
        all.append(&mut encrypted);
        Ok(all)
    }

    /// Decrypts a text that was encrypted for this instance with this key.
    pub(crate) fn decrypt(&self, instance: Uuid, encrypted: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.decrypt_for(instance.as_bytes(), encrypted)
    }

    /// Decrypts a text that was encrypted for this owner with this key.
    pub(crate) fn decrypt_for(&self, owner: &[u8], encrypted: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        // A text of version 1 begins with its nonce, whose first byte may be 2 by chance. Then the tag does not match, and the text is read
        // as version 1.
        let newer = encrypted.split_first().filter(|(version, _)| **version == VERSION);
        newer
            .and_then(|(_, rest)| self.decrypt_from_nonce(owner, rest))
            .or_else(|| self.decrypt_from_nonce(owner, encrypted))
            .ok_or(EncryptionError::Key)
    }

    fn decrypt_from_nonce(&self, owner: &[u8], encrypted: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = encrypted.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = rest.to_vec();
        let length = self.key.open_in_place(nonce, Aad::from(owner), &mut text).ok()?.len();
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

    const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_text_is_decrypted_for_its_instance_and_with_its_key_only() {
        let encryption = Encryption::open(Some(KEY), None).unwrap();
        let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let encrypted = encryption.encrypt(mine, b"Bearer top-secret").unwrap();
        assert!(!encrypted.windows(10).any(|window| window == b"top-secret"));
        assert_eq!(encryption.decrypt(mine, &encrypted).unwrap(), b"Bearer top-secret");
        assert_eq!(encryption.decrypt(other, &encrypted), Err(EncryptionError::Key));
        assert_eq!(
            Encryption::open(None, None).unwrap().decrypt(mine, &encrypted),
            Err(EncryptionError::Key)
        );
        assert_eq!(encryption.decrypt(mine, &encrypted[..5]), Err(EncryptionError::Key));
    }

    #[test]
    fn what_version_1_wrote_is_decrypted_also_when_its_nonce_begins_like_a_version() {
        let encryption = Encryption::open(Some(KEY), None).unwrap();
        // Made with the key above for the nil UUID; the nonces are twelve times 1, and twelve times 2.
        for (stored, text) in [
            ("0101010101010101010101011852d2b40163d3a06eeb85b6210ece9179364b9951", "hello"),
            ("020202020202020202020202b6c84b8e17b6437033668dda92d8d57e7fdb65ff3e", "hello"),
        ] {
            let bytes: Vec<u8> = (0..stored.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&stored[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(encryption.decrypt(Uuid::nil(), &bytes).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_read_again() {
        let folder = std::env::temp_dir().join(format!("rondo-key-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("rondo.key");
        let encrypted = Encryption::open(None, Some(&path)).unwrap().encrypt(Uuid::nil(), b"x").unwrap();
        assert_eq!(
            Encryption::open(None, Some(&path)).unwrap().decrypt(Uuid::nil(), &encrypted).unwrap(),
            b"x"
        );
        fs::write(&path, "short").unwrap();
        assert!(matches!(Encryption::open(None, Some(&path)), Err(KeyError::Content(_))));
        fs::remove_dir_all(folder).unwrap();
    }
}
