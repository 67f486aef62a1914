//! Servers in this process, asked over HTTP, with the real things that they need.

#[cfg(test)]
mod hardening;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod seals;
#[cfg(test)]
mod serving;
