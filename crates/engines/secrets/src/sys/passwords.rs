use crate::answer::Answer;
use crate::call::Call;
use crate::password::PasswordPolicy;
use logical::{Error, Operation, StorageExt as _};
use serde_json::json;

/// `policies/password`, `policies/password/<name>`, `policies/password/<name>/generate`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    let prefix = format!("policy/password/{}/", call.namespace.id);
    let storage = call.core.storage();
    match (parts.get(2..).unwrap_or_default(), call.request.operation) {
        ([], Operation::List) => Ok(Answer::keys(storage.list(&prefix, "", usize::MAX).await?)),
        ([], _) => Err(Error::UnsupportedOperation),
        ([name, "generate"], Operation::Read) => {
            let text = storage.get_json::<String>(&format!("{prefix}{name}")).await?.ok_or_else(missing)?;
            let policy = PasswordPolicy::parse(&text).map_err(|error| Error::internal(error.to_string()))?;
            Ok(Answer::json(json!({ "password": policy.generate()?.as_str() })))
        }
        ([name], operation) => {
            let key = format!("{prefix}{name}");
            match operation {
                Operation::Read => {
                    let text = storage.get_json::<String>(&key).await?.ok_or_else(missing)?;
                    Ok(Answer::json(json!({ "policy": text })))
                }
                Operation::Update => {
                    let text = call.request.fields().text("policy")?.unwrap_or_default();
                    if text.is_empty() {
                        return Err(Error::invalid("missing policy"));
                    }
                    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &text).ok();
                    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text);
                    let policy = PasswordPolicy::parse(&text)
                        .map_err(|error| Error::invalid(format!("invalid password policy: {error}")))?;
                    // One that can make no password is refused now, not when it is needed.
                    policy.generate()?;
                    storage.put_json(&key, &text).await?;
                    Ok(Answer::empty())
                }
                Operation::Delete => {
                    storage.delete(&key).await?;
                    Ok(Answer::empty())
                }
                _ => Err(Error::UnsupportedOperation),
            }
        }
        _ => Err(Error::UnsupportedPath),
    }
}

fn missing() -> Error {
    Error::Status(404, "1 error occurred:\n\t* policy does not exist\n\n".to_owned())
}
