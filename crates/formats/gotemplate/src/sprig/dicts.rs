//! Maps.

use super::{Made, casts};
use crate::function::{Arguments, Function, Type};
use crate::value::{MAX_DEPTH, Map, Value};
use Type::{Any, Dict, Text};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) const ALL: &[Function] = &[
    Function::variadic("dict", &[Any], dict),
    Function::new("get", &[Dict, Text], |given| {
        Ok(entry(given.value(0), given.text(1)).unwrap_or_else(|| Value::text("")))
    }),
    Function::new("set", &[Dict, Text, Any], set),
    Function::new("unset", &[Dict, Text], |given| {
        if let Value::Map(map) = given.value(0) {
            map.entries.borrow_mut().remove(given.text(1));
        }
        Ok(given.value(0).clone())
    }),
    Function::new("hasKey", &[Dict, Text], |given| Ok(entry(given.value(0), given.text(1)).is_some().into())),
    Function::variadic("pluck", &[Text, Dict], |given| {
        Ok(Value::list(given.from(1).iter().filter_map(|dict| entry(dict, given.text(0))).collect()))
    }),
    Function::variadic("keys", &[Dict], |given| {
        Ok(Value::texts(given.from(0).iter().flat_map(entries).map(|(key, _)| key)))
    }),
    Function::new("values", &[Dict], |given| Ok(Value::list(entries(given.value(0)).into_values().collect()))),
    Function::variadic("pick", &[Dict, Text], |given| {
        Ok(Value::map(entries(given.value(0)).into_iter().filter(|(key, _)| names(given, key)).collect()))
    }),
    Function::variadic("omit", &[Dict, Text], |given| {
        Ok(Value::map(entries(given.value(0)).into_iter().filter(|(key, _)| !names(given, key)).collect()))
    }),
    Function::variadic("merge", &[Dict, Dict], |given| merged(given, false)),
    Function::variadic("mustMerge", &[Dict, Dict], |given| merged(given, false)),
    Function::variadic("mergeOverwrite", &[Dict, Dict], |given| merged(given, true)),
    Function::variadic("mustMergeOverwrite", &[Dict, Dict], |given| merged(given, true)),
    Function::new("deepCopy", &[Any], |given| copied(given.value(0), 0)),
    Function::new("mustDeepCopy", &[Any], |given| copied(given.value(0), 0)),
    Function::variadic("dig", &[Any], dig),
];

fn entries(dict: &Value) -> BTreeMap<String, Value> {
    match dict {
        Value::Map(map) => map.entries.borrow().clone(),
        _ => BTreeMap::new(),
    }
}

fn entry(dict: &Value, key: &str) -> Option<Value> {
    match dict {
        Value::Map(map) => map.entries.borrow().get(key).cloned(),
        _ => None,
    }
}

fn names(given: &Arguments<'_>, key: &str) -> bool {
    given.from(1).iter().any(|name| matches!(name, Value::Text(name) if **name == *key))
}

fn dict(given: &Arguments<'_>) -> Made {
    let pairs = given.from(0).chunks(2).filter_map(|pair| {
        let (key, rest) = pair.split_first()?;
        Some((casts::text(key), rest.first().cloned().unwrap_or_else(|| Value::text(""))))
    });
    Ok(Value::map(pairs.collect()))
}

fn set(given: &Arguments<'_>) -> Made {
    let Value::Map(map) = given.value(0) else { return Err("assignment to entry in nil map".to_owned()) };
    map.entries.borrow_mut().insert(given.text(1).to_owned(), given.value(2).clone());
    Ok(given.value(0).clone())
}

fn merged(given: &Arguments<'_>, overwrites: bool) -> Made {
    if let Value::Map(target) = given.value(0) {
        for source in given.from(1) {
            if let Value::Map(source) = source {
                merge(target, source, overwrites, 0)?;
            }
        }
    }
    Ok(given.value(0).clone())
}

/// mergo: what is empty is filled; with `overwrites` also what is not, but never with what is empty.
fn merge(target: &Rc<Map>, source: &Rc<Map>, overwrites: bool, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("nested too deep".to_owned());
    }
    if Rc::ptr_eq(target, source) {
        return Ok(());
    }
    let entries = source.entries.borrow().clone();
    for (key, value) in entries {
        let known = target.entries.borrow().get(&key).cloned();
        match (&known, &value) {
            (Some(Value::Map(known)), Value::Map(value)) => merge(known, value, overwrites, depth + 1)?,
            (Some(known), _) if known.is_true() && !(overwrites && value.is_true()) => {}
            _ => {
                target.entries.borrow_mut().insert(key, value);
            }
        }
    }
    Ok(())
}

fn copied(value: &Value, depth: usize) -> Made {
    if depth > MAX_DEPTH {
        return Err("deepCopy error: nested too deep".to_owned());
    }
    Ok(match value {
        Value::List(list) => {
            let items = list.items.iter().map(|item| copied(item, depth + 1)).collect::<Result<_, _>>()?;
            Value::list_of(list.item_type, items)
        }
        Value::Map(map) => {
            let entries = map.entries.borrow();
            let pairs = entries.iter().map(|(key, item)| Ok((key.clone(), copied(item, depth + 1)?)));
            Value::map_of(map.value_type, pairs.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn dig(given: &Arguments<'_>) -> Made {
    let [keys @ .., default, dict] = given.from(0) else { return Err(TOO_FEW.to_owned()) };
    if keys.is_empty() {
        return Err(TOO_FEW.to_owned());
    }
    let converts = |value: &Value, to: &str| {
        Err(format!("interface conversion: interface {{}} is {}, not {to}", value.type_name()))
    };
    let mut value = dict.clone();
    for key in keys {
        let Value::Text(key) = key else { return converts(key, "string") };
        let Value::Map(_) = &value else { return converts(&value, "map[string]interface {}") };
        match entry(&value, key) {
            Some(next) => value = next,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}

const TOO_FEW: &str = "dig needs at least three arguments";
