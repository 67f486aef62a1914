//! The URI binding of CPE 2.2 (NISTIR 7695, 6.1).

use super::attribute::{Attribute, Quoted};
use super::{Cpe, ParseError};
use std::fmt::Write as _;

/// Prints as a URI.
pub(super) fn bind(cpe: &Cpe) -> String {
    let plain = [&cpe.part, &cpe.vendor, &cpe.product, &cpe.version, &cpe.update].map(bind_value);
    let mut fields = plain.to_vec();
    let extended = [&cpe.sw_edition, &cpe.target_sw, &cpe.target_hw, &cpe.other];
    if extended.iter().all(|attribute| **attribute == Attribute::Any) {
        fields.push(bind_value(&cpe.edition));
    } else {
        let packed = extended.into_iter().map(bind_value);
        fields.push(packed.fold(format!("~{}", bind_value(&cpe.edition)), |all, one| all + "~" + &one));
    }
    fields.push(bind_value(&cpe.language));
    let text = fields.join(":");
    format!("cpe:/{}", text.trim_end_matches(':'))
}

fn bind_value(attribute: &Attribute) -> String {
    let value = match attribute {
        Attribute::Any => return String::new(),
        Attribute::NotApplicable => return "-".to_owned(),
        Attribute::Value(value) => value.as_str(),
    };
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '?' => out.push_str("%01"),
            '*' => out.push_str("%02"),
            '\\' => {
                let literal = chars.next().map_or(0, u32::from);
                // Writing into a String cannot fail.
                let _ = write!(out, "%{literal:02x}");
            }
            plain => out.push(plain),
        }
    }
    // A lone hyphen would read as NA.
    if out == "-" { "%2d".to_owned() } else { out }
}

/// Reads what follows `cpe:/`.
pub(super) fn unbind(text: &str) -> Result<Cpe, ParseError> {
    let lower = text.to_ascii_lowercase();
    let mut fields = lower.split(':');
    let mut next = || fields.next().unwrap_or_default();
    let [part, vendor, product, version, update] = [next(), next(), next(), next(), next()].map(unbind_value);
    let edition_field = next();
    let language = unbind_value(next());
    if fields.next().is_some() {
        return Err(ParseError::TooManyAttributes);
    }
    let [edition, sw_edition, target_sw, target_hw, other] = unpack_edition(edition_field)?.map(unbind_value);
    Cpe::from_attributes([
        part?,
        vendor?,
        product?,
        version?,
        update?,
        edition?,
        language?,
        sw_edition?,
        target_sw?,
        target_hw?,
        other?,
    ])
}

/// Edition, software edition, target software, target hardware, other.
fn unpack_edition(field: &str) -> Result<[&str; 5], ParseError> {
    let Some(packed) = field.strip_prefix('~') else {
        return Ok([field, "", "", "", ""]);
    };
    let mut values = [""; 5];
    let mut slots = values.iter_mut();
    for value in packed.split('~') {
        *slots.next().ok_or(ParseError::TooManyAttributes)? = value;
    }
    Ok(values)
}

fn unbind_value(field: &str) -> Result<Attribute, ParseError> {
    match field {
        "" => return Ok(Attribute::Any),
        "-" => return Ok(Attribute::NotApplicable),
        _ => {}
    }
    let malformed = || ParseError::Attribute(field.to_owned());
    let mut quoted = Quoted::default();
    let mut rest = field;
    while let Some(c) = rest.chars().next() {
        if c == '%' {
            let code = rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok()).ok_or_else(malformed)?;
            match code {
                1 => quoted.push_wildcard('?'),
                2 => quoted.push_wildcard('*'),
                literal => quoted.push(char::from(literal)).ok_or_else(malformed)?,
            }
            rest = rest.get(3..).unwrap_or_default();
        } else {
            quoted.push(c).ok_or_else(malformed)?;
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    // Wildcards in the middle are found by reading the result as a formatted field.
    match quoted.as_str() {
        "*" => Ok(Attribute::Any),
        "-" => Ok(quoted.finish()),
        text => Attribute::from_formatted(text).map_err(|_| malformed()),
    }
}
