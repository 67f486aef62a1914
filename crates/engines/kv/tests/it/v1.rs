use crate::Mount;
use kv::{Kv1, Kv2};
use logical::Operation::{Create, Delete, List, Patch, Read, Scan};
use serde_json::json;

#[tokio::test]
async fn a_value_tells_how_long_it_may_be_kept() {
    let mount = Mount::new(Kv1::new());
    for (value, seconds) in [
        (json!({"password": "x", "ttl": "1h"}), 3600),
        (json!({"lease": 90}), 90),
        (json!({"ttl": "soon"}), 2_764_800),
        (json!({"password": 1.5}), 2_764_800),
    ] {
        assert!(mount.ask(Create, "app/db", value.clone()).await.unwrap().data.is_none());
        let answer = mount.ask(Read, "app/db", json!({})).await.unwrap();
        assert_eq!((answer.lease_duration.as_secs(), answer.data), (seconds, value.as_object().cloned()));
    }
}

#[tokio::test]
async fn paths_are_listed_one_level_or_all_and_what_makes_no_sense_is_refused() {
    let mount = Mount::new(Kv1::new());
    for path in ["a", "b/c", "b/d/e"] {
        mount.ask(Create, path, json!({"k": path})).await.unwrap();
    }
    assert_eq!(mount.data(List, "", json!({})).await, json!({"keys": ["a", "b/"]}));
    assert_eq!(mount.data(List, "b", json!({})).await, json!({"keys": ["c", "d/"]}));
    assert_eq!(mount.data(Scan, "b/", json!({})).await, json!({"keys": ["c", "d/e"]}));
    assert_eq!(mount.data(List, "nothing/", json!({})).await, json!({}));
    mount.ask(Delete, "a", json!({})).await.unwrap();
    assert_eq!(mount.refusal(Read, "a", json!({})).await.0, 404);
    assert_eq!(mount.refusal(Create, "", json!({"k": 1})).await, (400, "missing path".to_owned()));
    assert_eq!(mount.refusal(Create, "a", json!({})).await, (400, "missing data fields".to_owned()));
    assert_eq!(mount.refusal(Patch, "b/c", json!({"k": 1})).await.0, 405);
}

#[tokio::test]
async fn a_mount_that_becomes_version_2_keeps_its_values() {
    let mut mount = Mount::new(Kv1::new());
    for number in 0..1203 {
        mount.ask(Create, &format!("team/{number}"), json!({"number": number})).await.unwrap();
    }
    mount.backend = Box::new(Kv2::new());
    let answer = mount.data(Read, "data/team/1202", json!({})).await;
    assert_eq!((&answer["data"], &answer["metadata"]["version"]), (&json!({"number": 1202}), &json!(1)));
    assert_eq!(mount.data(List, "metadata/team", json!({})).await["keys"].as_array().unwrap().len(), 1203);
    mount.backend = Box::new(Kv1::new());
    assert_eq!(mount.refusal(Read, "team/1", json!({})).await.0, 404);
}
