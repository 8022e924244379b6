//! Dashboards evaluated against made-up metrics, and the shipped ones against the shipped environment.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod made_up;
mod shipped;
mod support;
