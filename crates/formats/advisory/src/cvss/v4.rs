//! CVSS 4.0 (FIRST, specification document, section 8).
//!
//! A vector falls into one of 270 classes ("macro vectors"), each with a score. Inside a class the score goes down
//! with the distance of the vector from the worst one of its class, in proportion to the step to the next lower class.

use super::Metrics;

/// Score of each class in tenths, from FIRST's look-up table: by EQ1, EQ2 and the pair of EQ3 and EQ6
/// (00, 01, 10, 11, 21) a row, by EQ4 and EQ5 a column.
const SCORES: [[u8; 9]; 30] = [
    [100, 98, 95, 100, 93, 91, 93, 89, 81],
    [99, 95, 92, 96, 87, 81, 90, 80, 68],
    [98, 95, 90, 93, 89, 81, 88, 78, 69],
    [95, 92, 84, 92, 81, 65, 80, 70, 48],
    [92, 82, 72, 79, 69, 50, 69, 55, 27],
    [99, 95, 92, 95, 90, 84, 92, 82, 72],
    [97, 92, 85, 91, 83, 71, 81, 71, 53],
    [95, 92, 85, 92, 80, 70, 84, 71, 50],
    [93, 85, 73, 82, 72, 59, 70, 52, 30],
    [86, 75, 52, 71, 52, 29, 63, 29, 17],
    [98, 94, 91, 94, 86, 77, 87, 74, 63],
    [95, 87, 81, 89, 74, 64, 75, 63, 49],
    [94, 88, 76, 86, 74, 59, 72, 57, 52],
    [89, 77, 67, 76, 58, 50, 57, 52, 25],
    [83, 70, 54, 65, 58, 26, 53, 21, 13],
    [95, 88, 76, 90, 75, 61, 77, 68, 52],
    [90, 76, 70, 77, 62, 53, 66, 59, 30],
    [89, 76, 62, 74, 57, 47, 61, 57, 24],
    [78, 67, 58, 59, 57, 23, 52, 29, 16],
    [71, 59, 30, 58, 26, 15, 23, 13, 6],
    [93, 86, 75, 86, 74, 56, 70, 52, 40],
    [87, 72, 58, 74, 61, 34, 54, 40, 22],
    [85, 74, 62, 72, 55, 46, 53, 34, 19],
    [75, 55, 51, 57, 41, 19, 36, 19, 8],
    [64, 51, 20, 47, 21, 11, 24, 9, 4],
    [88, 73, 60, 73, 59, 41, 54, 45, 20],
    [75, 53, 50, 55, 40, 20, 43, 22, 11],
    [75, 58, 40, 61, 48, 20, 46, 17, 8],
    [55, 45, 21, 51, 18, 9, 18, 7, 2],
    [53, 24, 14, 24, 12, 5, 10, 3, 1],
];

/// How many steps a class is deep, by EQ level (tables 24 to 28 and 30; EQ5 has one step and never moves a score).
const DEPTH_EQ1: [f64; 3] = [1.0, 4.0, 5.0];
const DEPTH_EQ2: [f64; 2] = [1.0, 2.0];
const DEPTH_EQ4: [f64; 3] = [6.0, 5.0, 4.0];

/// The metrics by number, 0 the worst value; effective ones, with the modified metrics taken in.
struct Levels {
    av: u8,
    pr: u8,
    ui: u8,
    ac: u8,
    at: u8,
    vulnerable: [u8; 3],
    requirements: [u8; 3],
    /// `S` (safety) is 0, so `H` is 1 here.
    subsequent: [u8; 3],
    exploit: u8,
}

/// The class of a vector.
#[derive(Clone, Copy)]
struct Class {
    eq1: usize,
    eq2: usize,
    eq3: usize,
    eq4: usize,
    eq5: usize,
    eq6: usize,
}

impl Class {
    /// The class's score; `None` when there is no such class.
    fn score(self) -> Option<f64> {
        let pair = match (self.eq3, self.eq6) {
            (0, 0) => 0,
            (0, 1) => 1,
            (1, 0) => 2,
            (1, 1) => 3,
            (2, 1) => 4,
            _ => return None,
        };
        if self.eq1 > 2 || self.eq2 > 1 || self.eq4 > 2 || self.eq5 > 2 {
            return None;
        }
        let row = SCORES.get((self.eq1 * 2 + self.eq2) * 5 + pair)?;
        row.get(self.eq4 * 3 + self.eq5).map(|tenths| f64::from(*tenths) / 10.0)
    }

    /// The score of the next lower class in EQ3 and EQ6, which go together.
    fn lower_eq3_eq6(self) -> Option<f64> {
        let eq3 = Self { eq3: self.eq3 + 1, ..self }.score();
        let eq6 = Self { eq6: self.eq6 + 1, ..self }.score();
        match (self.eq3, self.eq6) {
            (0, 0) => Some(eq3?.max(eq6?)),
            (1, 0) => eq6,
            _ => eq3,
        }
    }
}

pub(super) fn score(metrics: &Metrics<'_>) -> Option<f64> {
    let levels = Levels::read(metrics)?;
    if levels.vulnerable == [2; 3] && levels.subsequent == [3; 3] {
        return Some(0.0);
    }
    let class = levels.class();
    let top = class.score()?;
    let lower = [
        (Class { eq1: class.eq1 + 1, ..class }.score(), levels.distance_eq1(), DEPTH_EQ1.get(class.eq1).copied()?),
        (Class { eq2: class.eq2 + 1, ..class }.score(), levels.distance_eq2(), DEPTH_EQ2.get(class.eq2).copied()?),
        (class.lower_eq3_eq6(), levels.distance_eq3_eq6(class), depth_eq3_eq6(class)),
        (Class { eq4: class.eq4 + 1, ..class }.score(), levels.distance_eq4(class), DEPTH_EQ4.get(class.eq4).copied()?),
        (Class { eq5: class.eq5 + 1, ..class }.score(), 0.0, 1.0),
    ];
    let mut sum = 0.0;
    let mut count = 0.0;
    for (next, distance, depth) in lower {
        if let Some(next) = next {
            sum += (top - next) * distance / depth;
            count += 1.0;
        }
    }
    let mean = if count == 0.0 { 0.0 } else { sum / count };
    let score: f64 = (top - mean).clamp(0.0, 10.0);
    // A half must not fall down for floating point's sake (FIRST's calculator adds the same).
    Some(((score + 1e-6) * 10.0).round() / 10.0)
}

fn depth_eq3_eq6(class: Class) -> f64 {
    match (class.eq3, class.eq6) {
        (0, 0) => 7.0,
        (0, _) => 6.0,
        (1, _) => 8.0,
        _ => 10.0,
    }
}

impl Levels {
    fn read(metrics: &Metrics<'_>) -> Option<Self> {
        let level = |name: &str, letters: &str| level(metrics, name, letters);
        Some(Self {
            av: level("AV", "NALP")?,
            pr: level("PR", "NLH")?,
            ui: level("UI", "NPA")?,
            ac: level("AC", "LH")?,
            at: level("AT", "NP")?,
            vulnerable: [level("VC", "HLN")?, level("VI", "HLN")?, level("VA", "HLN")?],
            requirements: [
                optional(metrics, "CR", "HML")?,
                optional(metrics, "IR", "HML")?,
                optional(metrics, "AR", "HML")?,
            ],
            subsequent: [
                subsequent(metrics, "SC", "HLN")?,
                subsequent(metrics, "SI", "SHLN")?,
                subsequent(metrics, "SA", "SHLN")?,
            ],
            exploit: optional(metrics, "E", "APU")?,
        })
    }

    fn class(&self) -> Class {
        let [vc, vi, va] = self.vulnerable;
        let [sc, si, sa] = self.subsequent;
        let eq1 = match (self.av, self.pr, self.ui) {
            (0, 0, 0) => 0,
            (av, pr, ui) if (av == 0 || pr == 0 || ui == 0) && av != 3 => 1,
            _ => 2,
        };
        let eq3 = match (vc, vi, va) {
            (0, 0, _) => 0,
            (vc, vi, va) if vc == 0 || vi == 0 || va == 0 => 1,
            _ => 2,
        };
        let eq4 = match (sc, si, sa) {
            (_, si, sa) if si == 0 || sa == 0 => 0,
            (sc, si, sa) if sc == 1 || si == 1 || sa == 1 => 1,
            _ => 2,
        };
        let worst = self.requirements.iter().zip(self.vulnerable).any(|(need, hit)| *need == 0 && hit == 0);
        Class {
            eq1,
            eq2: usize::from(self.ac != 0 || self.at != 0),
            eq3,
            eq4,
            eq5: usize::from(self.exploit),
            eq6: usize::from(!worst),
        }
    }

    /// Steps to the first of the class's worst vectors that is nowhere better than this one.
    fn distance_eq1(&self) -> f64 {
        let worst: &[[u8; 3]] = match self.class().eq1 {
            0 => &[[0, 0, 0]],
            1 => &[[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            _ => &[[3, 0, 0], [1, 1, 1]],
        };
        distance(&[self.av, self.pr, self.ui], worst)
    }

    fn distance_eq2(&self) -> f64 {
        let worst: &[[u8; 2]] = if self.class().eq2 == 0 { &[[0, 0]] } else { &[[1, 0], [0, 1]] };
        distance(&[self.ac, self.at], worst)
    }

    fn distance_eq3_eq6(&self, class: Class) -> f64 {
        let worst: &[[u8; 6]] = match (class.eq3, class.eq6) {
            (0, 0) => &[[0, 0, 0, 0, 0, 0]],
            (0, _) => &[[0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]],
            (1, 0) => &[[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]],
            (1, _) => {
                &[[0, 1, 0, 1, 0, 1], [0, 1, 1, 1, 0, 0], [1, 0, 0, 0, 1, 1], [1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 0, 1]]
            }
            _ => &[[1, 1, 1, 0, 0, 0]],
        };
        let [vc, vi, va] = self.vulnerable;
        let [cr, ir, ar] = self.requirements;
        distance(&[vc, vi, va, cr, ir, ar], worst)
    }

    fn distance_eq4(&self, class: Class) -> f64 {
        let worst: &[[u8; 3]] = match class.eq4 {
            0 => &[[1, 0, 0]],
            1 => &[[1, 1, 1]],
            _ => &[[2, 2, 2]],
        };
        distance(&self.subsequent, worst)
    }
}

/// Steps from the first worst vector that is not below `levels` in any metric.
fn distance<const N: usize>(levels: &[u8; N], worst: &[[u8; N]]) -> f64 {
    let steps = worst.iter().find_map(|top| {
        let mut sum = 0u32;
        for (level, top) in levels.iter().zip(top) {
            sum += u32::from(level.checked_sub(*top)?);
        }
        Some(sum)
    });
    f64::from(steps.unwrap_or(0))
}

/// A base metric's place among `letters`, its modified form (`MAV`) before it.
fn level(metrics: &Metrics<'_>, name: &str, letters: &str) -> Option<u8> {
    let base = place(metrics.value(name)?, letters)?;
    match metrics.value(&format!("M{name}")) {
        None | Some("X") => Some(base),
        Some(value) => place(value, letters),
    }
}

/// A metric that stands for its worst value when it is not given.
fn optional(metrics: &Metrics<'_>, name: &str, letters: &str) -> Option<u8> {
    match metrics.value(name) {
        None | Some("X") => Some(0),
        Some(value) => place(value, letters),
    }
}

/// An impact on subsequent systems: `S` only as a modified metric; `H` is 1.
fn subsequent(metrics: &Metrics<'_>, name: &str, modified: &str) -> Option<u8> {
    let base = place(metrics.value(name)?, "HLN")? + 1;
    match metrics.value(&format!("M{name}")) {
        None | Some("X") => Some(base),
        Some(value) if modified.starts_with('S') => place(value, modified),
        Some(value) => Some(place(value, modified)? + 1),
    }
}

fn place(value: &str, letters: &str) -> Option<u8> {
    let mut chars = value.chars();
    let (letter, rest) = (chars.next()?, chars.next());
    if rest.is_some() {
        return None;
    }
    letters.chars().position(|l| l == letter).and_then(|place| u8::try_from(place).ok())
}
