//! The dependency graph: connected, with the catalogued source as its root. Without a root, tools such as
//! Dependency-Track draw nothing.

use super::bom::Dependency;
use crate::RelationshipKind;
use crate::view::{FileRelation, View};
use std::borrow::Cow;

/// Every node with what it depends on, in the order of the references. Packages depend on what they need and on the
/// files that they own, the root on everything that nothing else depends on. `nodes` are the references of the components and of what
/// is not a file besides; `files` those of [`View::files`], where they are written.
pub(super) fn dependencies<'d>(
    view: &'d View<'d>,
    nodes: &[Cow<'d, str>],
    files: &[Option<Cow<'d, str>>],
) -> Vec<Dependency<'d>> {
    let first_file = nodes.len();
    let count = nodes.len() + files.len();
    let is_written = |index: usize| index < first_file || files.get(index - first_file).is_some_and(Option::is_some);
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut needed = vec![false; count];
    let mut add = |of: usize, on: usize| {
        if of != on
            && is_written(of)
            && is_written(on)
            && let (Some(list), Some(flag)) = (needs.get_mut(of), needed.get_mut(on))
        {
            list.push(on);
            *flag = true;
        }
    };
    for relation in view.document.relationships.iter().filter(|edge| edge.kind == RelationshipKind::DependencyOf) {
        add(relation.to.0 as usize, relation.from.0 as usize);
    }
    for edge in view.file_edges.iter().filter(|edge| edge.kind == FileRelation::Contains) {
        add(edge.component.0 as usize, first_file + edge.file);
    }
    let mut roots: Vec<usize> =
        (0..count).filter(|index| is_written(*index) && !needed.get(*index).is_some_and(|needed| *needed)).collect();
    reach_everything(&needs, &mut roots, is_written);

    let reference = |index: usize| -> Cow<'d, str> {
        let own = nodes.get(index).or_else(|| files.get(index.checked_sub(first_file)?)?.as_ref());
        own.cloned().unwrap_or_default()
    };
    let list = |mut indexes: Vec<usize>| {
        indexes.sort_unstable();
        indexes.dedup();
        let mut references: Vec<Cow<'d, str>> = indexes.into_iter().map(reference).collect();
        references.sort_unstable();
        references
    };
    let mut all = vec![Dependency { of: view.root_id.as_str().into(), on: list(roots) }];
    all.extend(
        needs.into_iter().take(first_file).enumerate().map(|(of, on)| Dependency { of: reference(of), on: list(on) }),
    );
    all.sort_by(|a, b| a.of.cmp(&b.of));
    all
}

/// Adds roots until everything is reached: members of a cycle are all needed by something, and yet nothing leads there.
fn reach_everything(needs: &[Vec<usize>], roots: &mut Vec<usize>, is_written: impl Fn(usize) -> bool) {
    let mut reached = vec![false; needs.len()];
    let mut pending = roots.clone();
    let mut next = 0;
    loop {
        while let Some(index) = pending.pop() {
            match reached.get_mut(index) {
                Some(reached) if !*reached => *reached = true,
                _ => continue,
            }
            pending.extend(needs.get(index).into_iter().flatten());
        }
        match (next..needs.len()).find(|index| is_written(*index) && !reached.get(*index).is_some_and(|r| *r)) {
            Some(index) => {
                roots.push(index);
                pending.push(index);
                next = index + 1;
            }
            None => return,
        }
    }
}
