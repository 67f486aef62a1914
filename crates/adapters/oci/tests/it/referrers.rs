use crate::server::start;
use oci::registry::fallback_tag;
use oci::{Reference, Referrer, RegistryOptions, Repository};
use std::collections::{BTreeMap, BTreeSet};

const KIND: &str = "application/vnd.example.note";

fn note(repository: &Repository, subject: &oci::Document, text: &str) -> String {
    let annotations = BTreeMap::from([("note".to_owned(), text.to_owned())]);
    let referrer = Referrer { artifact_type: KIND, layer_type: KIND, layer: text.as_bytes(), annotations };
    repository.attach(&subject.descriptor(), &referrer).unwrap().digest
}

#[test]
fn sixty_four_writers_keep_sixty_four_entries() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = start(folder.path()) else {
        eprintln!("ignored: no docker-registry on this machine");
        return;
    };
    let reference: Reference = format!("{}/team/subject:1", server.address).parse().unwrap();
    let connect = || Repository::connect(&reference, &RegistryOptions::default()).unwrap();
    let repository = connect();
    let config = repository.put_blob("application/vnd.oci.empty.v1+json", b"{}").unwrap();
    assert!(repository.has_blob(&config.digest).unwrap());
    assert!(!repository.has_blob(&config.digest.replace("sha256:4", "sha256:0")).unwrap());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [config]});
    let subject = repository.put_manifest(Some("1"), media_type, manifest.to_string().as_bytes()).unwrap();
    assert_eq!(repository.manifest("1").unwrap(), subject);
    assert!(repository.referrers(&subject.digest, None).unwrap().is_empty());

    let written: BTreeSet<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..64)
            .map(|writer| {
                let (connect, subject) = (&connect, &subject);
                scope.spawn(move || note(&connect(), subject, &format!("note {writer}")))
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(written.len(), 64);
    let found = repository.referrers(&subject.digest, Some(KIND)).unwrap();
    let found: BTreeSet<String> = found.into_iter().map(|entry| entry.digest).collect();
    assert_eq!(found, written);
    assert!(repository.referrers(&subject.digest, Some("another/type")).unwrap().is_empty());
    assert!(repository.tags().unwrap().contains(&fallback_tag(&subject.digest)));

    // What refers to it can be read back, and a second attempt adds nothing.
    let again = note(&repository, &subject, "note 7");
    assert!(written.contains(&again));
    assert_eq!(repository.referrers(&subject.digest, Some(KIND)).unwrap().len(), 64);
}
