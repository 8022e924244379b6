//! The environments on real parts: what `cargo xtask kwok --runtime docker` and `cargo xtask dev` bring up.
//!
//! An environment is a list of named steps with needs, each of which can look, go up and go down ([`plan`]). Everything that
//! the two environments share (starting, resuming, rolling back, ending, telling) is written once, over that list.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | steps, and how a list of them goes up and down |
//! | [`engine`] | containers, images and networks of a container engine |
//! | [`cluster`] | objects of a Kubernetes API server, and the user's kubeconfig |
//! | [`image`] | the image of our own stats-proxy |
//! | [`stack`] | what both environments have in common: LGTM, a collector's fragments, the data that has to arrive |
//! | [`kwok`] | the plan of `cargo xtask kwok --runtime docker` |
//! | [`k3d`] | the plan of `cargo xtask dev` |
//!
//! This crate changes machines: it runs programs, asks engines and API servers, and writes files. It does not print: who calls
//! it passes a [`plan::Report`].

pub mod cluster;
pub mod engine;
pub mod image;
pub mod k3d;
pub mod kwok;
pub mod plan;
pub mod stack;
