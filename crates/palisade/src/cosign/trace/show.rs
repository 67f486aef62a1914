//! A trace on one screen, or as JSON.

use super::event::{Event, Place, Proof, Who};
use crate::output;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// The longest text of others in a cell.
const MAX_CELL: usize = 120;

/// A table, and what it comes to.
pub(super) fn text(name: Option<&str>, digest: &str, events: &[Event]) -> anyhow::Result<()> {
    let mut rows = vec![["TIME", "WHO", "WHAT", "ON", "LOG", "PROOF"].map(str::to_owned).to_vec()];
    rows.extend(events.iter().map(row));
    let count = |is: &dyn Fn(&Proof) -> bool| events.iter().filter(|event| is(&event.proof)).count();
    let holds = count(&|proof| matches!(proof, Proof::Holds(..)));
    let unknown = count(&|proof| matches!(proof, Proof::Unknown(_)));
    output::to_stdout(|out| {
        match name {
            Some(name) => writeln!(out, "{name}\n{digest}\n")?,
            None => writeln!(out, "{digest}\n")?,
        }
        output::table(out, &rows)?;
        let wrong = events.len() - holds - unknown;
        Ok(writeln!(out, "\n{holds} verified, {unknown} by keys or roots that are not known, {wrong} wrong")?)
    })
}

fn row(event: &Event) -> Vec<String> {
    let who = match &event.who {
        Who::Identity(identity) => {
            let issuer = identity.issuer.as_deref().unwrap_or("no issuer");
            format!("{} ({issuer})", identity.subjects.join(", "))
        }
        Who::Key(key) => format!("key {}", key.hint()),
        Who::Hint(hint) if hint.is_empty() => "key, not known".to_owned(),
        Who::Hint(hint) => format!("key, not known: {hint}"),
        Who::Nobody => "-".to_owned(),
    };
    let indices = event.entries.iter().map(|(_, index)| index.to_string()).collect::<Vec<_>>().join(", ");
    let proof = match &event.proof {
        Proof::Holds(checks, None) => checks.join(", "),
        Proof::Holds(checks, Some(lacks)) => format!("{}; {lacks}", checks.join(", ")),
        Proof::Unknown(reason) => format!("not verified: {reason}"),
        Proof::Fails(reason) => format!("WRONG, not verified: {reason}"),
    };
    let time = event.time().map_or_else(|| "-".to_owned(), seconds);
    let indices = if indices.is_empty() { "-".to_owned() } else { indices };
    [time, who, event.what.clone(), place(event.place).to_owned(), indices, proof].map(|cell| clean(&cell)).to_vec()
}

/// Others' words can't move the cursor, nor fill the screen.
fn clean(cell: &str) -> String {
    cell.chars().filter(|character| !character.is_control()).take(MAX_CELL).collect()
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Registry => "registry",
        Place::Log => "log only",
    }
}

/// All that is known of each.
pub(super) fn json(name: Option<&str>, digest: &str, events: &[Event]) -> anyhow::Result<()> {
    let events: Vec<Json> = events.iter().map(document).collect();
    let trace = json!({ "image": name, "digest": digest, "events": events });
    output::to_stdout(|out| {
        serde_json::to_writer_pretty(&mut *out, &trace)?;
        Ok(writeln!(out)?)
    })
}

fn document(event: &Event) -> Json {
    let signer = match &event.who {
        Who::Identity(identity) => json!({ "subjects": identity.subjects, "issuer": identity.issuer }),
        Who::Key(key) => json!({ "key": key.hint(), "isKnown": true }),
        Who::Hint(hint) => json!({ "key": hint, "isKnown": false }),
        Who::Nobody => Json::Null,
    };
    let (state, checks, reason) = match &event.proof {
        Proof::Holds(checks, lacks) => ("verified", checks.clone(), lacks.map(str::to_owned)),
        Proof::Unknown(reason) => ("unknown", Vec::new(), Some(reason.clone())),
        Proof::Fails(reason) => ("wrong", Vec::new(), Some(reason.clone())),
    };
    let times = event.times.iter().map(|(time, source)| json!({ "time": seconds(*time), "source": source }));
    let entries = event.entries.iter().map(|(url, index)| json!({ "log": url, "index": index }));
    json!({
        "time": event.time().map(seconds),
        "times": times.collect::<Vec<_>>(),
        "signer": signer,
        "what": event.what,
        "predicateType": event.predicate_type,
        "place": place(event.place),
        "logEntries": entries.collect::<Vec<_>>(),
        "proof": { "state": state, "checks": checks, "reason": reason },
    })
}
