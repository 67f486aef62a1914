//! A light reading of a component's metadata: only the members that are asked for are parsed.

use crate::Component;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The top-level members of one metadata record.
#[derive(Default)]
pub(crate) struct Record<'d> {
    /// Syft's `metadataType`; empty where the component has no metadata.
    pub(crate) kind: &'d str,
    members: HashMap<Cow<'d, str>, &'d RawValue>,
}

impl<'d> Record<'d> {
    /// The record of a component; empty where it has none or it is no JSON object.
    pub(crate) fn of(component: &'d Component) -> Self {
        component.metadata.as_ref().map_or_else(Self::default, |metadata| Self {
            kind: &metadata.kind,
            members: serde_json::from_str(&metadata.json).unwrap_or_default(),
        })
    }

    /// A member, parsed; `None` where it is absent, null or of another shape.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str::<Option<T>>(self.members.get(name)?.get()).ok().flatten()
    }

    /// A text, empty where absent.
    pub(crate) fn text(&self, name: &str) -> Cow<'d, str> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        let raw = self.members.get(name).map(|raw| raw.get());
        raw.and_then(|raw| serde_json::from_str::<Text<'d>>(raw).ok()).map_or(Cow::Borrowed(""), |text| text.0)
    }
}

/// An entry of the many `[{"key": ..., "value": ...}]` lists.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

/// The value of the first entry with a key.
pub(crate) fn find<'a>(entries: &'a [KeyValue], key: &str) -> Option<&'a str> {
    entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}
