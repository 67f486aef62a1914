//! Go's text/template (1.26) with the sprig (3.3) functions that report templates use.
//!
//! ```
//! use gotemplate::{Functions, Limits, Template, Value};
//!
//! let functions = Functions::go().with_sprig();
//! let template = Template::parse("hello", "{{range .names}}Hello, {{. | upper}}! {{end}}", &functions)?;
//! let data = Value::from_json(&serde_json::json!({"names": ["ann", "bob"]}));
//! let mut out = Vec::new();
//! template.execute(&data, Limits::default(), &mut out)?;
//! assert_eq!(out, b"Hello, ANN! Hello, BOB! ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values are Go's: what a template prints, compares or refuses depends on whether a number is an `int` or a `float64`
//! and on whether a field is missing, null or a nil pointer, so [`Value`] keeps them apart. JSON is read as Go reads it
//! into an `any`: every number is a `float64`.
//!
//! Reading order: [`value`] and `shape`, then `lex`, `parse`, `exec`, `print`, and the functions in `builtins` and `sprig`.

mod builtins;
mod error;
mod exec;
mod function;
mod json;
mod layout;
mod lex;
mod literal;
mod node;
mod parse;
mod print;
mod printf;
mod shape;
mod sprig;
pub mod value;

pub use error::{ExecuteError, ParseError};
pub use exec::Limits;
pub use function::{Arguments, Function, Functions, Type};
pub use layout::format as format_time;
pub use parse::Template;
pub use shape::{FieldType, Shape, StructType};
pub use value::{IntType, List, Map, Struct, Value};
