//! Vendor and product of Go modules: from the module path read as an address. None is better than a wrong one.

/// The product: the path below the vendor's folder.
pub(super) fn product(module: &str) -> Option<String> {
    let (host, path) = address(module)?;
    match host {
        "golang.org" | "gopkg.in" => Some(path),
        "google.golang.org" => path.split('/').next().map(str::to_owned),
        _ => path.split_once('/').map(|(_, rest)| rest.to_owned()),
    }
}

/// The vendor: the first folder.
pub(super) fn vendor(module: &str) -> Option<String> {
    let (host, path) = address(module)?;
    match host {
        "google.golang.org" => Some("google".to_owned()),
        "golang.org" => Some("golang".to_owned()),
        "gopkg.in" => None,
        _ => path.split_once('/').map(|(vendor, _)| vendor.to_owned()),
    }
}

/// Host and path without slashes at its ends. `None` where the module path could be no address.
fn address(module: &str) -> Option<(&str, String)> {
    if module.chars().any(|c| c.is_ascii_control()) {
        return None;
    }
    let module = module.split('#').next()?;
    let module = module.split('?').next()?;
    let (host, path) = module.split_at(module.find('/').unwrap_or(module.len()));
    let valid_in_host = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=".contains(c);
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    if !name.chars().all(valid_in_host) || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((host, unescape(path)?.trim_matches('/').to_owned()))
}

/// Undoes percent escapes. `None` where one is broken.
fn unescape(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        let valid = code.bytes().all(|b| b.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(code, 16).ok().filter(|_| valid)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(module: &str, expected_vendor: Option<&str>, expected_product: Option<&str>) {
        assert_eq!(vendor(module).as_deref(), expected_vendor, "{module}");
        assert_eq!(product(module).as_deref(), expected_product, "{module}");
    }

    #[test]
    fn modules() {
        check("github.com/someone/something", Some("someone"), Some("something"));
        check("github.com/someone/something/v2/long", Some("someone"), Some("something/v2/long"));
        check("golang.org/x/crypto", Some("golang"), Some("x/crypto"));
        check("google.golang.org/grpc", Some("google"), Some("grpc"));
        check("google.golang.org/genproto/rpc", Some("google"), Some("genproto"));
        check("gopkg.in/yaml.v3", None, Some("yaml.v3"));
        check("place.org/more", None, None);
        check("stdlib", None, None);
        check("a b/c/d", None, None);
        check("host:80/a/b", Some("a"), Some("b"));
        check("host:x/a/b", None, None);
        check("host/a%20b/c", Some("a b"), Some("c"));
        check("host/a%zz/c", None, None);
    }
}
