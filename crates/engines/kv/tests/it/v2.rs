use crate::Mount;
use kv::Kv2;
use logical::Operation::{Create, Delete, List, Patch, Read, Scan, Update};
use logical::{Storage, StorageExt};
use serde_json::{Value, json};
use std::sync::Arc;

fn mount() -> Mount {
    Mount::new(Kv2::new())
}

#[tokio::test]
async fn bodies_are_the_peers() {
    let mount = mount();
    let made = mount.data(Create, "data/app/db", json!({"data": {"user": "a", "deep": {"x": 1}}})).await;
    let version = json!({
        "created_time": "2001-09-09T01:46:40Z", "deletion_time": "", "destroyed": false, "version": 1,
        "custom_metadata": null,
    });
    assert_eq!(made, version);
    let read = mount.data(Read, "data/app/db", json!({})).await;
    assert_eq!(read, json!({"data": {"user": "a", "deep": {"x": 1}}, "metadata": version}));
    mount.ask(Update, "metadata/app/db", json!({"custom_metadata": {"owner": "me"}, "max_versions": 3})).await.unwrap();
    assert_eq!(
        mount.data(Read, "metadata/app/db", json!({})).await,
        json!({
            "versions": {
                "1": {"created_time": "2001-09-09T01:46:40Z", "deletion_time": "", "destroyed": false}
            },
            "current_version": 1, "current_metadata_version": 1, "oldest_version": 0,
            "created_time": "2001-09-09T01:46:40Z", "updated_time": "2001-09-09T01:46:40Z",
            "max_versions": 3, "cas_required": false, "metadata_cas_required": false,
            "delete_version_after": "0s", "custom_metadata": {"owner": "me"},
        })
    );
    assert_eq!(
        mount.data(Read, "config", json!({})).await,
        json!({
            "max_versions": 0, "cas_required": false, "metadata_cas_required": false, "delete_version_after": "0s"
        })
    );
    let subkeys = mount.data(Read, "subkeys/app/db", json!({})).await;
    assert_eq!(subkeys["subkeys"], json!({"user": null, "deep": {"x": null}}));
    let subkeys = mount.data(Read, "subkeys/app/db", json!({"depth": "1"})).await;
    assert_eq!(subkeys["subkeys"], json!({"user": null, "deep": null}));
    let wrong = mount.ask(Read, "app/db", json!({})).await.unwrap();
    assert_eq!(wrong.status, Some(404));
    assert!(wrong.warnings[0].contains("use 'bao kv get'"), "{:?}", wrong.warnings);
}

#[tokio::test]
async fn a_version_can_be_deleted_undeleted_and_destroyed() {
    let mount = mount();
    for number in 1..=4 {
        mount.ask(Create, "data/s", json!({"data": {"n": number}})).await.unwrap();
    }
    let read = async |number: u64| {
        let answer = mount.ask(Read, "data/s", json!({"version": number.to_string()})).await.unwrap();
        (answer.status, answer.data.unwrap()["data"].clone())
    };
    assert_eq!(read(0).await, (None, json!({"n": 4})));
    assert_eq!(read(2).await, (None, json!({"n": 2})));
    mount.ask(Update, "delete/s", json!({"versions": [2, 9]})).await.unwrap();
    mount.ask(Delete, "data/s", json!({})).await.unwrap();
    assert_eq!(read(2).await, (Some(404), Value::Null));
    assert_eq!(read(0).await, (Some(404), Value::Null));
    let patched = mount.ask(Patch, "data/s", json!({"data": {"n": 0}})).await.unwrap();
    assert_eq!((patched.status, &patched.data.unwrap()["version"]), (Some(404), &json!(4)));
    mount.ask(Update, "undelete/s", json!({"versions": "2,4"})).await.unwrap();
    assert_eq!(read(2).await, (None, json!({"n": 2})));
    assert_eq!(read(0).await, (None, json!({"n": 4})));
    mount.ask(Update, "destroy/s", json!({"versions": [1, 4]})).await.unwrap();
    mount.ask(Update, "undelete/s", json!({"versions": [1, 4]})).await.unwrap();
    assert_eq!(read(1).await, (Some(404), Value::Null));
    assert_eq!(read(4).await, (Some(404), Value::Null));
    for (key, number) in [("keys/s", 4), ("versions/s/1", 1)] {
        let left = mount.storage.get(key).await.unwrap().map(|entry| entry.value);
        let text = String::from_utf8(left.unwrap_or_default().to_vec()).unwrap();
        assert!(!text.contains(&format!("\"n\":{number}")), "destroyed data is left in {key}");
    }
    mount.ask(Delete, "metadata/s", json!({})).await.unwrap();
    assert_eq!(mount.refusal(Read, "data/s", json!({})).await.0, 404);
    assert!(mount.storage.scan("", "", 10).await.unwrap().is_empty(), "rows are left");
    assert_eq!(mount.refusal(Update, "destroy/s", json!({})).await, (400, "no version number provided".to_owned()));
}

#[tokio::test]
async fn as_many_versions_are_kept_as_are_asked_for_and_as_long() {
    let mount = mount();
    let write = async |path: &str| mount.ask(Create, path, json!({"data": {"n": 1}})).await.unwrap();
    for _ in 0..12 {
        write("data/ten").await;
    }
    let ten = mount.data(Read, "metadata/ten", json!({})).await;
    assert_eq!((ten["versions"].as_object().unwrap().len(), &ten["oldest_version"]), (10, &json!(3)));
    assert_eq!(mount.storage.scan("versions/", "", 20).await.unwrap().len(), 9);
    mount.ask(Update, "metadata/ten", json!({"max_versions": 1})).await.unwrap();
    write("data/ten").await;
    assert_eq!(mount.data(Read, "metadata/ten", json!({})).await["oldest_version"], 13);
    assert!(mount.storage.scan("versions/", "", 20).await.unwrap().is_empty());

    mount.ask(Update, "config", json!({"delete_version_after": "1h"})).await.unwrap();
    mount.ask(Update, "metadata/short", json!({"delete_version_after": "60"})).await.unwrap();
    write("data/short").await;
    write("data/long").await;
    for (path, seconds, gone) in
        [("short", 59, false), ("short", 60, true), ("long", 3599, false), ("long", 3600, true)]
    {
        let answer = mount.at(1_000_000_000 + seconds, Read, &format!("data/{path}"), json!({})).await.unwrap();
        assert_eq!(answer.status == Some(404), gone, "{path} after {seconds} seconds");
    }
    mount.ask(Update, "config", json!({"delete_version_after": "-1s"})).await.unwrap();
    assert_eq!(mount.data(Read, "config", json!({})).await["delete_version_after"], "-1s");
    assert_eq!(mount.data(Create, "data/short", json!({"data": {}})).await["deletion_time"], "");
}

#[tokio::test]
async fn a_write_on_another_version_than_it_saw_is_refused() {
    const MISMATCH: &str = "check-and-set parameter did not match the current version";
    let mount = mount();
    let write = |cas: Value| json!({"data": {"k": "v"}, "options": {"cas": cas}});
    assert_eq!(mount.refusal(Create, "data/c", write(json!(1))).await, (400, MISMATCH.to_owned()));
    mount.ask(Create, "data/c", write(json!(0))).await.unwrap();
    for cas in [json!(0), json!(-1), json!("2"), json!(null)] {
        assert_eq!(mount.refusal(Create, "data/c", write(cas)).await, (400, MISMATCH.to_owned()));
    }
    assert_eq!(mount.refusal(Patch, "data/c", write(json!(2))).await.1, MISMATCH);
    mount.ask(Update, "data/c", write(json!("1"))).await.unwrap();
    for settings in ["config", "metadata/c"] {
        mount.ask(Update, settings, json!({"cas_required": true})).await.unwrap();
        let (_, text) = mount.refusal(Update, "data/c", json!({"data": {}})).await;
        assert_eq!(text, "check-and-set parameter required for this call");
        let answer = mount.ask(Update, settings, json!({"cas_required": false})).await.unwrap();
        assert!(answer.warnings.is_empty());
    }
    assert_eq!(mount.refusal(Update, "data/c", json!({"options": {}})).await.1, "no data provided");
    let (_, text) = mount.refusal(Update, "data/c", write(json!([]))).await;
    assert_eq!(text, "error parsing check-and-set parameter");
}

#[tokio::test]
async fn metadata_is_patched_checked_and_validated() {
    let mount = mount();
    assert_eq!(mount.refusal(Patch, "metadata/m", json!({"max_versions": 1})).await.0, 404);
    mount.ask(Update, "metadata/m", json!({"metadata_cas_required": true, "max_versions": 7})).await.unwrap();
    let (_, text) = mount.refusal(Update, "metadata/m", json!({"max_versions": 1})).await;
    assert_eq!(text, "metadata check-and-set parameter required for this call");
    let (_, text) = mount.refusal(Patch, "metadata/m", json!({"max_versions": 1, "metadata_cas": 0})).await;
    assert_eq!(text, "metadata check-and-set parameter does not match the current version");
    let change = json!({"metadata_cas": 1, "custom_metadata": {"a": "1", "b": 2}, "max_versions": null});
    mount.ask(Patch, "metadata/m", change).await.unwrap();
    let change = json!({"metadata_cas": 2, "custom_metadata": {"a": null, "c": "3"}});
    mount.ask(Patch, "metadata/m", change).await.unwrap();
    let read = mount.data(Read, "metadata/m", json!({})).await;
    assert_eq!(read["custom_metadata"], json!({"b": "2", "c": "3"}));
    assert_eq!((&read["max_versions"], &read["current_metadata_version"]), (&json!(0), &json!(3)));
    for (custom, told) in [
        (json!({"k": ""}), "length of value for key \"k\" is 0"),
        (json!({"k": "a\u{7}"}), "contains unprintable characters"),
        (json!({"k".repeat(129): "v"}), "is 129 but must be"),
        (json!(Value::Object((0..65).map(|n| (n.to_string(), json!("v"))).collect())), "provided 65"),
    ] {
        let (status, text) = mount.refusal(Update, "metadata/other", json!({"custom_metadata": custom})).await;
        assert!(status == 400 && text.contains(told), "{text}");
    }
    assert!(mount.ask(Update, "metadata/other", json!({})).await.unwrap().data.is_none());
    assert_eq!(mount.refusal(Read, "metadata/other", json!({})).await.0, 404);
}

#[tokio::test]
async fn paths_are_listed_with_pages_and_details() {
    let mount = mount();
    for path in ["a", "a/b", "a/c/d", "z"] {
        mount.ask(Create, &format!("data/{path}"), json!({"data": {}})).await.unwrap();
    }
    for (operation, path, page, keys) in [
        (List, "metadata/", json!({}), json!(["a", "a/", "z"])),
        (List, "metadata/a", json!({}), json!(["b", "c/"])),
        (List, "metadata/", json!({"after": "a", "limit": "1"}), json!(["a/"])),
        (Scan, "metadata/", json!({}), json!(["a", "a/b", "a/c/d", "z"])),
        (Scan, "metadata/", json!({"after": "a/b", "limit": 1}), json!(["a/c/d"])),
    ] {
        assert_eq!(mount.data(operation, path, page).await, json!({"keys": keys}), "{path}");
    }
    let detailed = mount.data(List, "detailed-metadata/", json!({})).await;
    assert_eq!(detailed["key_info"]["a"]["current_version"], 1);
    assert_eq!(mount.data(List, "detailed-metadata/a", json!({})).await["key_info"]["c/"], json!({}));
    assert_eq!(mount.data(List, "metadata/none", json!({})).await, json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_lose_nothing() {
    const WRITERS: usize = 16;
    let mount = Arc::new(mount());
    mount.ask(Update, "config", json!({"max_versions": 1000})).await.unwrap();
    mount.ask(Create, "data/counter", json!({"data": {"n": 0}})).await.unwrap();
    let tasks = (0..WRITERS).map(|writer| {
        let mount = Arc::clone(&mount);
        tokio::spawn(async move {
            for number in 0..20 {
                // One change that must be on top of the newest, one that only adds.
                loop {
                    let read = mount.data(Read, "data/counter", json!({})).await;
                    let next = read["data"]["n"].as_u64().unwrap() + 1;
                    let body = json!({"data": {"n": next}, "options": {"cas": read["metadata"]["version"]}});
                    if mount.ask(Update, "data/counter", body).await.is_ok() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                let name = format!("{writer}-{number}");
                mount.ask(Update, "data/many", json!({"data": {"w": name}})).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(mount.data(Read, "data/counter", json!({})).await["data"]["n"], WRITERS * 20);
    let many = mount.data(Read, "metadata/many", json!({})).await;
    assert_eq!(many["current_version"], WRITERS * 20);
    let mut seen = std::collections::BTreeSet::new();
    for version in 1..=WRITERS * 20 {
        let read = mount.data(Read, "data/many", json!({"version": version})).await;
        seen.insert(read["data"]["w"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), WRITERS * 20);
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_tells_nothing_of_it() {
    let mount = mount();
    mount.ask(Create, "data/d", json!({"data": {"k": "hunter2"}})).await.unwrap();
    let row = mount.storage.get("keys/d").await.unwrap().unwrap().value;
    let text = String::from_utf8(row.to_vec()).unwrap().replace("{\"k\"", "{k");
    mount.storage.put("keys/d", text.into_bytes().into()).await.unwrap();
    let Err(error) = mount.ask(Read, "data/d", json!({})).await else { panic!("read") };
    assert_eq!(error.status(), 500);
    assert!(!format!("{error:?}").contains("hunter2"));
}
