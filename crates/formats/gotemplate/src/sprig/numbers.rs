//! Numbers.

use super::{Made, casts};
use crate::function::{Arguments, Function, MAX_MADE, Type};
use crate::print::display;
use crate::value::Value;
use Type::{Any, Float, Int, Text};

/// Most numbers that `until` and its like count.
const MAX_COUNT: usize = MAX_MADE / 64;

pub(super) const ALL: &[Function] = &[
    Function::new("atoi", &[Text], |given| Ok(Value::int(given.text(0).parse().unwrap_or(0)))),
    Function::new("int", &[Any], |given| Ok(Value::int(casts::int(given.value(0))))),
    Function::new("int64", &[Any], |given| Ok(Value::int64(casts::int(given.value(0))))),
    Function::new("float64", &[Any], |given| Ok(casts::float(given.value(0)).into())),
    Function::new("toDecimal", &[Any], |given| {
        Ok(Value::int64(i64::from_str_radix(&display(given.value(0)), 8).unwrap_or(0)))
    }),
    Function::new("add1", &[Any], |given| Ok(Value::int64(casts::int(given.value(0)).wrapping_add(1)))),
    Function::variadic("add", &[Any], |given| Ok(Value::int64(ints(given).fold(0, i64::wrapping_add)))),
    Function::new("sub", &[Any, Any], |given| {
        Ok(Value::int64(casts::int(given.value(0)).wrapping_sub(casts::int(given.value(1)))))
    }),
    Function::variadic("mul", &[Any, Any], |given| Ok(Value::int64(ints(given).fold(1, i64::wrapping_mul)))),
    Function::new("div", &[Any, Any], |given| divided(given, i64::wrapping_div)),
    Function::new("mod", &[Any, Any], |given| divided(given, i64::wrapping_rem)),
    Function::variadic("max", &[Any, Any], |given| Ok(Value::int64(ints(given).max().unwrap_or(0)))),
    Function::variadic("biggest", &[Any, Any], |given| Ok(Value::int64(ints(given).max().unwrap_or(0)))),
    Function::variadic("min", &[Any, Any], |given| Ok(Value::int64(ints(given).min().unwrap_or(0)))),
    Function::new("add1f", &[Any], |given| Ok(decimal(casts::float(given.value(0)) + 1.0).into())),
    Function::variadic("addf", &[Any], |given| Ok(floats(given, 0).fold(0.0, |sum, next| decimal(sum + next)).into())),
    Function::variadic("subf", &[Any, Any], |given| folded(given, |left, right| Ok(decimal(left - right)))),
    Function::variadic("mulf", &[Any, Any], |given| folded(given, |left, right| Ok(decimal(left * right)))),
    Function::variadic("divf", &[Any, Any], |given| folded(given, quotient)),
    Function::variadic("maxf", &[Any, Any], |given| folded(given, |left, right| Ok(left.max(right)))),
    Function::variadic("minf", &[Any, Any], |given| folded(given, |left, right| Ok(left.min(right)))),
    Function::new("ceil", &[Any], |given| Ok(casts::float(given.value(0)).ceil().into())),
    Function::new("floor", &[Any], |given| Ok(casts::float(given.value(0)).floor().into())),
    Function::variadic("round", &[Any, Int, Float], |given| Ok(round(given).into())),
    Function::new("until", &[Int], |given| {
        let end = given.int(0);
        Ok(list(count(0, end, if end < 0 { -1 } else { 1 })?))
    }),
    Function::new("untilStep", &[Int, Int, Int], |given| Ok(list(count(given.int(0), given.int(1), given.int(2))?))),
    Function::variadic("seq", &[Int], sequence),
];

fn ints<'a>(given: &Arguments<'a>) -> impl Iterator<Item = i64> + use<'a> {
    given.from(0).iter().map(casts::int)
}

fn floats<'a>(given: &Arguments<'a>, from: usize) -> impl Iterator<Item = f64> + use<'a> {
    given.from(from).iter().map(casts::float)
}

fn divided(given: &Arguments<'_>, by: fn(i64, i64) -> i64) -> Made {
    match (casts::int(given.value(0)), casts::int(given.value(1))) {
        (_, 0) => Err("runtime error: integer divide by zero".to_owned()),
        (left, right) => Ok(Value::int64(by(left, right))),
    }
}

fn folded(given: &Arguments<'_>, step: fn(f64, f64) -> Result<f64, String>) -> Made {
    Ok(floats(given, 1).try_fold(casts::float(given.value(0)), step)?.into())
}

/// Sprig counts in decimals, where 0.1 and 0.2 make 0.3: what is beyond 15 digits is an artefact.
fn decimal(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

/// Decimals are divided to 16 places.
fn quotient(left: f64, right: f64) -> Result<f64, String> {
    if right == 0.0 {
        return Err("decimal division by 0".to_owned());
    }
    let result = left / right;
    Ok(format!("{result:.16}").parse().unwrap_or(result))
}

fn round(given: &Arguments<'_>) -> f64 {
    let round_on = match given.value(2) {
        Value::Float(number) => *number,
        _ => 0.5,
    };
    let power = 10f64.powf(given.int(1) as f64);
    let digit = power * casts::float(given.value(0));
    let rounded = if digit.fract() >= round_on { digit.ceil() } else { digit.floor() };
    rounded / power
}

/// From `start` up to but not with `end`.
fn count(start: i64, end: i64, step: i64) -> Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    let mut number = start;
    while if end < start { step < 0 && number > end } else { step > 0 && number < end } {
        if numbers.len() >= MAX_COUNT {
            return Err(format!("more than {MAX_COUNT} numbers"));
        }
        numbers.push(number);
        let Some(next) = number.checked_add(step) else { break };
        number = next;
    }
    Ok(numbers)
}

fn list(numbers: Vec<i64>) -> Value {
    Value::list_of("int", numbers.into_iter().map(Value::int).collect())
}

fn sequence(given: &Arguments<'_>) -> Made {
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end) = match given.from(0) {
        [_] => (1, towards(1, given.int(0)), given.int(0)),
        [_, _] => (given.int(0), towards(given.int(0), given.int(1)), given.int(1)),
        [_, _, _] if given.int(2) < given.int(0) && given.int(1) > 0 => return Ok("".into()),
        [_, _, _] => (given.int(0), given.int(1), given.int(2)),
        _ => return Ok("".into()),
    };
    let numbers = count(start, end.saturating_add(towards(start, end)), step)?;
    Ok(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ").into())
}
