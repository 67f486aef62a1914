//! Lists.

use super::{Made, NIL_USED, casts};
use crate::function::{Arguments, Function, MAX_MADE, Type};
use crate::value::{List, Value};
use Type::{Any, Int};

/// Looks among many items cost their square, so longer lists are refused there.
const MAX_SEARCHED: usize = 100_000;

pub(super) const ALL: &[Function] = &[
    Function::variadic("list", &[Any], |given| Ok(Value::list(given.from(0).to_vec()))),
    Function::variadic("tuple", &[Any], |given| Ok(Value::list(given.from(0).to_vec()))),
    Function::new("append", &[Any, Any], push),
    Function::new("mustAppend", &[Any, Any], push),
    Function::new("push", &[Any, Any], push),
    Function::new("mustPush", &[Any, Any], push),
    Function::new("prepend", &[Any, Any], prepend),
    Function::new("mustPrepend", &[Any, Any], prepend),
    Function::new("first", &[Any], first),
    Function::new("mustFirst", &[Any], first),
    Function::new("last", &[Any], last),
    Function::new("mustLast", &[Any], last),
    Function::new("rest", &[Any], |given| Ok(part(items(given, 0, "Cannot find rest on type")?, 1, 0))),
    Function::new("mustRest", &[Any], |given| Ok(part(items(given, 0, "Cannot find rest on type")?, 1, 0))),
    Function::new("initial", &[Any], |given| Ok(part(items(given, 0, "Cannot find initial on type")?, 0, 1))),
    Function::new("mustInitial", &[Any], |given| Ok(part(items(given, 0, "Cannot find initial on type")?, 0, 1))),
    Function::new("reverse", &[Any], reverse),
    Function::new("mustReverse", &[Any], reverse),
    Function::new("compact", &[Any], compact),
    Function::new("mustCompact", &[Any], compact),
    Function::new("uniq", &[Any], uniq),
    Function::new("mustUniq", &[Any], uniq),
    Function::variadic("without", &[Any, Any], without),
    Function::variadic("mustWithout", &[Any, Any], without),
    Function::new("has", &[Any, Any], has),
    Function::new("mustHas", &[Any, Any], has),
    Function::variadic("slice", &[Any, Any], slice),
    Function::variadic("mustSlice", &[Any, Any], slice),
    Function::variadic("concat", &[Any], concat),
    Function::new("chunk", &[Int, Any], chunk),
    Function::new("mustChunk", &[Int, Any], chunk),
    Function::new("sortAlpha", &[Any], sort_alpha),
];

/// The list at `index`.
fn list<'a>(given: &Arguments<'a>, index: usize, complaint: &str) -> Result<&'a List, String> {
    match given.value(index) {
        Value::List(list) => Ok(list),
        value if casts::is_untyped_nil(value) => Err(NIL_USED.to_owned()),
        value => Err(format!("{complaint} {}", value.kind_name())),
    }
}

fn items<'a>(given: &Arguments<'a>, index: usize, complaint: &str) -> Result<&'a [Value], String> {
    list(given, index, complaint).map(|list| list.items.as_slice())
}

fn push(given: &Arguments<'_>) -> Made {
    let mut all = items(given, 0, "Cannot push on type")?.to_vec();
    all.push(given.value(1).clone());
    Ok(Value::list(all))
}

fn prepend(given: &Arguments<'_>) -> Made {
    let rest = items(given, 0, "Cannot prepend on type")?;
    Ok(Value::list(std::iter::once(given.value(1)).chain(rest).cloned().collect()))
}

fn first(given: &Arguments<'_>) -> Made {
    Ok(items(given, 0, "Cannot find first on type")?.first().cloned().unwrap_or(Value::Nil))
}

fn last(given: &Arguments<'_>) -> Made {
    Ok(items(given, 0, "Cannot find last on type")?.last().cloned().unwrap_or(Value::Nil))
}

/// The items but so many at the start and the end.
fn part(items: &[Value], start: usize, end: usize) -> Value {
    Value::list(items.get(start..items.len().saturating_sub(end)).unwrap_or_default().to_vec())
}

fn reverse(given: &Arguments<'_>) -> Made {
    Ok(Value::list(items(given, 0, "Cannot find reverse on type")?.iter().rev().cloned().collect()))
}

fn compact(given: &Arguments<'_>) -> Made {
    let items = items(given, 0, "Cannot compact on type")?;
    Ok(Value::list(items.iter().filter(|item| item.is_true()).cloned().collect()))
}

fn searched(items: &[Value]) -> Result<&[Value], String> {
    if items.len() > MAX_SEARCHED { Err(format!("more than {MAX_SEARCHED} items")) } else { Ok(items) }
}

fn uniq(given: &Arguments<'_>) -> Made {
    let mut kept: Vec<Value> = Vec::new();
    for item in searched(items(given, 0, "Cannot find uniq on type")?)? {
        if !kept.iter().any(|known| known.deep_equal(item)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(given: &Arguments<'_>) -> Made {
    let items = items(given, 0, "Cannot find without on type")?;
    let stays = |item: &&Value| !given.from(1).iter().any(|omitted| omitted.deep_equal(item));
    Ok(Value::list(items.iter().filter(stays).cloned().collect()))
}

fn has(given: &Arguments<'_>) -> Made {
    if casts::is_untyped_nil(given.value(1)) {
        return Ok(false.into());
    }
    let items = items(given, 1, "Cannot find has on type")?;
    Ok(items.iter().any(|item| item.deep_equal(given.value(0))).into())
}

fn slice(given: &Arguments<'_>) -> Made {
    let list = list(given, 0, "list should be type of slice or array but")?;
    if list.items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = given.from(1).first().map_or(0, casts::int);
    let end = given.from(2).first().map_or(list.items.len() as i64, casts::int);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok()).map(|(start, end)| start..end);
    match range.and_then(|range| list.items.get(range)) {
        Some(items) => Ok(Value::list_of(list.item_type, items.to_vec())),
        None => Err("reflect.Value.Slice: slice index out of bounds".to_owned()),
    }
}

fn concat(given: &Arguments<'_>) -> Made {
    let mut all = Vec::new();
    for value in given.from(0) {
        match value {
            Value::List(list) => all.extend(list.items.iter().cloned()),
            value if casts::is_untyped_nil(value) => return Err(NIL_USED.to_owned()),
            value => return Err(format!("Cannot concat type {} as list", value.kind_name())),
        }
        if all.len() > MAX_MADE / 64 {
            return Err(format!("more than {} items", MAX_MADE / 64));
        }
    }
    Ok(Value::list(all))
}

fn chunk(given: &Arguments<'_>) -> Made {
    let items = items(given, 1, "Cannot chunk type")?;
    let size = usize::try_from(given.int(0)).ok().filter(|size| *size > 0);
    let size = size.ok_or("runtime error: makeslice: len out of range")?;
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::list_of("[]interface {}", chunks))
}

fn sort_alpha(given: &Arguments<'_>) -> Made {
    let mut texts = match given.value(0) {
        list @ Value::List(_) => casts::texts(list),
        other => vec![casts::text(other)],
    };
    texts.sort();
    Ok(Value::texts(texts))
}
