//! Go text/template with the sprig functions report templates use.
