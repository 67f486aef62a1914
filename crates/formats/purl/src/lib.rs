//! Package URLs and CPE 2.3 names.
