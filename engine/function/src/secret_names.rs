//! Decides by a name whether it names a secret.
//!
//! Owns: the words that name secrets. Promises: `apiKey`, `API_KEY`, `api-key`, `my.api.keys` and `apikey1` count alike; a word counts as a whole
//! (`pin` does, `pinned` and `spinner` do not). Never: looks at a value.

use rondo_definition::settings::{self, Kind};

/// Words that make a name the name of a secret, in the singular.
const WORDS: [&str; 31] = [
    "apikey",
    "assertion",
    "authorization",
    "bearer",
    "cookie",
    "cred",
    "credential",
    "csrf",
    "jwt",
    "key",
    "otp",
    "otpcode",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pincode",
    "private",
    "pw",
    "pwd",
    "sas",
    "secret",
    "session",
    "sessionid",
    "signature",
    "token",
    "totp",
    "xsrf",
    "xsrftoken",
];

/// Ends of compound words without separators: `accesstoken`, `clientsecret`. Each is so long that no other common word ends with it.
const ENDS: [&str; 14] = [
    "accesskey",
    "apikey",
    "assertion",
    "cookie",
    "credential",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "secretkey",
    "signature",
    "signingkey",
    "token",
];

/// The beginning of compound words without separators: `privatekey`.
const BEGINNING: &str = "private";

/// Last words of a name that names the location of a secret instead: `token-path`, `private.key.file`.
const PLACES: [&str; 2] = ["file", "path"];

/// Whether a property holds a secret, by its meaning or its name. Reading it through `$SECRET` does not make it one: flows also read addresses
/// and names of templates that way, and messages must show those.
pub fn is_confidential(name: &str) -> bool {
    if let Some(setting) = settings::find_setting(name) {
        return matches!(setting.kind, Kind::Secret | Kind::Tokens);
    }
    is_secret_name(name)
}

/// Headers that nearly every message has and that carry no credentials. The list saves splitting their names into words, and excludes
/// `idempotency-key`, whose key opens nothing.
const COMMON_HEADERS: [&str; 14] = [
    "accept",
    "accept-encoding",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "location",
    "server",
    "transfer-encoding",
    "vary",
    "idempotency-key",
];

/// Whether a header carries credentials: by its name, or because HTTP defines it for them.
pub(crate) fn is_credential_header(name: &str) -> bool {
    if COMMON_HEADERS.iter().any(|common| common.eq_ignore_ascii_case(name)) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    name.starts_with("proxy-auth")
        || name.ends_with("authenticate")
        || name == "authentication-info"
        || is_secret_name(&name)
}

/// Whether a member of an argument holds a secret. A plain `key` does not: services use this name for projects and settings.
pub(crate) fn is_secret_member(name: &str) -> bool {
    let only_key = name.eq_ignore_ascii_case("key") || name.eq_ignore_ascii_case("keys");
    !only_key && is_secret_name(name)
}

/// Whether one of the words of a name makes it the name of a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let is_place = words.last().is_some_and(|word| PLACES.contains(&word.as_str()));
    !is_place && words.iter().any(|word| is_secret_word(word))
}

fn is_secret_word(word: &str) -> bool {
    let singular = word.strip_suffix('s').filter(|rest| !rest.ends_with('s')).unwrap_or(word);
    [word, singular].iter().any(|word| WORDS.contains(word) || ENDS.iter().any(|end| word.ends_with(end)))
        || word.starts_with(BEGINNING)
}

/// The words of a name in lower case, without numbers at their ends: of `my.api-key1`, `MY_API_KEY`, `myAPIKey`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        // In `myKey` a word begins at `K`; also in `APIKey`, because a lower-case letter follows.
        let begins = letter.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                || before.is_some_and(|before| before.is_uppercase())
                    && after.is_some_and(|after| after.is_lowercase()));
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    for word in &mut words {
        word.truncate(word.trim_end_matches(char::is_numeric).len());
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "pin",
            "PIN",
            "userPin",
            "user_pin",
            "userPIN",
            "card-pins",
            "pin1",
            "pinCode",
            "pincode",
            "otp",
            "OTPCode",
            "one-time-otp",
            "otps",
            "totp",
            "private",
            "privateKey",
            "private_key",
            "private-key",
            "privatekey",
            "PrivateKeys",
            "my.private.thing",
            "passphrase",
            "keyPassphrase",
            "passPhrases",
            "pass",
            "passwd",
            "passcode",
            "pwd",
            "dbPwd",
            "DB_PWD",
            "pw",
            "apikey",
            "apiKey",
            "API_KEY",
            "api-keys",
            "myAPIKey",
            "x-apikey",
            "accessKey",
            "accesskey",
            "client_secret",
            "clientSecret",
            "CLIENT-SECRET",
            "clientsecret",
            "secrets",
            "aws.secret.value",
            "assertion",
            "client_assertion",
            "samlAssertion",
            "cookie",
            "Cookies",
            "set-cookie",
            "sessionCookie",
            "session",
            "sessionId",
            "session_id",
            "sessionid",
            "user-sessions",
            "signature",
            "x-hub-signature-256",
            "signatures",
            "urlSignature",
            "sas",
            "sasToken",
            "SAS_URL",
            "sas-url",
            "bearer",
            "bearerToken",
            "bearer-token",
            "cred",
            "creds",
            "credential",
            "credentials",
            "dbCreds",
            "git.credentials.value",
            "token",
            "tokens",
            "accessToken",
            "accesstoken",
            "ghToken",
            "id_token",
            "password",
            "passwords",
            "QUAY_PASSWORD",
            "hidden_key",
            "jwt",
            "csrf",
            "authorization",
        ] {
            assert!(is_confidential(name), "{name}");
            assert!(is_secret_member(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_not_taken_for_those_of_secrets() {
        for name in [
            "pinned",
            "spinner",
            "pinning",
            "opinion",
            "shipping",
            "spin",
            "pipeline",
            "tokenizer_model",
            "tokenizer",
            "tokenization",
            "options",
            "option",
            "adopt",
            "laptop",
            "keyboard",
            "monkey.url",
            "turkey",
            "keynote",
            "hockey",
            "compass",
            "passenger",
            "bypass",
            "passed",
            "passive",
            "credit",
            "creditLimit",
            "incredible",
            "sacred",
            "obsession",
            "possession",
            "professional",
            "sass",
            "kansas",
            "sasquatch",
            "secretary",
            "signed",
            "design",
            "assert",
            "assertive",
            "privacy",
            "deprivation",
            "bear",
            "forbearance",
            "rebearers",
            "software_template_ref",
            "jira_label_workflowName",
            "kogito.sw.rest_client.config_key.separator",
            "quarkus.oidc-client.o.token-path",
            "private.key.file",
            "powder",
            "pwned",
        ] {
            assert!(!is_confidential(name), "{name}");
        }
        assert!(!is_secret_member("key") && !is_secret_member("Keys"));
    }

    #[test]
    fn headers_with_credentials_are_known() {
        for (name, expected) in [
            ("Set-Cookie", true),
            ("WWW-Authenticate", true),
            ("Proxy-Authenticate", true),
            ("Proxy-Authorization", true),
            ("Authentication-Info", true),
            ("Proxy-Authentication-Info", true),
            ("Authorization", true),
            ("X-Auth-Token", true),
            ("X-Amz-Security-Token", true),
            ("X-Api-Key", true),
            ("Private-Token", true),
            ("Content-Type", false),
            ("Idempotency-Key", false),
            ("kogitobusinesskey", false),
            ("Location", false),
            ("ETag", false),
            ("X-Next-Page", false),
            ("Proxy-Connection", false),
        ] {
            assert_eq!(is_credential_header(name), expected, "{name}");
        }
    }
}
