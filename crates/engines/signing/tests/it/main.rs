//! Verification against the conformance suite's bundles, and bundles that are bent.
//!
//! Vectors are read from `PALISADE_VECTORS`, else from `../shared/vectors` beside the checkout.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod vectors;
