//! VEX documents as statements for matching.

use advisory::vex::{Format, Status};
use anyhow::Context;
use matching::vex::{VexFormat, VexProduct, VexStatement, VexStatus};
use std::path::Path;

/// The statements of an OpenVEX or CSAF document.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<VexStatement>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let document = advisory::vex::parse(&bytes).with_context(|| format!("{} is not VEX", path.display()))?;
    let format = match document.format {
        Format::OpenVex => VexFormat::OpenVex,
        Format::Csaf => VexFormat::Csaf,
    };
    let statements = document.statements.into_iter().map(|statement| VexStatement {
        vulnerabilities: std::iter::once(statement.vulnerability).chain(statement.aliases).collect(),
        products: statement
            .products
            .into_iter()
            .map(|product| VexProduct {
                identifiers: product.identifiers,
                subcomponents: product.subcomponents.into_iter().flatten().collect(),
            })
            .collect(),
        status: match statement.status {
            Status::NotAffected => VexStatus::NotAffected,
            Status::Affected => VexStatus::Affected,
            Status::Fixed => VexStatus::Fixed,
            Status::UnderInvestigation => VexStatus::UnderInvestigation,
        },
        justification: statement.justification,
        timestamp: statement.timestamp,
        format,
    });
    Ok(statements.collect())
}
