//! A login: the directory decides by the password, and tells the groups.

use super::config::Config;
use super::directory::{Directory, DirectoryEntry, DirectoryError, DirectorySearch, DirectorySession, Scope};
use super::names::{common_name, escape_dn, escape_filter, is_dn, sid_text};
use logical::Error;
use std::collections::BTreeSet;

/// Most groups of a user.
const MAX_GROUPS: usize = 10_000;
/// A connection that borrows nothing.
type Session = dyn DirectorySession;

const BIND_FAILED: &str = "ldap operation failed: failed to bind as user";

/// What the directory tells of a user who gave the right password.
pub(super) struct Found {
    /// The name that identity knows.
    pub(super) alias: String,
    pub(super) groups: BTreeSet<String>,
}

fn told(error: &DirectoryError) -> Error {
    Error::invalid(error.to_string())
}

/// Proves the password to the directory, and asks it for the user's groups.
pub(super) async fn authenticate(
    directory: &dyn Directory,
    config: &Config,
    username: &str,
    password: &str,
) -> Result<Found, Error> {
    if password.is_empty() && config.is("deny_null_bind") {
        return Err(Error::invalid("password cannot be of zero length when passwordless binds are being denied"));
    }
    if !config.searches() && config.text("upndomain").is_empty() && config.text("userdn").is_empty() {
        return Err(Error::invalid("cannot derive UserBindDN"));
    }
    let server = config.server();
    let mut session = directory.connect(&server).await.map_err(|error| told(&error))?;
    let failed = || Error::invalid(BIND_FAILED);
    let bind_dn = bind_dn(&mut *session, config, username).await.map_err(|_| failed())?;
    session.bind(&bind_dn, password).await.map_err(|_| failed())?;
    if config.has_account() {
        let rebound = session.bind(config.text("binddn"), config.bind_password()).await;
        rebound.map_err(|_| Error::invalid("ldap operation failed: failed to re-bind with the BindDN user"))?;
    }
    let user_dn = user_dn(&mut *session, config, bind_dn, username).await?;
    // The alias is asked for by the account that found the user, before the search of groups may be anonymous.
    let alias = match config.is("username_as_alias") {
        true => username.to_owned(),
        false => alias(&mut *session, config, username).await?,
    };
    if config.is("anonymous_group_search") {
        session = directory.connect(&server).await.map_err(|error| told(&error))?;
    }
    let groups = groups(&mut *session, config, &user_dn, username).await?;
    Ok(Found { alias, groups })
}

/// Who the user is when it binds.
async fn bind_dn(session: &mut Session, config: &Config, username: &str) -> Result<String, Error> {
    if !config.searches() {
        return Ok(made_name(config, username));
    }
    Ok(find_user(session, config, username).await?.dn)
}

/// The name of a user that is made and not searched for.
fn made_name(config: &Config, username: &str) -> String {
    match config.text("upndomain") {
        "" => format!("{}={},{}", config.text("userattr"), escape_dn(username), config.text("userdn")),
        domain => format!("{}@{domain}", escape_dn(username)),
    }
}

/// The one entry of a user.
async fn find_user(session: &mut Session, config: &Config, username: &str) -> Result<DirectoryEntry, Error> {
    session.bind(config.text("binddn"), config.bind_password()).await.map_err(|error| told(&error))?;
    let mut values = [("UserAttr", escape_filter(config.text("userattr"))), ("Username", escape_filter(username))];
    let domain = config.text("upndomain");
    if !domain.is_empty() {
        values = [
            ("UserAttr", "userPrincipalName".to_owned()),
            ("Username", format!("{}@{domain}", escape_filter(username))),
        ];
    }
    let filter = if config.text("userfilter").is_empty() {
        let [(_, attribute), (_, name)] = &values;
        format!("({attribute}={name})")
    } else {
        config.filter("userfilter", &values)?
    };
    let search = DirectorySearch {
        base: config.text("userdn").to_owned(),
        scope: Scope::Subtree,
        dereference: config.text("dereference_aliases").to_owned(),
        filter,
        attributes: vec![config.text("userattr").to_owned()],
        page_size: 0,
        limit: 2,
    };
    let mut entries = session.search(&search).await.map_err(|error| told(&error))?.into_iter();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(Error::invalid("LDAP search for binddn 0 or not unique")),
    }
}

/// The user's entry, where it did not bind by its name.
async fn user_dn(session: &mut Session, config: &Config, bind_dn: String, username: &str) -> Result<String, Error> {
    let domain = config.text("upndomain");
    if domain.is_empty() {
        return Ok(bind_dn);
    }
    let search = DirectorySearch {
        base: config.text("userdn").to_owned(),
        scope: Scope::Subtree,
        dereference: config.text("dereference_aliases").to_owned(),
        filter: format!("(userPrincipalName={}@{domain})", escape_filter(username)),
        attributes: vec!["1.1".to_owned()],
        page_size: 0,
        limit: 2,
    };
    let found = session.search(&search).await;
    let found = found.map_err(|error| Error::invalid(format!("LDAP search failed for detecting user: {error}")))?;
    Ok(found.into_iter().next_back().map(|entry| entry.dn).unwrap_or_default())
}

async fn alias(session: &mut Session, config: &Config, username: &str) -> Result<String, Error> {
    if !config.searches() {
        return Ok(made_name(config, username));
    }
    let entry = find_user(session, config, username).await?;
    let attribute = config.text("userattr");
    let values = entry.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let one = values.and_then(|(_, values)| match values.as_slice() {
        [one] => String::from_utf8(one.clone()).ok().filter(|text| !text.is_empty()),
        _ => None,
    });
    one.ok_or_else(|| {
        let text = format!("LDAP entity alias attribute {attribute} empty or not unique for entity alias mapping");
        Error::invalid(text)
    })
}

async fn groups(
    session: &mut Session,
    config: &Config,
    user_dn: &str,
    username: &str,
) -> Result<BTreeSet<String>, Error> {
    let entries = if config.is("use_token_groups") {
        token_groups(session, config, user_dn).await?
    } else if config.text("groupfilter").is_empty() || config.text("groupdn").is_empty() {
        Vec::new()
    } else {
        let values = [("UserDN", escape_filter(user_dn)), ("Username", escape_filter(username))];
        let search = DirectorySearch {
            base: config.text("groupdn").to_owned(),
            scope: Scope::Subtree,
            dereference: config.text("dereference_aliases").to_owned(),
            filter: config.filter("groupfilter", &values)?,
            attributes: vec![config.text("groupattr").to_owned()],
            page_size: config.page_size(),
            limit: MAX_GROUPS,
        };
        let found = session.search(&search).await;
        found.map_err(|error| Error::invalid(format!("LDAP search failed: {error}")))?
    };
    let attribute = config.text("groupattr");
    let name = |text: &str| common_name(text, config.is("use_pre111_group_cn_behavior"));
    let mut groups = BTreeSet::new();
    for entry in entries.iter().filter(|entry| is_dn(&entry.dn)) {
        let values = entry.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        let values: Vec<&str> = values
            .map(|(_, values)| values.as_slice())
            .unwrap_or_default()
            .iter()
            .filter_map(|value| std::str::from_utf8(value).ok())
            .collect();
        match values.is_empty() {
            true => groups.extend([name(&entry.dn)]),
            false => groups.extend(values.into_iter().map(name)),
        }
    }
    groups.remove("");
    Ok(groups)
}

/// Groups of Active Directory, also those that hold others: their identifiers are in the user's entry.
async fn token_groups(session: &mut Session, config: &Config, user_dn: &str) -> Result<Vec<DirectoryEntry>, Error> {
    let at = |base: String, attribute: &str| DirectorySearch {
        base,
        scope: Scope::Base,
        dereference: config.text("dereference_aliases").to_owned(),
        filter: "(objectClass=*)".to_owned(),
        attributes: vec![attribute.to_owned()],
        page_size: 0,
        limit: 1,
    };
    let failed = |error: DirectoryError| Error::invalid(format!("LDAP search failed: {error}"));
    let user = session.search(&at(user_dn.to_owned(), "tokenGroups")).await.map_err(failed)?;
    let user = user.into_iter().next().unwrap_or_default();
    let sids = user.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case("tokenGroups"));
    let sids = sids.map(|(_, values)| values.as_slice()).unwrap_or_default();
    let sids: Vec<String> = sids.iter().filter_map(|value| sid_text(value)).take(MAX_GROUPS).collect();
    let mut found = Vec::new();
    for sid in sids {
        // A group that can't be read gives nothing.
        if let Ok(entries) = session.search(&at(format!("<SID={sid}>"), "1.1")).await {
            found.extend(entries);
        }
    }
    Ok(found)
}
