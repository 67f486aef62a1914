//! Replays what is kept: seeds, and the inputs that once broke something.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_kept_input_is_borne() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in fuzz::TARGETS {
        let inputs = fs::read_dir(corpus.join(target.name)).unwrap();
        let mut count = 0;
        for input in inputs {
            let path = input.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            println!("{}", path.display());
            (target.run)(&bytes);
            count += 1;
        }
        assert!(count > 0, "{} has no seeds", target.name);
    }
    let folders = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = fuzz::TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders.collect::<BTreeSet<_>>(), names);
}
