//! The parameters of tokens that every role has: `token_ttl`, `token_policies` and so on.

use crate::cidr::{Cidr, parse_all};
use logical::{Auth, Connection, Error, Fields, Map, Request, TokenType};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// What the tokens of a role are like. Times are whole seconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TokenParams {
    pub(crate) bound_cidrs: Vec<Cidr>,
    pub(crate) explicit_max_ttl: u64,
    pub(crate) max_ttl: u64,
    pub(crate) no_default_policy: bool,
    pub(crate) num_uses: u64,
    pub(crate) period: u64,
    pub(crate) policies: Vec<String>,
    pub(crate) token_type: TokenType,
    pub(crate) ttl: u64,
    pub(crate) strictly_bind_ip: bool,
    /// Names without `token_` under which parameters were last given, and are shown too.
    pub(crate) legacy: BTreeSet<String>,
}

impl TokenParams {
    /// Takes over what a request gives; `legacy` are the names without `token_` that the method has too.
    pub(crate) fn read(&mut self, fields: Fields<'_>, legacy: &[&str]) -> Result<(), Error> {
        let given = Given { fields, legacy };
        if let Some(name) = given.name("bound_cidrs") {
            let texts = fields.list(&name)?.unwrap_or_default();
            self.bound_cidrs = parse_all(&texts, Cidr::parse)?;
        }
        if let Some(name) = given.name("policies") {
            let policies = fields.list(&name)?.unwrap_or_default();
            self.policies = if name == "policies" { sanitize_policies(policies) } else { policies };
        }
        for (name, value) in [
            ("explicit_max_ttl", &mut self.explicit_max_ttl),
            ("max_ttl", &mut self.max_ttl),
            ("period", &mut self.period),
            ("ttl", &mut self.ttl),
        ] {
            if let Some(name) = given.name(name) {
                *value = fields.duration(&name)?.unwrap_or_default().as_secs();
            }
        }
        if let Some(name) = given.name("num_uses") {
            let uses = fields.integer(&name)?.unwrap_or_default();
            self.num_uses = u64::try_from(uses).map_err(|_| Error::invalid("'token_num_uses' cannot be negative"))?;
        }
        if let Some(value) = fields.boolean("token_no_default_policy")? {
            self.no_default_policy = value;
        }
        if let Some(value) = fields.boolean("token_strictly_bind_ip")? {
            self.strictly_bind_ip = value;
        }
        if let Some(text) = fields.text("token_type")? {
            self.token_type = match text.as_str() {
                "" | "default" => TokenType::Default,
                "service" => TokenType::Service,
                "batch" => TokenType::Batch,
                _ => return Err(Error::invalid(format!("invalid 'token_type' value {text:?}"))),
            };
        }
        for name in legacy {
            if fields.has(name) {
                self.legacy.insert((*name).to_owned());
            } else if fields.has(&format!("token_{name}")) {
                self.legacy.remove(*name);
            }
        }
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::invalid(text));
        if self.token_type == TokenType::Batch && self.period != 0 {
            return refuse("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens");
        }
        if self.token_type == TokenType::Batch && self.num_uses != 0 {
            return refuse(
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count",
            );
        }
        if self.ttl > 0 && self.max_ttl > 0 && self.ttl > self.max_ttl {
            return refuse("'token_ttl' cannot be greater than 'token_max_ttl'");
        }
        if self.strictly_bind_ip && !self.bound_cidrs.is_empty() {
            return refuse("'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one");
        }
        Ok(())
    }

    /// Adds the parameters to what is shown of a role.
    pub(crate) fn show(&self, data: &mut Map) {
        let all = [
            ("bound_cidrs", json!(self.bound_cidrs)),
            ("explicit_max_ttl", json!(self.explicit_max_ttl)),
            ("max_ttl", json!(self.max_ttl)),
            ("no_default_policy", json!(self.no_default_policy)),
            ("period", json!(self.period)),
            ("policies", json!(self.policies)),
            ("type", json!(self.token_type)),
            ("ttl", json!(self.ttl)),
            ("num_uses", json!(self.num_uses)),
            ("strictly_bind_ip", json!(self.strictly_bind_ip)),
        ];
        for (name, value) in all {
            let empty = value == json!(0) || value == json!([]);
            if self.legacy.contains(name) && !empty {
                data.insert(name.to_owned(), value.clone());
            }
            data.insert(format!("token_{name}"), value);
        }
    }

    /// The login that a role of these parameters gives.
    pub(crate) fn auth(&self, request: &Request) -> Result<Auth, Error> {
        let mut bound_cidrs: Vec<String> = self.bound_cidrs.iter().map(Cidr::to_string).collect();
        if self.strictly_bind_ip {
            let address = request.connection.address.ok_or(Error::Denied)?;
            bound_cidrs = vec![address.to_canonical().to_string()];
        }
        Ok(Auth {
            policies: self.policies.clone(),
            no_default_policy: self.no_default_policy,
            explicit_max_ttl: Duration::from_secs(self.explicit_max_ttl),
            num_uses: self.num_uses,
            bound_cidrs,
            token_type: self.token_type,
            renewable: true,
            ..self.lifetimes(&Auth::default())
        })
    }

    /// A login that is renewed, with the lifetimes that the role has now.
    pub(crate) fn lifetimes(&self, auth: &Auth) -> Auth {
        Auth {
            ttl: Duration::from_secs(self.ttl),
            max_ttl: Duration::from_secs(self.max_ttl),
            period: Duration::from_secs(self.period),
            ..auth.clone()
        }
    }

    /// A login that is renewed, unless the role's policies are others than it was given.
    pub(crate) fn renew(&self, auth: &Auth) -> Result<Auth, Error> {
        if !same_policies(&self.policies, &auth.policies) {
            return Err(policies_changed());
        }
        Ok(self.lifetimes(auth))
    }

    /// Refuses a login from elsewhere than the tokens may be used.
    pub(crate) fn admit(&self, connection: &Connection) -> Result<(), Error> {
        if Cidr::admit(&self.bound_cidrs, connection) { Ok(()) } else { Err(Error::Denied) }
    }
}

struct Given<'a> {
    fields: Fields<'a>,
    legacy: &'a [&'a str],
}

impl Given<'_> {
    /// The field that gives the parameter: the name with `token_` before the one without.
    fn name(&self, name: &str) -> Option<String> {
        let full = format!("token_{name}");
        if self.fields.has(&full) {
            return Some(full);
        }
        (self.legacy.contains(&name) && self.fields.has(name)).then(|| name.to_owned())
    }
}

/// Small letters, sorted, each once; `root` alone.
pub(crate) fn sanitize_policies(policies: Vec<String>) -> Vec<String> {
    let names = policies.into_iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty());
    let names: BTreeSet<String> = names.collect();
    if names.contains("root") { vec!["root".to_owned()] } else { names.into_iter().collect() }
}

/// Whether the policies are the same but for `default`, which the server adds.
pub(crate) fn same_policies(one: &[String], other: &[String]) -> bool {
    fn set(policies: &[String]) -> BTreeSet<&str> {
        policies.iter().map(String::as_str).filter(|name| *name != "default").collect()
    }
    set(one) == set(other)
}

pub(crate) fn policies_changed() -> Error {
    Error::invalid("policies have changed, not renewing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn read(params: &mut TokenParams, data: Value) -> Result<(), String> {
        let Value::Object(data) = data else { panic!() };
        let legacy = ["policies", "ttl", "max_ttl", "period", "bound_cidrs", "num_uses"];
        params.read(Fields::new(&data), &legacy).map_err(|error| error.to_string())
    }

    #[test]
    fn old_names_are_shown_while_they_are_used() {
        let shown = |params: &TokenParams| {
            let mut data = Map::new();
            params.show(&mut data);
            data
        };
        let mut params = TokenParams::default();
        read(&mut params, json!({"policies": "B,a", "ttl": "1h", "bound_cidrs": "10.0.0.1/32"})).unwrap();
        let data = shown(&params);
        assert_eq!(data["policies"], json!(["a", "b"]));
        assert_eq!((&data["ttl"], &data["token_ttl"]), (&json!(3600), &json!(3600)));
        assert_eq!(data["token_bound_cidrs"], json!(["10.0.0.1"]));
        assert_eq!(data["token_type"], "default");
        read(&mut params, json!({"token_policies": ["b", "A"], "policies": "ignored", "token_ttl": 60})).unwrap();
        let data = shown(&params);
        assert_eq!(data["policies"], json!(["b", "A"]));
        assert!(!data.contains_key("ttl") && !data.contains_key("period"));
    }

    #[test]
    fn parameters_that_contradict_each_other_are_refused() {
        for (data, text) in [
            (json!({"token_ttl": 100, "token_max_ttl": 50}), "'token_ttl' cannot be greater"),
            (json!({"ttl": 100, "max_ttl": 50}), "'token_ttl' cannot be greater"),
            (json!({"token_type": "batch", "token_period": 1}), "periodic"),
            (json!({"token_type": "batch", "num_uses": 1}), "limited use count"),
            (json!({"token_type": "x"}), "invalid 'token_type' value \"x\""),
            (json!({"token_num_uses": -1}), "'token_num_uses' cannot be negative"),
            (json!({"token_bound_cidrs": "x"}), "error parsing address \"x\""),
            (json!({"token_strictly_bind_ip": true, "token_bound_cidrs": "::1"}), "conflicts"),
        ] {
            let error = read(&mut TokenParams::default(), data).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_token_bound_to_the_client_needs_its_address() {
        let params = TokenParams { strictly_bind_ip: true, ..TokenParams::default() };
        let mut request = Request::new(logical::Operation::Update, "login", Map::new(), jiff::Timestamp::UNIX_EPOCH);
        assert!(params.auth(&request).is_err());
        request.connection.address = Some("10.0.0.1".parse().unwrap());
        assert_eq!(params.auth(&request).ok().unwrap().bound_cidrs, ["10.0.0.1"]);
    }

    #[test]
    fn policies_are_compared_without_default() {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(same_policies(&list("b a"), &list("default a b")) && !same_policies(&list("a"), &list("a b")));
        assert_eq!(sanitize_policies(list("B a A")), ["a", "b"]);
        assert_eq!(sanitize_policies(list("a root")), ["root"]);
    }
}
