//! Defaults, types, JSON.

use super::Made;
use crate::function::{Arguments, Function, Type};
use crate::json::{self, Options};
use crate::value::Value;
use Type::{Any, Bool, Text};

pub(super) const ALL: &[Function] = &[
    Function::variadic("default", &[Any, Any], |given| {
        Ok(given.value(if given.value(1).is_true() { 1 } else { 0 }).clone())
    }),
    Function::new("empty", &[Any], |given| Ok((!given.value(0).is_true()).into())),
    Function::variadic("coalesce", &[Any], |given| {
        Ok(given.from(0).iter().find(|value| value.is_true()).cloned().unwrap_or(Value::Nil))
    }),
    Function::variadic("all", &[Any], |given| Ok(given.from(0).iter().all(Value::is_true).into())),
    Function::variadic("any", &[Any], |given| Ok(given.from(0).iter().any(Value::is_true).into())),
    Function::new("ternary", &[Any, Any, Bool], |given| Ok(given.value(if given.bool(2) { 0 } else { 1 }).clone())),
    Function::new("fail", &[Text], |given| Err(given.text(0).to_owned())),
    Function::new("typeOf", &[Any], |given| Ok(given.value(0).type_name().into())),
    Function::new("typeIs", &[Text, Any], |given| Ok((given.text(0) == given.value(1).type_name()).into())),
    Function::new("typeIsLike", &[Text, Any], |given| {
        let of = given.value(1).type_name();
        Ok((of.strip_prefix('*').unwrap_or(&of) == given.text(0) || of == given.text(0)).into())
    }),
    Function::new("kindOf", &[Any], |given| Ok(given.value(0).kind_name().into())),
    Function::new("kindIs", &[Text, Any], |given| Ok((given.text(0) == given.value(1).kind_name()).into())),
    Function::new("deepEqual", &[Any, Any], |given| Ok(given.value(0).deep_equal(given.value(1)).into())),
    Function::new("fromJson", &[Text], |given| Ok(from_json(given).unwrap_or(Value::Nil))),
    Function::new("mustFromJson", &[Text], from_json),
    Function::new("toJson", &[Any], |given| Ok(to_json(given, COMPACT).unwrap_or_else(|_| "".into()))),
    Function::new("mustToJson", &[Any], |given| to_json(given, COMPACT)),
    Function::new("toPrettyJson", &[Any], |given| Ok(to_json(given, PRETTY).unwrap_or_else(|_| "".into()))),
    Function::new("mustToPrettyJson", &[Any], |given| to_json(given, PRETTY)),
    Function::new("toRawJson", &[Any], |given| to_json(given, RAW)),
    Function::new("mustToRawJson", &[Any], |given| to_json(given, RAW)),
];

const COMPACT: Options = Options { pretty: false, raw: false };
const PRETTY: Options = Options { pretty: true, raw: false };
const RAW: Options = Options { pretty: false, raw: true };

fn to_json(given: &Arguments<'_>, options: Options) -> Made {
    json::encode(given.value(0), options).map(Value::from)
}

fn from_json(given: &Arguments<'_>) -> Made {
    let value: serde_json::Value = serde_json::from_str(given.text(0)).map_err(|error| error.to_string())?;
    Ok(Value::from_json(&value))
}
