//! Promises of definitions.

use std::sync::Arc;

use super::{REVISION, revision};
use crate::{ChangedFingerprint, Definition, Revision, Store};

/// A revision comes back with its files, also after others have taken its place.
pub async fn a_revision_keeps_its_files(store: &Arc<dyn Store>) {
    let files = |files: &[(&str, &[u8])]| {
        files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect()
    };
    let first = Revision {
        description: "asks".to_owned(),
        fingerprint: Some("f1".to_owned()),
        bundle: files(&[("specs/b.yaml", b"openapi"), ("a.json", b"\xff\x00"), ("empty", b"")]),
        ..revision()
    };
    let second = Revision {
        digest: "1a2b".to_owned(),
        bundle: files(&[("specs/renamed.yaml", b"openapi")]),
        ..revision()
    };
    store.put_revisions(vec![first.clone()]).await.unwrap();
    store.put_revisions(vec![second.clone()]).await.unwrap();
    store.put_revisions(vec![second.clone()]).await.unwrap();
    assert_eq!(store.revision(REVISION).await, Ok(Some(first)));
    assert_eq!(store.revision("1a2b").await, Ok(Some(second)));
    assert_eq!(store.revision("").await, Ok(None));
}

/// A workflow without a file is still known; it is available again when the file comes back.
pub async fn a_workflow_that_is_not_served_is_unavailable(store: &Arc<dyn Store>) {
    let of = |workflow: &str, digest: &str| Revision {
        digest: digest.to_owned(),
        workflow: workflow.to_owned(),
        ..revision()
    };
    let put = async |revisions| {
        store.put_revisions(revisions).await.unwrap();
        let definitions = store.definitions().await.unwrap();
        let lines = definitions.into_iter().map(|Definition { revision, available }| {
            format!(
                "{} {} {}",
                revision.workflow,
                revision.digest,
                if available { "is served" } else { "is gone" }
            )
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        put(vec![of("b", "b1"), of("a", "a1"), of("a", "a2")]).await,
        ["a a2 is served", "b b1 is served"]
    );
    assert_eq!(put(vec![of("b", "b2")]).await, ["a a2 is gone", "b b2 is served"]);
    assert_eq!(put(vec![of("b", "b1"), of("a", "a1")]).await, ["a a1 is served", "b b1 is served"]);
    assert_eq!(put(vec![]).await, ["a a1 is gone", "b b1 is gone"]);
}

/// A new build may lower a document to another program, which is noticed.
pub async fn a_changed_fingerprint_is_stored_and_answered(store: &Arc<dyn Store>) {
    let of = |digest: &str, fingerprint: Option<&str>| Revision {
        digest: digest.to_owned(),
        fingerprint: fingerprint.map(str::to_owned),
        ..revision()
    };
    let changed = |digest: &str, before: Option<&str>| ChangedFingerprint {
        digest: digest.to_owned(),
        workflow: revision().workflow,
        before: before.map(str::to_owned),
    };
    for (put, changed, stored) in [
        (vec![of("a", None), of("b", Some("1"))], vec![], [None, Some("1")]),
        (vec![of("a", Some("1")), of("b", Some("1"))], vec![changed("a", None)], [Some("1"), Some("1")]),
        (
            vec![of("b", Some("2")), of("a", Some("3"))],
            vec![changed("b", Some("1")), changed("a", Some("1"))],
            [Some("3"), Some("2")],
        ),
        // Who knows no fingerprint takes none away.
        (vec![of("b", None)], vec![], [Some("3"), Some("2")]),
    ] {
        let case = format!("{put:?}");
        assert_eq!(store.put_revisions(put).await, Ok(changed), "{case}");
        for (digest, fingerprint) in ["a", "b"].into_iter().zip(stored) {
            let found = store.revision(digest).await.unwrap().unwrap();
            assert_eq!(found.fingerprint.as_deref(), fingerprint, "{digest} after {case}");
        }
    }
    let served = store.definitions().await.unwrap();
    assert_eq!(served[0].revision.fingerprint.as_deref(), Some("2"));
}
