//! Verification against the conformance suite's bundles, bundles that are bent, and signatures by keys made here.
//!
//! Vectors are read from `PALISADE_VECTORS`, else from `../shared/vectors` beside the checkout.

#[cfg(test)]
mod advisories;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod vectors;
