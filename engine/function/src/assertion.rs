//! JSON Web Tokens by which the engine authenticates itself at a token endpoint.
//!
//! Promises: no error contains a key or a part of one. Source: RFC 7523, sections 2.2 and 3; RFC 7518, section 3.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};

use crate::secret::Secret;

/// A token to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Assertion {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Key,
    /// The parameter `kid` of its header.
    pub(crate) key_id: Option<String>,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// `aud`; `None` means the token endpoint.
    pub(crate) audience: Option<String>,
    /// Seconds until the token expires.
    pub(crate) lifespan: u64,
    /// Further claims.
    pub(crate) claims: Vec<(String, Secret)>,
}

/// The key that signs a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Secret(Secret),
    /// A private key in PEM form, or the base64 text of one.
    Pem(Secret),
    /// The path of a file with a private key.
    File(String),
}

/// The algorithm that signs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Es256,
    Es384,
}

const ALGORITHMS: [(&str, Algorithm); 8] = [
    ("HS256", Algorithm::Hs256),
    ("HS384", Algorithm::Hs384),
    ("HS512", Algorithm::Hs512),
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
];

impl Algorithm {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let known = ALGORITHMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, algorithm)| *algorithm)
    }

    fn name(self) -> &'static str {
        ALGORITHMS.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// All names, for a message.
    pub(crate) fn names() -> String {
        ALGORITHMS.map(|(name, _)| format!("`{name}`")).join(", ")
    }

    fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::Hs256 => Some(hmac::HMAC_SHA256),
            Self::Hs384 => Some(hmac::HMAC_SHA384),
            Self::Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    fn rsa(self) -> Option<&'static dyn RsaEncoding> {
        match self {
            Self::Rs256 => Some(&signature::RSA_PKCS1_SHA256),
            Self::Rs384 => Some(&signature::RSA_PKCS1_SHA384),
            Self::Rs512 => Some(&signature::RSA_PKCS1_SHA512),
            _ => None,
        }
    }

    fn ecdsa(self) -> Option<&'static EcdsaSigningAlgorithm> {
        match self {
            Self::Es256 => Some(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Self::Es384 => Some(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => None,
        }
    }
}

impl Key {
    /// The algorithm if no property names one.
    pub(crate) fn usual_algorithm(&self) -> Algorithm {
        match self {
            Self::Secret(_) => Algorithm::Hs256,
            Self::Pem(_) | Self::File(_) => Algorithm::Rs256,
        }
    }

    /// The private key. Fails for a secret.
    fn private_key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let read;
        let text = match self {
            Self::Secret(_) => return Err("needs a private key, and there is a secret".to_owned()),
            Self::Pem(text) => text.expose(),
            Self::File(file) => {
                read = std::fs::read_to_string(file)
                    .map_err(|error| format!("names the file `{file}`, which cannot be read: {error}"))?;
                &read
            }
        };
        if text.contains("-----BEGIN") {
            let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
            return key.map_err(|_| "holds no private key in PEM form".to_owned());
        }
        let bytes: String = text.split_whitespace().collect();
        let bytes = STANDARD.decode(bytes).map_err(|_| "holds no private key in PEM form".to_owned())?;
        PrivateKeyDer::try_from(bytes).map_err(|_| "holds no private key in PEM form".to_owned())
    }
}

impl Assertion {
    /// Seconds until a token expires if no property says it, as in Quarkus: the engine uses a token at once.
    pub(crate) const LIFESPAN: u64 = 10;

    /// Checks that the token can be signed. The error is a predicate whose subject is the configuration of the token.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.sign("https://example", 0).map(|_| ())
    }

    /// Signs the token for a token endpoint; `now` are seconds since 1970. The error is a predicate, as that of [`Self::check`].
    pub(crate) fn sign(&self, endpoint: &str, now: u64) -> Result<String, String> {
        let random = SystemRandom::new();
        let mut id = [0; 16];
        random.fill(&mut id).map_err(|_| "cannot be used without random numbers".to_owned())?;
        let mut header = json!({"alg": self.algorithm.name(), "typ": "JWT"});
        if let Some(key_id) = &self.key_id {
            header["kid"] = key_id.as_str().into();
        }
        let mut claims: Map<String, Value> =
            self.claims.iter().map(|(name, value)| (name.clone(), value.expose().into())).collect();
        let audience = self.audience.as_deref().map_or(endpoint, |audience| audience.trim_end_matches('/'));
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("sub", json!(self.subject)),
            ("aud", json!(audience)),
            ("iat", json!(now)),
            ("exp", json!(now.saturating_add(self.lifespan))),
            ("jti", json!(URL_SAFE_NO_PAD.encode(id))),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let encode = |value: String| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", encode(header.to_string()), encode(Value::Object(claims).to_string()));
        let signature = self.signature(signed.as_bytes(), &random)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, text: &[u8], random: &SystemRandom) -> Result<Vec<u8>, String> {
        let name = self.algorithm.name();
        if let Some(algorithm) = self.algorithm.hmac() {
            let Key::Secret(secret) = &self.key else {
                return Err(format!("holds a private key, and `{name}` needs a secret"));
            };
            let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
            return Ok(hmac::sign(&key, text).as_ref().to_vec());
        }
        let key = self.key.private_key()?;
        let unfit = || format!("holds a key that `{name}` cannot sign with");
        if let Some(encoding) = self.algorithm.rsa() {
            let pair = match &key {
                PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
                PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
                _ => return Err(unfit()),
            };
            let pair = pair.map_err(|_| unfit())?;
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(encoding, random, text, &mut signature).map_err(|_| unfit())?;
            return Ok(signature);
        }
        let (Some(algorithm), PrivateKeyDer::Pkcs8(key)) = (self.algorithm.ecdsa(), &key) else {
            return Err(unfit());
        };
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der(), random);
        let signature = pair.map_err(|_| unfit())?.sign(random, text).map_err(|_| unfit())?;
        Ok(signature.as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, KeyPair as _, UnparsedPublicKey,
    };

    use super::*;

    #[test]
    fn a_token_is_signed_with_an_elliptic_key_in_both_forms_of_pem() {
        let random = SystemRandom::new();
        let bytes = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes.as_ref(), &random).unwrap();
        let text = STANDARD.encode(bytes.as_ref());
        let (one, other) = text.split_at(64);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{one}\n{other}\n-----END PRIVATE KEY-----\n");
        for key in [text.clone(), pem] {
            let assertion = Assertion {
                algorithm: Algorithm::Es256,
                key: Key::Pem(Secret::new(key)),
                key_id: Some("k1".to_owned()),
                issuer: "i".to_owned(),
                subject: "s".to_owned(),
                audience: Some("https://a.test/".to_owned()),
                lifespan: 60,
                claims: Vec::new(),
            };
            let signed = assertion.sign("https://endpoint.test", 1000).unwrap();
            let (text, signature) = signed.rsplit_once('.').unwrap();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
            public.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
            let parts = text
                .split('.')
                .map(|part| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
            let [header, mut claims]: [Value; 2] = parts.collect::<Vec<_>>().try_into().unwrap();
            assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}));
            claims["jti"] = Value::Null;
            let expected = json!({"iss": "i", "sub": "s", "aud": "https://a.test", "iat": 1000, "exp": 1060, "jti": null});
            assert_eq!(claims, expected);
        }
    }
}
