use crate::Entity;

impl Entity {
    /// Fills a template like `{{identity.entity.name}}.example.com` with what this entity has (`sdk/helper/identitytpl`).
    /// None where something is missing or has one of the `blocked` letters.
    pub fn fill(&self, template: &str, blocked: &[char]) -> Option<String> {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}")?;
            let value = self.value(name.trim())?;
            if value.is_empty() || value.contains(blocked) {
                return None;
            }
            out.push_str(before);
            out.push_str(value);
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let alias = |accessor: &str| self.aliases.iter().find(|(found, _, _)| found == accessor);
        let value = match name.split('.').collect::<Vec<_>>().as_slice() {
            ["identity", "entity", "id"] => &self.id,
            ["identity", "entity", "name"] => &self.name,
            ["identity", "entity", "metadata", key @ ..] => self.metadata.get(&key.join("."))?,
            ["identity", "entity", "aliases", accessor, "name"] => &alias(accessor)?.1,
            ["identity", "entity", "aliases", accessor, "metadata", key @ ..] => {
                alias(accessor)?.2.get(&key.join("."))?
            }
            ["identity", "groups", "ids", id, "name"] => &self.groups.iter().find(|group| group.id == *id)?.name,
            ["identity", "groups", "names", name, "id"] => &self.groups.iter().find(|group| group.name == *name)?.id,
            _ => return None,
        };
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_with_what_the_entity_has() {
        let mut entity = Entity { name: "jane".to_owned(), ..Entity::default() };
        assert_eq!(entity.fill("{{identity.entity.name}}.example.com", &['*']).as_deref(), Some("jane.example.com"));
        assert_eq!(entity.fill("plain", &[]).as_deref(), Some("plain"));
        assert_eq!(entity.fill("{{identity.entity.metadata.team}}.x", &[]), None);
        assert_eq!(entity.fill("{{identity.entity.name", &[]), None);
        entity.name = "*".to_owned();
        assert_eq!(entity.fill("{{identity.entity.name}}.example.com", &['*']), None);
    }
}
