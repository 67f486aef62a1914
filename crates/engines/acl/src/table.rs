use crate::permissions::Permissions;
use std::collections::BTreeMap;

/// Permissions by path, or by prefix, in byte order.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    key: Box<str>,
    /// The longest other key that this one starts with.
    parent: Option<usize>,
    permissions: Permissions,
}

impl Table {
    pub(crate) fn new(rows: BTreeMap<String, Permissions>) -> Self {
        let mut table = Self { rows: Vec::with_capacity(rows.len()) };
        for (key, permissions) in rows {
            let last = table.rows.len().checked_sub(1);
            let parent = table.ancestor(last, &key);
            table.rows.push(Row { key: key.into(), parent, permissions });
        }
        table
    }

    /// The permissions of exactly this path.
    pub(crate) fn exact(&self, path: &str) -> Option<&Permissions> {
        let at = self.rows.binary_search_by(|row| row.key.as_ref().cmp(path)).ok()?;
        self.rows.get(at).map(|row| &row.permissions)
    }

    /// The longest key that the path starts with.
    ///
    /// All keys that start with one prefix stand together, so every prefix of the path that is a key is also a prefix of
    /// the last key that is not after the path.
    pub(crate) fn longest_prefix(&self, path: &str) -> Option<(&str, &Permissions)> {
        let last = self.rows.partition_point(|row| row.key.as_ref() <= path).checked_sub(1);
        let row = self.rows.get(self.ancestor(last, path)?)?;
        Some((&row.key, &row.permissions))
    }

    fn ancestor(&self, mut at: Option<usize>, path: &str) -> Option<usize> {
        while let Some(row) = self.rows.get(at?) {
            if path.starts_with(row.key.as_ref()) {
                return at;
            }
            at = row.parent;
        }
        None
    }

    /// All rows, or those whose key starts with `prefix`.
    pub(crate) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Permissions)> {
        let start = self.rows.partition_point(|row| row.key.as_ref() < prefix);
        let rows = self.rows.iter().skip(start).take_while(move |row| row.key.starts_with(prefix));
        rows.map(|row| (row.key.as_ref(), &row.permissions))
    }
}
