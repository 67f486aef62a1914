use super::config::Config;
use super::key::{Outcome, edit};
use logical::{Error, Request, Response, Storage};

/// Deletes the newest version; it can be undeleted.
pub(super) async fn delete_newest(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    edit(storage, path, |edit| {
        let key = &mut edit.row.key;
        match key.versions.get_mut(&key.current_version).filter(|version| version.is_live(request.now)) {
            None => Ok(Outcome::Keep(())),
            Some(version) => {
                version.deletion = Some(request.now);
                Ok(Outcome::Write(()))
            }
        }
    })
    .await?;
    Ok(Response::empty())
}

pub(super) async fn delete(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let numbers = numbers(request, "No version number provided")?;
    edit(storage, path, |edit| {
        for number in &numbers {
            if let Some(version) = edit.row.key.versions.get_mut(number).filter(|version| version.is_live(request.now))
            {
                version.deletion = Some(request.now);
            }
        }
        Ok(if edit.exists { Outcome::Write(()) } else { Outcome::Keep(()) })
    })
    .await?;
    Ok(Response::empty())
}

pub(super) async fn undelete(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let numbers = numbers(request, "No version number provided")?;
    let config = Config::load(storage).await?;
    edit(storage, path, |edit| {
        let deletion = edit.row.key.deletion(&config, request.now)?;
        for number in &numbers {
            if let Some(version) = edit.row.key.versions.get_mut(number).filter(|version| !version.destroyed) {
                version.deletion = deletion;
            }
        }
        Ok(if edit.exists { Outcome::Write(()) } else { Outcome::Keep(()) })
    })
    .await?;
    Ok(Response::empty())
}

/// The data goes for good.
pub(super) async fn destroy(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let numbers = numbers(request, "no version number provided")?;
    edit(storage, path, |edit| {
        for number in &numbers {
            let Some(version) = edit.row.key.versions.get_mut(number).filter(|version| !version.destroyed) else {
                continue;
            };
            version.destroyed = true;
            edit.remove_version(*number);
        }
        Ok(if edit.exists { Outcome::Write(()) } else { Outcome::Keep(()) })
    })
    .await?;
    Ok(Response::empty())
}

fn numbers(request: &Request, missing: &str) -> Result<Vec<u64>, Error> {
    let list = request.fields().list("versions")?.unwrap_or_default();
    if list.is_empty() {
        return Err(Error::invalid(missing));
    }
    let numbers = list.iter().map(|text| text.parse::<i64>().map(|number| u64::try_from(number).unwrap_or(0)));
    numbers.collect::<Result<_, _>>().map_err(|_| {
        Error::invalid("Field validation failed: error converting input for field \"versions\": expected whole numbers")
    })
}
