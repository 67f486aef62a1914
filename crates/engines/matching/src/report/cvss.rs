//! Exploitability and impact of CVSS vectors, which reports show beside the base score (FIRST's specifications of
//! versions 2.0, 3.0 and 3.1; version 4 has none).

/// Exploitability and impact, one decimal, rounded up as Grype does. `None` where the vector is of version 4 or cannot
/// be read.
pub(super) fn subscores(vector: &str) -> Option<(f64, f64)> {
    let is_v3 = vector.starts_with("CVSS:3.");
    if !is_v3 && vector.starts_with("CVSS:") {
        return None;
    }
    let metric = |wanted: &str| {
        let mut metrics = vector.split('/').filter_map(|part| part.split_once(':'));
        metrics.find(|(name, _)| *name == wanted).map(|(_, value)| value)
    };
    let weigh = |name: &str, weights: &[(&str, f64)]| {
        let value = metric(name)?;
        weights.iter().find(|(letter, _)| *letter == value).map(|(_, weight)| *weight)
    };
    if is_v3 { version_3(metric("S")? == "C", weigh) } else { version_2(weigh) }
}

type Weights = [(&'static str, f64)];

fn version_3(changed: bool, weigh: impl Fn(&str, &Weights) -> Option<f64>) -> Option<(f64, f64)> {
    let privileges: &Weights =
        if changed { &[("N", 0.85), ("L", 0.68), ("H", 0.5)] } else { &[("N", 0.85), ("L", 0.62), ("H", 0.27)] };
    let exploitability = 8.22
        * weigh("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?
        * weigh("AC", &[("L", 0.77), ("H", 0.44)])?
        * weigh("PR", privileges)?
        * weigh("UI", &[("N", 0.85), ("R", 0.62)])?;
    let loss = |name| weigh(name, &[("H", 0.56), ("L", 0.22), ("N", 0.0)]);
    let base = 1.0 - (1.0 - loss("C")?) * (1.0 - loss("I")?) * (1.0 - loss("A")?);
    let impact = if changed { 7.52 * (base - 0.029) - 3.25 * (base - 0.02).max(0.0).powi(15) } else { 6.42 * base };
    Some((round_up(exploitability), round_up(impact)))
}

fn version_2(weigh: impl Fn(&str, &Weights) -> Option<f64>) -> Option<(f64, f64)> {
    let exploitability = 20.0
        * weigh("AV", &[("L", 0.395), ("A", 0.646), ("N", 1.0)])?
        * weigh("AC", &[("H", 0.35), ("M", 0.61), ("L", 0.71)])?
        * weigh("Au", &[("M", 0.45), ("S", 0.56), ("N", 0.704)])?;
    let loss = |name| weigh(name, &[("N", 0.0), ("P", 0.275), ("C", 0.66)]);
    let impact = 10.41 * (1.0 - (1.0 - loss("C")?) * (1.0 - loss("I")?) * (1.0 - loss("A")?));
    Some((round_up(exploitability), round_up(impact)))
}

fn round_up(score: f64) -> f64 {
    let whole = (score * 100_000.0).round();
    if whole % 10_000.0 == 0.0 { whole / 100_000.0 } else { ((whole / 10_000.0).floor() + 1.0) / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_vectors() {
        for (vector, want) in [
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Some((10.0, 6.5))),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some((3.9, 5.9))),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some((3.9, 5.9))),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some((3.9, 6.1))),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
            ("", None),
            ("CVSS:3.1/AV:N", None),
        ] {
            assert_eq!(subscores(vector), want, "{vector}");
        }
    }
}
