//! CVSS 3.0 and 3.1 (FIRST, specification document, section 7.1). Their base scores differ in how they round up.

use super::Metrics;

const IMPACT: &[(&str, f64)] = &[("N", 0.0), ("L", 0.22), ("H", 0.56)];

pub(super) fn base_score(metrics: &Metrics<'_>, v31: bool) -> Option<f64> {
    let changed = match metrics.value("S")? {
        "U" => false,
        "C" => true,
        _ => return None,
    };
    let vector = metrics.weight("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?;
    let complexity = metrics.weight("AC", &[("L", 0.77), ("H", 0.44)])?;
    let privileges = if changed {
        metrics.weight("PR", &[("N", 0.85), ("L", 0.68), ("H", 0.5)])?
    } else {
        metrics.weight("PR", &[("N", 0.85), ("L", 0.62), ("H", 0.27)])?
    };
    let interaction = metrics.weight("UI", &[("N", 0.85), ("R", 0.62)])?;
    let (c, i, a) = (metrics.weight("C", IMPACT)?, metrics.weight("I", IMPACT)?, metrics.weight("A", IMPACT)?);

    let base = 1.0 - (1.0 - c) * (1.0 - i) * (1.0 - a);
    let impact = if changed { 7.52 * (base - 0.029) - 3.25 * (base - 0.02).powi(15) } else { 6.42 * base };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let exploitability = 8.22 * vector * complexity * privileges * interaction;
    let sum = if changed { 1.08 * (impact + exploitability) } else { impact + exploitability };
    let score = sum.min(10.0);
    Some(if v31 { round_up(score) } else { (score * 10.0).ceil() / 10.0 })
}

/// Appendix A of 3.1: up to the next tenth, but not for what floating point alone adds.
fn round_up(score: f64) -> f64 {
    let scaled = (score * 100_000.0).round();
    if scaled % 10_000.0 == 0.0 { scaled / 100_000.0 } else { ((scaled / 10_000.0).floor() + 1.0) / 10.0 }
}
