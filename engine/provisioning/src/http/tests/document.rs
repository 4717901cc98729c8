//! What the document says is what is served.

use serde_json::{Map, Value};

use super::Web;
use crate::http::DOCUMENT;

#[tokio::test]
async fn every_operation_is_served() {
    let web = Web::new().await;
    let document: Value = serde_yaml::from_str(DOCUMENT).unwrap();
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let at: Vec<_> =
            path.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment }).collect();
        let methods =
            operations.as_object().into_iter().flat_map(Map::keys).filter(|name| *name != "parameters");
        for method in methods {
            let answered = web.ask("root", &method.to_uppercase(), &at.join("/"), Value::Null).await;
            let is_unknown = answered.text.contains("there is no operation at");
            assert!(answered.status != 405 && !is_unknown, "{method} {path}: {answered:?}");
            assert!(answered.status < 500, "{method} {path}: {answered:?}");
            count += 1;
        }
    }
    assert!(count >= 72, "{count}");
}
