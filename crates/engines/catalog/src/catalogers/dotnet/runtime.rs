//! Which packages are a .NET runtime, and what NVD calls it.

use sbom::{Cpe, CpeSource};

/// The runtime that a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Net,
    AspNetCore,
}

/// True for the packages that are a runtime.
pub(super) fn is_runtime(name: &str) -> bool {
    family(name).is_some()
}

/// NVD's names for a runtime; none for other packages and for previews.
pub(super) fn cpes(name: &str, version: &str) -> Vec<Cpe> {
    let Some(family) = family(name) else { return Vec::new() };
    let Ok(mut numbers) = version.split('.').map(str::parse).collect::<Result<Vec<i64>, _>>() else {
        return Vec::new();
    };
    if numbers.len() == 1 {
        numbers.push(0);
    }
    let product = match family {
        Family::AspNetCore => "asp.net_core",
        Family::Net if numbers.first().is_some_and(|major| *major < 5) => ".net_core",
        Family::Net => ".net",
    };
    let version = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(".");
    let name = format!("cpe:2.3:a:microsoft:{product}:{version}:*:*:*:*:*:*:*");
    vec![Cpe { name, source: CpeSource::Declared }]
}

fn family(name: &str) -> Option<Family> {
    let name = name.to_lowercase();
    let is = |app: &str| {
        name == app
            || name.starts_with(&format!("runtimepack.{app}.runtime"))
            || name.starts_with(&format!("{app}.runtime"))
            || (name.starts_with("runtime") && name.ends_with(app))
    };
    if is("microsoft.aspnetcore.app") {
        Some(Family::AspNetCore)
    } else {
        is("microsoft.netcore.app").then_some(Family::Net)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        fn check(name: &str, version: &str, expected: &str) {
            let cpes = cpes(name, version);
            let parts: Vec<String> =
                cpes.iter().map(|cpe| cpe.name.split(':').skip(4).take(2).collect::<Vec<_>>().join(" ")).collect();
            assert_eq!(parts.join(","), expected, "{name} {version}");
        }
        check("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1", ".net 8.0.1");
        check("runtimepack.Microsoft.NETCore.App.Runtime.linux-x64", "3.1", ".net_core 3.1");
        check("runtime.linux-x64.Microsoft.NETCore.App", "2", ".net_core 2.0");
        check("Microsoft.AspNetCore.App", "6.0.01", "asp.net_core 6.0.1");
        check("Microsoft.NETCore.App", "9.0.0-preview.1", "");
        check("Newtonsoft.Json", "13.0.1", "");
    }
}
