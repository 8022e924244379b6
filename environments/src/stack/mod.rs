//! What both environments have in common: the LGTM backend, what a collector is configured with, and the data that has to arrive.
//!
//! | module | what |
//! |---|---|
//! | [`fragments`] | `deploy/collector/`: which metrics the receivers send, and the other parts of a collector's configuration |
//! | [`lgtm`] | image, files and settings of the LGTM container |
//! | [`data`] | whether what the receivers send has arrived in Prometheus |

pub mod data;
pub mod fragments;
pub mod lgtm;
